// Thumbs under a reply; a thumb down asks for the reason, which may be left out.
import { button, iconButton, make } from "./dom.js";

const REASONS = ["wrong", "missed", "unclear", "other"];

/** @param {(rating: string, comment?: string) => Promise} send */
export function feedback(t, send, announce) {
  const told = make("span", { class: "told" });
  const more = make("div", { class: "reasons" });
  const say = (text) => {
    told.textContent = text;
    announce(text);
  };
  const rate = async (rating, comment) => {
    const before = [up, down].map((each) => each.getAttribute("aria-pressed"));
    [up, down].forEach((each) => each.setAttribute("aria-pressed", String((each === up) === (rating === "up"))));
    more.replaceChildren();
    try {
      await send(rating, comment);
      say(t("thanks"));
    } catch {
      [up, down].forEach((each, n) => each.setAttribute("aria-pressed", before[n]));
      say(t("unsent"));
    }
  };
  const thumb = (name, label, click) =>
    iconButton(name, label, { class: "icon-button thumb", "aria-pressed": "false", on: { click } });
  const up = thumb("up", t("up"), () => rate("up"));
  const down = thumb("thumbDown", t("down"), () => {
    const form = why(t, (comment) => {
      rate("down", comment);
      down.focus();
    });
    more.replaceChildren(form);
    form.querySelector("button").focus();
    form.scrollIntoView({ block: "nearest" });
  });
  return { thumbs: make("span", { class: "thumbs" }, told, up, down), more };
}

function why(t, done) {
  const comment = make("input", {
    type: "text",
    maxlength: "500",
    "aria-label": t("comment"),
    placeholder: t("comment"),
  });
  let chosen = null;
  const reasons = REASONS.map((name) =>
    button(t(`reason_${name}`), {
      class: "choice small",
      "aria-pressed": "false",
      on: {
        click: (event) => {
          chosen = chosen === name ? null : name;
          reasons.forEach((each) =>
            each.setAttribute("aria-pressed", String(each === event.currentTarget && chosen !== null)),
          );
        },
      },
    }),
  );
  const submit = (event) => {
    event.preventDefault();
    done([chosen, comment.value.trim()].filter(Boolean).join(": "));
  };
  return make(
    "form",
    { class: "why", "aria-label": t("why"), on: { submit } },
    make("p", {}, t("why")),
    make("div", { class: "choices" }, ...reasons),
    make("div", { class: "line" }, comment, make("button", { type: "submit", class: "primary" }, t("send"))),
  );
}
