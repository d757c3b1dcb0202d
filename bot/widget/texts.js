// The widget's own words, in the language of the page or of the customer.
import english from "./texts/en.json" with { type: "json" };

const LANGUAGES = ["en", "zh", "de", "es", "fr", "ar"];
const RTL = ["ar"];

/** The nearest language that there are texts for. "auto" asks the page, then the browser. */
export function choose(wanted) {
  const given = wanted && wanted !== "auto" ? [wanted] : [document.documentElement.lang, ...navigator.languages];
  const found = given.map((tag) => String(tag).toLowerCase().split(/[-_]/)[0]).find((tag) => LANGUAGES.includes(tag));
  return found ?? "en";
}

export const direction = (language) => (RTL.includes(language) ? "rtl" : "ltr");

/** A function from a text's key to the text, with {names} filled in; English until the rest is there. */
export async function load(language, server, version) {
  if (language === "en") return texts(english);
  try {
    const response = await fetch(`${server}/widget/texts/${language}.json?v=${version}`, { credentials: "omit" });
    return texts({ ...english, ...(await response.json()) });
  } catch {
    return texts(english);
  }
}

export function texts(table = english) {
  return (key, values = {}) => (table[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
