// Text as DOM nodes: the little Markdown that help centres hold, never markup from outside.

export const $ = (id) => document.getElementById(id);
export const MARK = /^\s*(?:([-*+•])|(\d{1,3})[.)])\s+/;
const INLINE = /\*\*([^*\n]+)\*\*|`([^`\n]+)`|\[([^\]\n]+)\]\(([^)\s]+)\)/g;

export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") node.addEventListener("click", value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

/** Tells screen readers, through the one live region. */
export function announce(text) {
  $("live").append(make("p", {}, text));
  while ($("live").children.length > 12) $("live").firstChild.remove();
}

export function inline(text) {
  const nodes = [];
  let at = 0;
  for (const found of text.matchAll(INLINE)) {
    if (found.index > at) nodes.push(text.slice(at, found.index));
    if (found[1]) nodes.push(make("strong", {}, found[1]));
    else if (found[2]) nodes.push(make("code", {}, found[2]));
    else nodes.push(link(found[4], found[3]));
    at = found.index + found[0].length;
  }
  if (at < text.length) nodes.push(text.slice(at));
  return nodes;
}

export function link(address, text) {
  const safe = /^(https?:|mailto:|tel:)/i.test(address);
  return safe ? make("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, text) : text;
}

/** Puts one sentence into a bubble: into the list, the table or the paragraph it belongs to. */
export function place(bubble, sentence, gap, chips) {
  const line = sentence.text.trim();
  const mark = MARK.exec(line) || MARK.exec(gap.slice(gap.lastIndexOf("\n") + 1));
  const last = bubble.lastElementChild;
  if (line.startsWith("|")) return row(bubble, last, line, chips);
  if (mark) return item(bubble, last, line.replace(MARK, ""), mark, chips);
  if (last?.tagName === "P" && !gap.includes("\n")) {
    last.append(" ", ...piece(line, chips));
  } else {
    bubble.append(make("p", {}, ...piece(line.replace(/^#{1,6}\s+/, ""), chips)));
  }
}

function piece(text, chips) {
  return [make("span", { class: "fresh" }, ...inline(text)), ...chips];
}

function item(bubble, last, text, mark, chips) {
  const tag = mark[2] ? "OL" : "UL";
  let list = last?.tagName === tag ? last : null;
  if (!list) bubble.append((list = make(tag, mark[2] && mark[2] !== "1" ? { start: mark[2] } : {})));
  list.append(make("li", {}, ...piece(text, chips)));
}

function row(bubble, last, line, chips) {
  let table = last?.tagName === "TABLE" ? last : null;
  if (!table) bubble.append((table = make("table", { class: "rows" }, make("tbody"))));
  const cells = line.replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());
  const made = cells.map((cell) => make("td", {}, ...inline(cell)));
  made[made.length - 1].append(...chips);
  table.tBodies[0].append(make("tr", { class: "fresh" }, ...made));
}

/** A text's lines as sentences without sources. */
export function lines(text) {
  const found = [];
  let at = 0;
  for (const line of text.split("\n")) {
    const length = Array.from(line).length;
    if (line.trim()) found.push({ text: line, start: at, end: at + length, citations: [] });
    at += length + 1;
  }
  return found;
}

/** Words as they are read out. */
export const plain = (text) => text.replace(MARK, "").replace(/[*`|]+/g, " ").trim();
