// The panel: what stands around a conversation, and the view that a conversation writes to.
import { button, clean, icon, iconButton, make } from "./dom.js";
import { Composer } from "./composer.js";
import { menu } from "./menu.js";
import { Turn } from "./turn.js";

export class Panel {
  /**
   * @param {object} options  t, announce, heading, greeting, questions
   * @param {object} acts  ask, stop, rate, close, person, save, reset
   */
  constructor(options, acts) {
    const { t, heading } = options;
    Object.assign(this, { options, acts, t, announce: options.announce });
    this.ask = acts.ask;
    this.rate = acts.rate;
    this.composer = new Composer(t, { send: (text) => acts.ask(text), stop: acts.stop });
    this.log = make("ol", { class: "log", "aria-label": t("conversation") });
    this.banner = make("p", { class: "banner", hidden: true });
    this.scroll = make(
      "div",
      { class: "scroll", tabindex: "0", role: "group", "aria-label": t("conversation") },
      this.#welcome(),
      this.log,
    );
    this.menu = menu(t, acts, () => this.focus());
    this.node = make(
      "section",
      {
        class: "panel",
        role: "dialog",
        "aria-label": heading,
        tabindex: "-1",
        on: { keydown: (event) => this.#onKey(event) },
      },
      this.#header(heading),
      this.menu.confirm,
      this.banner,
      this.scroll,
      this.composer.node,
    );
    this.connection();
  }

  #header(heading) {
    const title = make(
      "div",
      { class: "title" },
      make("h2", { dir: "auto" }, heading),
      make("p", {}, this.t("subtitle")),
    );
    return make(
      "div",
      { class: "head" },
      make("span", { class: "mark" }, icon("checked", 22)),
      title,
      this.menu.node,
      iconButton("close", this.t("close"), { on: { click: this.acts.close } }),
    );
  }

  #welcome() {
    const { t, greeting, questions } = this.options;
    const start = (text) =>
      button(clean(text), {
        class: "starter",
        dir: "auto",
        on: {
          click: () => {
            this.focus();
            this.ask(text);
          },
        },
      });
    this.welcome = make(
      "div",
      { class: "welcome" },
      make("p", { class: "hello", dir: "auto" }, greeting || t("hello")),
      make("p", { class: "intro" }, t("intro")),
      questions.length
        ? make(
            "ul",
            { class: "starters", "aria-label": t("starters") },
            ...questions.map((each) => make("li", {}, start(each))),
          )
        : null,
      make(
        "dl",
        { class: "legend" },
        ...["checked", "quoted", "declined"].map((kind) =>
          make(
            "div",
            {},
            make("dt", {}, make("span", { class: `badge ${kind}` }, icon(kind, 16), t(`badge_${kind}`))),
            make("dd", {}, t(`means_${kind}`)),
          ),
        ),
      ),
    );
    return this.welcome;
  }

  // --- the view of a conversation ---------------------------------------------------------------

  /** Shows an entry; a reply goes into the turn that waited for it, or a turn of its own. */
  entry({ role, text, reply }, turn) {
    this.#begin();
    if (role === "bot") (turn ?? this.#turn()).reply(reply, !turn);
    else this.#said(role, text);
    this.follow();
  }

  answer() {
    const turn = this.#turn();
    turn.waiting("looking");
    this.follow();
    return turn;
  }

  busy(answering) {
    this.composer.busy(answering);
    this.node.classList.toggle("answering", answering);
    for (const each of this.node.querySelectorAll(".choice, .starter, .again")) each.disabled = answering;
  }

  #turn() {
    const turn = new Turn(this);
    this.log.append(turn.node);
    return turn;
  }

  #said(role, text) {
    const mine = role === "user";
    const name = this.t(mine ? "you" : "person");
    const label = make("span", { class: mine ? "hidden" : "name" }, mine ? `${name}: ` : name);
    this.log.append(
      make(
        "li",
        { class: `turn ${mine ? "mine" : "person"}` },
        label,
        make("div", { class: "bubble" }, make("div", { dir: "auto" }, clean(text))),
      ),
    );
    if (mine) this.question = this.log.lastElementChild;
    else this.announce(`${name}: ${clean(text)}`);
  }

  #begin() {
    this.welcome.hidden = true;
    this.node.classList.add("begun");
  }

  clear() {
    this.log.replaceChildren();
    this.welcome.hidden = false;
    this.node.classList.remove("begun");
    this.scroll.scrollTop = 0;
  }

  /** Keeps the end in sight, but never scrolls the question away from its answer. */
  follow() {
    const end = this.scroll.scrollHeight - this.scroll.clientHeight;
    const top = this.question ? this.question.offsetTop - 16 : end;
    this.scroll.scrollTop = Math.min(end, Math.max(top, 0));
  }

  /** Says when the browser is offline. */
  connection() {
    const text = navigator.onLine ? "" : this.t("offline");
    if (text === this.banner.textContent) return;
    this.banner.textContent = text;
    this.banner.hidden = !text;
    this.announce(text);
  }

  // --- focus and keys ---------------------------------------------------------------------------

  focus() {
    this.composer.input.focus({ preventScroll: true });
  }

  #onKey(event) {
    if (event.key === "Escape") {
      if (!this.menu.close()) this.acts.close();
    } else if (event.key === "Tab" && this.node.getAttribute("aria-modal") === "true") {
      this.#wrap(event);
    }
  }

  /** Where the panel covers the page, Tab goes round within it. */
  #wrap(event) {
    const stops = [...this.node.querySelectorAll("button, textarea, input, select, a[href], [tabindex='0']")].filter(
      (each) => !each.disabled && each.checkVisibility(),
    );
    const [from, to] = event.shiftKey ? [stops[0], stops.at(-1)] : [stops.at(-1), stops[0]];
    const active = this.node.getRootNode().activeElement;
    if (active !== from && !(event.shiftKey && active === this.node)) return;
    event.preventDefault();
    to.focus();
  }
}
