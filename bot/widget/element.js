// <truepenny-chat>: a launcher in the corner of a page, and the panel that it opens.
import { Api } from "./api.js";
import { Conversation } from "./conversation.js";
import { icon, make } from "./dom.js";
import { memory } from "./memory.js";
import { Panel } from "./panel.js";
import { choose, direction, load } from "./texts.js";
import { download, transcript } from "./transcript.js";
import sheet from "./widget.css" with { type: "css" };

const FULL = matchMedia("(max-width: 480px), (max-height: 460px)"); // as in widget.css
const TOLD = 12;

export class TruepennyChat extends HTMLElement {
  #root;
  #life;
  #own = new CSSStyleSheet();
  #ready;
  #launcher;
  #live;
  #panel;
  #conversation;
  #t;
  #prepare;
  #open = false;

  connectedCallback() {
    this.#life = new AbortController();
    this.#listen({ signal: this.#life.signal });
    if (this.#root) return this.#conversation?.watch();
    this.#root = this.attachShadow({ mode: "open" });
    this.#root.adoptedStyleSheets = [sheet, this.#own];
    for (const type of ["keydown", "keyup", "keypress"]) {
      this.#root.addEventListener(type, (event) => event.stopPropagation()); // the page's shortcuts are not for us
    }
    this.#ready = this.#build();
    return undefined;
  }

  disconnectedCallback() {
    this.#life.abort();
    this.#conversation?.suspend();
  }

  #listen(options) {
    FULL.addEventListener("change", () => this.#open && this.#fit(), options);
    visualViewport?.addEventListener("resize", () => this.#open && this.#fit(), options);
    for (const type of ["online", "offline"]) addEventListener(type, () => this.#panel?.connection(), options);
  }

  async #build() {
    const server = this.server;
    const language = choose(this.getAttribute("language"));
    this.#t = await load(language, server, this.version ?? "");
    this.#live = make("div", { class: "hidden", role: "status", "aria-live": "polite" });
    this.#launcher = make(
      "button",
      {
        type: "button",
        class: "launcher",
        "aria-label": this.#t("open"),
        "aria-expanded": "false",
        on: { click: () => (this.#open ? this.close() : this.open()) },
      },
      icon("chat", 28),
      icon("down", 26),
      make("span", { class: "dot" }),
    );
    const frame = make("div", { class: "frame", lang: language, dir: direction(language) }, this.#launcher, this.#live);
    this.#root.append(frame);
    this.#style();
    this.#begin(frame, server);
  }

  #begin(frame, server) {
    const id = this.getAttribute("user-id");
    const api = new Api(server, id && { id, hmac: this.getAttribute("user-hmac") });
    const name = `truepenny:${server}:${this.getAttribute("name") ?? ""}`;
    this.#panel = new Panel(this.#options(), this.#acts());
    this.#panel.node.hidden = true;
    frame.prepend(this.#panel.node);
    const view = {
      entry: (entry, turn) => {
        this.#panel.entry(entry, turn);
        this.#unseen(entry.role !== "user");
      },
      answer: () => this.#panel.answer(),
      busy: (answering) => this.#panel.busy(answering),
    };
    this.#conversation = new Conversation(api, memory(name, this.getAttribute("remember") === "device"), view);
    this.#prepare = () => api.prepare();
    if (this.#conversation.restore() && this.#conversation.open) this.#show(false);
    else this.#unseen(false);
  }

  #options() {
    return {
      t: this.#t,
      announce: (text) => this.#announce(text),
      heading: this.getAttribute("heading") || this.#t("heading"),
      greeting: this.getAttribute("greeting"),
      questions: (this.getAttribute("questions") ?? "")
        .split("|")
        .map((each) => each.trim())
        .filter(Boolean),
    };
  }

  #acts() {
    return {
      ask: (text) => this.#conversation.ask(text),
      stop: () => this.#conversation.stop(),
      rate: (...given) => this.#conversation.rate(...given),
      close: () => this.close(),
      person: () => this.#conversation.ask("I would like to talk to a person."), // English: every bot knows it
      save: () => download(transcript(this.#conversation.entries, this.#t), "conversation.txt"),
      reset: () => this.reset(),
    };
  }

  // --- what the page may call -------------------------------------------------------------------

  /** The address of the service; by default where the script came from. */
  get server() {
    return (this.getAttribute("server") || this.constructor.origin || location.origin).replace(/\/+$/, "");
  }

  get version() {
    return this.constructor.version;
  }

  async open() {
    await this.#ready;
    if (!this.#open) this.#show(true);
  }

  async close() {
    await this.#ready;
    if (this.#open) this.#hide();
  }

  /** Opens and asks. */
  async ask(question) {
    await this.open();
    await this.#conversation.ask(String(question));
  }

  /** Forgets the conversation, here and in the service. */
  async reset() {
    await this.#ready;
    this.#panel.clear();
    this.#announce(this.#t("restarted"));
    await this.#conversation.startOver();
  }

  // --- showing ----------------------------------------------------------------------------------

  #show(focused) {
    this.#open = true;
    this.#panel.node.hidden = false;
    this.#unseen(false);
    this.#fit();
    this.#opened();
    this.#panel.follow();
    if (focused) this.#focus();
    this.#prepare();
  }

  #focus() {
    if (matchMedia("(pointer: coarse)").matches)
      this.#panel.node.focus(); // no keyboard over the greeting
    else this.#panel.focus();
  }

  #hide() {
    this.#open = false;
    this.#panel.node.hidden = true;
    this.#opened();
    this.#launcher.focus();
  }

  #opened() {
    this.toggleAttribute("open", this.#open);
    this.#launcher.setAttribute("aria-expanded", String(this.#open));
    this.#launcher.setAttribute("aria-label", this.#t(this.#open ? "close" : "open"));
    this.#conversation.open = this.#open;
    this.#conversation.save();
  }

  /** A panel over the whole page is modal, and ends where a keyboard on the screen begins. */
  #fit() {
    if (FULL.matches) this.#panel.node.setAttribute("aria-modal", "true");
    else this.#panel.node.removeAttribute("aria-modal");
    this.#style();
  }

  #unseen(news) {
    const unseen = news && !this.#open;
    this.toggleAttribute("unseen", unseen);
    if (!this.#open) this.#launcher.setAttribute("aria-label", this.#t(unseen ? "open_unseen" : "open"));
  }

  #announce(text) {
    if (!text) return;
    this.#live.append(make("p", {}, text));
    while (this.#live.children.length > TOLD) this.#live.firstChild.remove();
  }

  /** What differs from widget to widget: accent, place beside others on the same side, height. */
  #style() {
    const accent = this.getAttribute("accent");
    const side = this.getAttribute("position");
    const all = [...document.querySelectorAll("truepenny-chat")].filter(
      (each) => each.getAttribute("position") === side,
    );
    const rules = [`--place: ${Math.max(all.indexOf(this), 0)};`];
    if (accent && CSS.supports("color", accent)) rules.push(`--truepenny-accent: ${accent};`);
    if (FULL.matches && visualViewport?.scale === 1) rules.push(`--height: ${Math.floor(visualViewport.height)}px;`);
    this.#own.replaceSync(`:host { ${rules.join(" ")} }`);
  }
}
