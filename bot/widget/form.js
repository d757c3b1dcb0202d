// A form for what the bot needs to know; checked here in plain words, and again by the service.
import { clean, make } from "./dom.js";

const TYPES = { email: "email", tel: "tel", date: "date" };
const CHECKS = {
  email: /^[^\s@]+@[^\s@]+\.[^\s@]+$/,
  tel: /^\+?[\d\s()./-]{5,25}$/,
  number: /^-?\d+([.,]\d+)?$/,
  date: /^\d{4}-\d{2}-\d{2}$/,
};

/**
 * @param {{fields: {name, label, type, required, pattern?, choices?}[]}} form
 * @param {(text: string) => void} send  Gets the values as a message: the value, or a line a field.
 */
export function slotForm(form, t, key, send) {
  const fields = form.fields.map((field, n) => entry(field, t, `field-${key}-${n}`));
  const submit = (event) => {
    event.preventDefault();
    const wrong = fields.filter((each) => !each.check());
    if (wrong.length) return wrong[0].input.focus();
    node.querySelectorAll("input, select, button").forEach((each) => (each.disabled = true));
    const filled = fields.filter((each) => each.value());
    return send(
      fields.length === 1 ? fields[0].value() : filled.map((each) => `${each.label}: ${each.value()}`).join("\n"),
    );
  };
  const node = make(
    "form",
    { class: "slots", novalidate: true, on: { submit } },
    ...fields.map((each) => each.node),
    make("button", { type: "submit", class: "primary" }, t("send")),
  );
  return node;
}

function entry(field, t, id) {
  const label = clean(field.label || field.name);
  const required = field.required !== false;
  const input = field.choices?.length
    ? choice(field.choices, id, t)
    : make("input", {
        id,
        type: TYPES[field.type] ?? "text",
        maxlength: "300",
        inputmode: field.type === "number" ? "decimal" : null,
        autocomplete: { email: "email", tel: "tel" }[field.type] ?? "off",
        dir: "auto",
      });
  const error = make("p", { class: "error", id: `${id}-error` });
  input.setAttribute("aria-describedby", error.id);
  if (required) input.setAttribute("aria-required", "true");
  const value = () => input.value.trim();
  const check = () => {
    const problem = wrong(field, value(), required, t);
    error.textContent = problem;
    input.setAttribute("aria-invalid", String(Boolean(problem)));
    return !problem;
  };
  input.addEventListener("input", () => error.textContent && check());
  const optional = required ? null : make("span", { class: "optional" }, t("optional"));
  return {
    label,
    input,
    value,
    check,
    node: make("div", { class: "field" }, make("label", { for: id }, label, optional), input, error),
  };
}

function choice(choices, id, t) {
  return make(
    "select",
    { id },
    make("option", { value: "" }, t("choose")),
    ...choices.map((each) => make("option", { value: clean(each) }, clean(each))),
  );
}

function wrong(field, value, required, t) {
  if (!value) return required ? t("needed") : "";
  if (CHECKS[field.type] && !CHECKS[field.type].test(value)) return t(`unfit_${field.type}`);
  if (field.pattern && !matches(field.pattern, value)) return t("unfit_pattern");
  return "";
}

function matches(pattern, value) {
  try {
    return new RegExp(`^(?:${pattern})$`, "u").test(value);
  } catch {
    return true; // a pattern of another dialect: the service checks it
  }
}
