// The entry: one widget for the script that loaded this, unless it is to be placed by hand.
import { TruepennyChat } from "./element.js";

const script = document.currentScript;
const origin = script?.src
  ? new URL(script.src).origin + new URL(script.src).pathname.replace(/\/widget\.js$/, "")
  : null;

if (!customElements.get("truepenny-chat")) {
  TruepennyChat.origin = origin;
  TruepennyChat.version = VERSION;
  customElements.define("truepenny-chat", TruepennyChat);
}

function mount() {
  const chat = document.createElement("truepenny-chat");
  for (const [name, value] of Object.entries(script.dataset)) {
    chat.setAttribute(
      name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
      value,
    );
  }
  if (origin && !chat.hasAttribute("server")) chat.setAttribute("server", origin);
  document.body.append(chat);
}

if (script && !("manual" in script.dataset)) {
  if (document.body) mount();
  else addEventListener("DOMContentLoaded", mount, { once: true });
}
