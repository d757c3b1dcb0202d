// Where a question is written.
import { iconButton, make } from "./dom.js";

const MOST = 2000; // characters; the service declines longer questions unread
const LINE_PX = 24; // as in widget.css
const TALL = 5; // lines

export class Composer {
  constructor(t, { send, stop }) {
    Object.assign(this, { t, sending: send, answering: false });
    this.input = make("textarea", {
      rows: "1",
      "aria-label": t("question"),
      placeholder: t("placeholder"),
      enterkeyhint: "send",
      "aria-describedby": "hint",
      on: { input: () => this.#changed(), keydown: (event) => this.#onKey(event) },
    });
    this.send = iconButton("send", t("send"), { class: "send", on: { click: () => this.#submit() } });
    this.stop = iconButton("stop", t("stop"), {
      class: "send stop",
      hidden: true,
      on: {
        click: () => {
          stop();
          this.input.focus();
        },
      },
    });
    this.hint = make("p", { class: "hint", id: "hint" }, t("hint"));
    this.node = make(
      "div",
      { class: "composer" },
      make("div", { class: "line" }, this.input, this.send, this.stop),
      this.hint,
    );
    this.#changed();
  }

  busy(answering) {
    this.answering = answering;
    this.stop.hidden = !answering;
    this.send.hidden = answering;
    this.#changed();
  }

  #changed() {
    const over = Array.from(this.input.value.trim()).length - MOST;
    this.input.dir = this.input.value ? "auto" : ""; // a placeholder keeps the direction of the panel
    this.input.rows = 1;
    this.input.rows = Math.min(Math.max(Math.floor(this.input.scrollHeight / LINE_PX), 1), TALL);
    this.hint.textContent = over > 0 ? this.t("too_long", { n: over }) : this.t("hint");
    this.hint.classList.toggle("error", over > 0);
    this.send.disabled = !this.input.value.trim() || over > 0;
  }

  #onKey(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#submit();
  }

  #submit() {
    if (this.send.disabled || this.answering) return;
    const text = this.input.value;
    this.input.value = "";
    this.#changed();
    this.input.focus();
    this.sending(text);
  }
}
