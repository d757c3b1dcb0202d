// The menu: a person, the transcript, starting over (which asks first, since it erases).
import { button, icon, iconButton, make } from "./dom.js";

/** `node` is the button with its list, `confirm` the question; `close()` says whether it was open. */
export function menu(t, acts, focus) {
  const items = make("div", { class: "menu", id: "menu", hidden: true });
  const opener = iconButton("more", t("more"), {
    "aria-expanded": "false",
    "aria-controls": "menu",
    on: { click: () => show(items.hidden) },
  });
  const show = (open) => {
    items.hidden = !open;
    opener.setAttribute("aria-expanded", String(open));
    if (open) items.querySelector("button:not(:disabled)").focus();
  };
  const close = () => {
    if (items.hidden) return false;
    show(false);
    opener.focus();
    return true;
  };
  const item = (name, label, act) =>
    button(
      label,
      {
        class: "item",
        on: {
          click: () => {
            show(false);
            focus();
            act();
          },
        },
      },
      icon(name),
    );
  const confirm = make("div", { class: "confirm", role: "group", "aria-label": t("erase"), hidden: true });
  const decide = (yes) => {
    confirm.hidden = true;
    focus();
    if (yes) acts.reset();
  };
  confirm.append(
    make("p", {}, t("erase")),
    button(t("erase_yes"), { class: "primary", on: { click: () => decide(true) } }),
    button(t("erase_no"), { class: "choice", on: { click: () => decide(false) } }),
  );
  const ask = () => {
    confirm.hidden = false;
    confirm.querySelector("button").focus();
  };
  items.append(
    item("person", t("talk"), acts.person),
    make("div", { class: "later" }, item("save", t("download"), acts.save), item("again", t("restart"), ask)),
  );
  const node = make(
    "div",
    {
      class: "menu-place",
      on: {
        focusout: (event) => {
          if (!node.contains(event.relatedTarget)) show(false);
        },
      },
    },
    opener,
    items,
  );
  return { node, confirm, close };
}
