// The conversation as a text file.
import { clean, make } from "./dom.js";

export function transcript(entries, t) {
  return entries.map((entry) => `${who(entry.role, t)} (${entry.at})\n${said(entry)}`).join("\n\n");
}

function who(role, t) {
  return t({ user: "you", bot: "bot", person: "person" }[role]);
}

function said({ text, reply }) {
  if (!reply) return text;
  const cited = (reply.citations ?? []).map(
    ({ n, title, url, quote }) => `[${n}] ${clean(title)}${url ? ` <${url}>` : ""}: "${clean(quote)}"`,
  );
  return [clean(reply.text), ...cited].join("\n");
}

export function download(text, name) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
