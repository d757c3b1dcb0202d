// Nodes and what may go into them: text becomes text nodes, never markup.

const SVG = "http://www.w3.org/2000/svg";
const LINE = {
  fill: "none",
  stroke: "currentColor",
  "stroke-width": "1.7",
  "stroke-linecap": "round",
  "stroke-linejoin": "round",
};
const ICONS = {
  chat: "M20 11.6c0 4.2-3.6 7.4-8 7.4-1.2 0-2.4-.3-3.4-.7L4 19.5l1.2-3.9A7 7 0 0 1 4 11.6C4 7.4 7.6 4.2 12 4.2s8 3.2 8 7.4ZM8.9 11.7l2.2 2.2 4.1-4.3",
  down: "m6 9.5 6 6 6-6",
  close: "M6.5 6.5l11 11M17.5 6.5l-11 11",
  more: "M5.5 12h.01M12 12h.01M18.5 12h.01",
  send: "M12 19V5.5M6 11.3l6-6 6 6",
  stop: "M8 8h8v8H8Z",
  person: "M12 11.5a3.6 3.6 0 1 0 0-7.2 3.6 3.6 0 0 0 0 7.2ZM5 19.7c.6-3.3 3.5-5.2 7-5.2s6.4 1.9 7 5.2",
  save: "M12 4.5v10M7.5 10.5l4.5 4.5 4.5-4.5M5 19.5h14",
  again: "M5 5v4.5h4.5M5.6 9.3A7.2 7.2 0 1 1 4.9 13.5",
  checked: "M12 3.5 5 6.2v5.3c0 4.3 2.9 7.5 7 9 4.1-1.5 7-4.7 7-9V6.2ZM8.9 11.9l2.2 2.2 4-4.2",
  quoted: "M9.8 7.5C7.3 8.3 6 10.2 6 13v3.5h4.2v-4H8M17.8 7.5C15.3 8.3 14 10.2 14 13v3.5h4.2v-4H16",
  declined: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16ZM8.5 12h7",
  unsure: "M12 4.3 3.8 18.7h16.4ZM12 10v4M12 16.3h.01",
  up: "M8 11v8.5H5V11ZM8 11l3.6-6.5c1.5 0 2.4 1 2.2 2.5L13.3 10H18c1 0 1.8.9 1.6 1.9l-1.2 6c-.2.9-.9 1.6-1.9 1.6H8",
  thumbDown:
    "M16 13V4.5h3V13ZM16 13l-3.6 6.5c-1.5 0-2.4-1-2.2-2.5l.5-3H6c-1 0-1.8-.9-1.6-1.9l1.2-6c.2-.9.9-1.6 1.9-1.6H16",
  out: "M10 6H6v12h12v-4M13.5 5H19v5.5M18.5 5.5 11 13",
};
// Explicit directional formatting can make text read as what it isn't; plain marks (LRM) may stay.
const BIDI = /[\u202A-\u202E\u2066-\u2069]/g;

/** An element; `on` holds listeners, attributes that are false or null are left out. */
export function make(tag, { on = {}, ...attributes } = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value != null) node.setAttribute(name, value === true ? "" : value);
  }
  for (const [type, listener] of Object.entries(on)) node.addEventListener(type, listener);
  node.append(...children.filter((child) => child != null));
  return node;
}

/** A line drawing of 24 units, hidden from screen readers. */
export function icon(name, size = 20) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  const shape = { viewBox: "0 0 24 24", width: size, height: size, "aria-hidden": "true", class: `icon icon-${name}` };
  for (const [key, value] of Object.entries(shape)) svg.setAttribute(key, value);
  for (const [key, value] of Object.entries({ ...LINE, d: ICONS[name] })) path.setAttribute(key, value);
  svg.append(path);
  return svg;
}

export function button(label, attributes, ...children) {
  return make("button", { type: "button", ...attributes }, ...children, label);
}

/** A button that shows an icon and is read out as `label`. */
export function iconButton(name, label, attributes) {
  return make(
    "button",
    { type: "button", class: "icon-button", "aria-label": label, title: label, ...attributes },
    icon(name),
  );
}

export const clean = (text) => String(text ?? "").replace(BIDI, "");

/** The address if it leads to a web page or a mailbox, else null. */
export function safeAddress(address) {
  try {
    const url = new URL(String(address).trim());
    return ["https:", "http:", "mailto:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null; // relative, or no address at all
  }
}

/** A link that opens beside the page; an unsafe address leaves the text alone. */
export function link(address, attributes, ...children) {
  const href = safeAddress(address);
  if (!href) return make("span", {}, ...children);
  return make("a", { href, target: "_blank", rel: "noopener noreferrer", ...attributes }, ...children);
}
