// The Markdown that help centres hold, as nodes: paragraphs, lists, tables, code, bold, italic, links.
// Sentences are tracked through it: each one's chips stand where it ends, whatever block that is in.
import { clean, link, make } from "./dom.js";

const END = "\uE000"; // then a character of the private area above it: the number of a sentence
const FIRST = 0xe100;
const MARKS = /\uE000[\uE100-\uF8FF]/g;
const FENCE = /^\s{0,3}(`{3,}|~{3,})/;
const ITEM = /^(\s*)([-*+•]|\d{1,3}[.)])\s+(.*)$/;
const RULE = /^\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?\s*$/;
const INLINE = new RegExp(
  [
    /\\([\\`*_[\]()#+.!|>~-])/, // 1 escaped
    /(?<!`)(`{1,2})(?!`)([^\n]{1,600}?)(?<!`)\2(?!`)/, // 3 code
    /!?\[([^\]\n]{1,600})\]\(<?([^\s()<>]{1,2000}(?:\([^\s()]{0,200}\))?)>?(?:\s+"[^"\n]{0,300}")?\)/, // 4 label, 5 address
    /\*\*(?=[^\s*])([^\n]{1,600}?)(?<=\S)\*\*/, // 6 bold
    /(?<!\w)__(?=[^\s_])([^\n]{1,600}?)(?<=\S)__(?!\w)/, // 7 bold
    /(?<!\*)\*(?=[^\s*])([^*\n]{1,600}?)(?<=\S)\*(?!\*)/, // 8 italic
    /(?<!\w)_(?=[^\s_])([^_\n]{1,600}?)(?<=\S)_(?!\w)/, // 9 italic
    /<?(https?:\/\/[^\s<>"\uE000]{1,2000}[^\s<>"\uE000.,;:!?)'])>?/, // 10 a bare address
    /\uE000([\uE100-\uF8FF])/, // 11 the end of a sentence
  ]
    .map((each) => each.source)
    .join("|"),
  "g",
);

/**
 * A text as nodes.
 * @param {{end: number}[]} sentences  Ends count characters (code points), in order.
 * @param {(n: number) => Node[]} chips  What stands at the end of sentence n.
 */
export function render(text, sentences = [], chips = () => []) {
  const state = { sentence: 0, chips, told: sentences.length > 0 };
  const lines = marked(text, sentences).split("\n");
  const blocks = [];
  for (let at = 0; at < lines.length;) at = block(lines, at, blocks, state);
  return blocks;
}

/** The text as it is read out, without marks of Markdown. */
export function plain(text) {
  return render(text)
    .map((node) => node.textContent)
    .join(" ")
    .replace(/\s+/g, " ")
    .trim();
}

function marked(text, sentences) {
  const glyphs = Array.from(
    String(text ?? "")
      .replace(/\r\n?/g, (end) => (end.length > 1 ? " \n" : "\n"))
      .replace(/[\uE000-\uF8FF]/g, "\uFFFD"),
  );
  sentences.forEach(({ end }, n) => {
    let last = Math.min(end, glyphs.length);
    while (last > 1 && !glyphs[last - 1].trim()) last -= 1;
    if (last > 0) glyphs[last - 1] += END + String.fromCharCode(FIRST + n);
  });
  return glyphs.join("");
}

function block(lines, at, blocks, state) {
  const line = lines[at];
  if (!line.trim()) return at + 1;
  if (FENCE.test(line)) return fence(lines, at, blocks, state);
  if (/^\s*\|/.test(line)) return table(lines, at, blocks, state);
  if (ITEM.test(line)) return list(lines, at, blocks, state);
  if (/^\s*>\s?/.test(line)) return quote(lines, at, blocks, state);
  return paragraph(lines, at, blocks, state);
}

function paragraph(lines, at, blocks, state) {
  const heading = /^\s{0,3}#{1,6}\s+/.exec(lines[at]);
  const node = make("p", heading ? { class: "heading" } : {});
  let end = at + 1;
  const starts = (line) => !line.trim() || FENCE.test(line) || ITEM.test(line) || /^\s*[|>#]/.test(line);
  if (!heading) while (end < lines.length && !starts(lines[end])) end += 1;
  lines.slice(at, end).forEach((line, n) => {
    if (n) node.append(/( {2}|\\)$/.test(lines[at + n - 1]) ? make("br") : " ");
    node.append(
      ...inline(
        line
          .slice(n ? 0 : (heading?.[0].length ?? 0))
          .trim()
          .replace(/\\$/, ""),
        state,
      ),
    );
  });
  blocks.push(node);
  return end;
}

function quote(lines, at, blocks, state) {
  const node = make("blockquote");
  let end = at;
  for (; end < lines.length && /^\s*>\s?/.test(lines[end]); end += 1) {
    node.append(...(end > at ? [" "] : []), ...inline(lines[end].replace(/^\s*>\s?/, ""), state));
  }
  blocks.push(node);
  return end;
}

function fence(lines, at, blocks, state) {
  const [, ticks] = FENCE.exec(lines[at]);
  let end = at + 1;
  while (end < lines.length && !lines[end].trim().startsWith(ticks)) end += 1;
  const code = lines.slice(at + 1, end).join("\n");
  blocks.push(make("pre", { tabindex: "0" }, make("code", {}, clean(code.replace(MARKS, "")))));
  const marks = [
    ...lines
      .slice(at, end + 1)
      .join("")
      .matchAll(MARKS),
  ].join("");
  if (marks) blocks.push(make("p", {}, ...inline(marks, state)));
  return end + 1;
}

function list(lines, at, blocks, state) {
  const open = []; // the lists around a line, outermost first: [indent, list]
  for (; at < lines.length; at += 1) {
    const found = ITEM.exec(lines[at]);
    const within = !found && lines[at].trim() && /^\s{2,}/.test(lines[at]);
    if (!found && !within) break;
    if (found) item(found, open, blocks, state);
    else open.at(-1)[1].lastElementChild.append(" ", ...inline(lines[at].trim(), state));
  }
  return at;
}

function item([, { length: indent }, mark, text], open, blocks, state) {
  const tag = /\d/.test(mark) ? "OL" : "UL";
  while (
    open.length &&
    (open.at(-1)[0] > indent + 1 || (open.at(-1)[0] >= indent - 1 && open.at(-1)[1].tagName !== tag))
  )
    open.pop();
  if (!open.length || indent > open.at(-1)[0] + 1) {
    const number = parseInt(mark, 10);
    const made = make(tag, number > 1 ? { start: number } : {});
    if (open.length) open.at(-1)[1].lastElementChild.append(made);
    else blocks.push(made);
    open.push([indent, made]);
  }
  open.at(-1)[1].append(make("li", {}, ...inline(text, state)));
}

function table(lines, at, blocks, state) {
  const body = make("tbody");
  const node = make("table", {}, body);
  for (; at < lines.length && /^\s*\|/.test(lines[at]); at += 1) {
    if (RULE.test(lines[at].replace(MARKS, "")) && !node.tHead && body.rows.length === 1) {
      const head = body.rows[0];
      head.replaceChildren(...[...head.cells].map((cell) => make("th", { scope: "col" }, ...cell.childNodes)));
      node.prepend(make("thead", {}, head));
    } else {
      body.append(row(lines[at], state));
    }
  }
  blocks.push(make("div", { class: "table", tabindex: "0", role: "group" }, node));
  return at;
}

function row(line, state) {
  const marks = line.match(/(\uE000[\uE100-\uF8FF]\s*)+$/)?.[0] ?? "";
  const cells = line
    .slice(0, line.length - marks.length)
    .trim()
    .replace(/^\||(?<!\\)\|$/g, "")
    .split(/(?<!\\)\|/);
  cells[cells.length - 1] = cells.at(-1).trim() + marks;
  return make("tr", {}, ...cells.map((cell) => make("td", {}, ...inline(cell.trim(), state))));
}

function inline(text, state) {
  const nodes = [];
  let at = 0;
  for (const found of text.matchAll(INLINE)) {
    if (found.index > at) nodes.push(leaf(text.slice(at, found.index), state));
    if (found[11]) nodes.push(...glued(nodes, piece(found, state)));
    else nodes.push(...piece(found, state));
    at = found.index + found[0].length;
  }
  if (at < text.length) nodes.push(leaf(text.slice(at), state));
  return nodes;
}

function piece([whole, escaped, , code, label, address, bold, strong, italic, em, bare, end], state) {
  if (end) {
    state.sentence = end.charCodeAt(0) - FIRST + 1;
    return state.chips(state.sentence - 1);
  }
  if (escaped) return [leaf(escaped, state)];
  if (code)
    return [
      make("code", {}, leaf(code.replace(MARKS, "").trim() || code, state)),
      ...inline([...code.matchAll(MARKS)].join(""), state),
    ];
  if (bold || strong) return [make("strong", {}, ...inline(bold || strong, state))];
  if (italic || em) return [make("em", {}, ...inline(italic || em, state))];
  if (bare) return [link(bare, {}, leaf(bare, state))];
  const made = link(address.replace(MARKS, ""), {}, ...inline(label, state));
  return made.tagName === "A" ? [made] : [leaf(whole.replace(MARKS, ""), state)];
}

/** Keeps chips beside the last word before them, at the end of a line too. */
function glued(nodes, chips) {
  const last = nodes.at(-1);
  const [word] = /\S{1,24}$/.exec(last?.dataset?.sentence ? last.textContent : "") ?? [];
  if (!word || !chips.length) return chips;
  last.textContent = last.textContent.slice(0, -word.length);
  const kept = last.cloneNode();
  kept.textContent = word;
  return [make("span", { class: "glued" }, kept, ...chips)];
}

/** A run of plain text; it knows its sentence, so that the sentence can be pointed at. */
function leaf(text, state) {
  const said = clean(text);
  return state.told ? make("span", { "data-sentence": state.sentence }, said) : document.createTextNode(said);
}
