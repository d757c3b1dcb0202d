// A whole reply: its text, the numbers that open its sources, its badge.
import { $, MARK, announce, inline, lines, link, make, place, plain } from "./text.js";

export const BADGES = {
  checked: ["Checked", "Each sentence is backed by the help centre."],
  quoted: ["Quoted", "Word for word from the help centre."],
  declined: ["Declined", "I found nothing I could vouch for."],
  handoff: ["Declined", "A person takes over from here."],
  flow: ["Next step", ""],
};

/** The whole reply takes the place of what was streamed: it alone counts. */
export function fill(turn, reply) {
  const bubble = make("div", { class: "bubble" });
  const sources = make("div", { class: "sources" });
  let at = 0;
  const glyphs = Array.from(reply.text); // offsets count characters, not UTF-16 units
  for (const sentence of reply.sentences.length ? reply.sentences : lines(reply.text)) {
    const gap = glyphs.slice(at, sentence.start).join("");
    place(bubble, sentence, gap, chipsOf(turn, sentence, reply, sources));
    at = sentence.end;
  }
  bubble.querySelectorAll(".fresh").forEach((node) => node.classList.remove("fresh"));
  turn.bubble.replaceWith(bubble, sources);
  turn.bubble = bubble;
}

function chipsOf(turn, sentence, reply, sources) {
  return sentence.citations.flatMap((n) => {
    const citation = reply.citations.find((each) => each.n === n);
    return citation ? [chip(turn, citation, sources)] : [];
  });
}

function chip(turn, citation, sources) {
  const id = `source-${turn.number}-${citation.n}`;
  const button = make("button", {
    type: "button", class: "cite", "aria-expanded": "false", "aria-controls": id, "data-source": id,
    "aria-label": `Source ${citation.n}: ${citation.title}`, title: citation.title,
    onclick: () => toggle(turn, id, citation, sources),
  }, String(citation.n));
  button.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && $(id)) toggle(turn, id, citation, sources);
  });
  return button;
}

function toggle(turn, id, citation, sources) {
  const open = $(id);
  if (open) open.remove();
  else {
    const later = [...sources.children].find((each) => Number(each.dataset.n) > citation.n);
    sources.insertBefore(source(id, citation), later || null);
    $(id).scrollIntoView({ block: "nearest" });
    announce(`${citation.title}: ${plain(citation.quote)}`);
  }
  for (const each of turn.node.querySelectorAll(".cite")) {
    if (each.dataset.source === id) each.setAttribute("aria-expanded", String(!open));
  }
}

function source(id, citation) {
  const title = citation.url ? link(citation.url, citation.title) : citation.title;
  return make("section", { class: "source", id, "data-n": citation.n, "aria-label": `Source ${citation.n}` },
    make("h3", {}, make("span", { class: "n" }, String(citation.n)), make("span", {}, title)),
    make("blockquote", {}, ...inline(citation.quote)));
}

const squeezed = (text) => text.replace(MARK, "").replace(/\s+/g, " ").trim().replace(/[.:;]+$/, "").toLowerCase();

export function kindOf(reply) {
  if (reply.action === "clarify") return null;
  if (reply.action === "flow" || reply.action === "handoff") return reply.action;
  if (reply.action !== "answer" || !reply.sentences.length) return "declined";
  const quotes = new Map(reply.citations.map((each) => [each.n, squeezed(each.quote)]));
  const quoted = (sentence) => sentence.citations.some((n) => quotes.get(n) === squeezed(sentence.text));
  return reply.sentences.every(quoted) ? "quoted" : "checked";
}

export function foot(kind, reply) {
  const [word, meaning] = BADGES[kind];
  const look = { handoff: "declined", flow: "plain" }[kind] || kind;
  const count = new Set(reply.citations.map((each) => each.article_id)).size;
  const from = count ? ` From ${count === 1 ? "one article" : `${count} articles`}.` : "";
  return make("p", { class: "foot" }, make("span", { class: `badge ${look}` }, word), make("span", {}, meaning + from));
}

export function suggestions(turn, reply, choice) {
  const id = `more-${turn.number}`;
  const title = reply.action === "answer" ? "You may also want to know" : "Perhaps one of these helps";
  return [make("p", { class: "more", id }, title), make("ul", { class: "suggestions", "aria-labelledby": id }, ...reply.suggestions.map((each) => choice(each.text)))];
}
