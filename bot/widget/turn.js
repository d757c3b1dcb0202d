// One answer on the page: its sentences as they are verified, then the reply, its badge and sources.
import { button, clean, icon, make } from "./dom.js";
import { feedback } from "./feedback.js";
import { slotForm } from "./form.js";
import { plain, render } from "./markdown.js";
import { Sources } from "./sources.js";

const LONG_MS = 8000;
const STARTS_A_LINE = /^\s*([-*+•|]|\d{1,3}[.)]\s)/;
let made = 0;

/** `page` is what a turn needs of the panel: t, announce, ask, rate, follow. */
export class Turn {
  constructor(page) {
    this.page = page;
    this.key = made += 1;
    this.note = make("span");
    this.pending = make(
      "div",
      { class: "pending" },
      make("span", { class: "dots", "aria-hidden": "true" }, make("i"), make("i"), make("i")),
      this.note,
    );
    this.body = make("div", { class: "text", dir: "auto" });
    this.node = make("li", { class: "turn bot" }, make("span", { class: "hidden" }, `${page.t("bot")}: `), this.body);
    this.restart();
  }

  restart() {
    this.streamed = { text: "", length: 0, sentences: [] };
    this.body.replaceChildren();
  }

  /** Says what is waited for; `kind` is a text's key. */
  waiting(kind) {
    const text = this.page.t(`wait_${kind}`);
    if (!this.pending.isConnected) this.node.append(this.pending);
    if (this.note.textContent !== text) this.page.announce(text);
    this.note.textContent = text;
    clearTimeout(this.timer);
    if (kind === "looking") this.timer = setTimeout(() => this.waiting("long"), LONG_MS);
  }

  sentence({ text, start, end }) {
    const { streamed } = this;
    const gap = start - streamed.length;
    if (gap > 1) streamed.text += " ".repeat(gap - 2) + "\n\n";
    else if (gap === 1) streamed.text += STARTS_A_LINE.test(text) ? "\n" : " ";
    streamed.text += text;
    streamed.length = end;
    streamed.sentences.push({ end });
    this.body.replaceChildren(...render(streamed.text, streamed.sentences));
    const last = streamed.sentences.length - 1;
    this.body.querySelectorAll(`[data-sentence="${last}"]`).forEach((node) => node.classList.add("fresh"));
    this.page.announce(plain(text));
    this.waiting("checking");
    this.page.follow();
  }

  /** The whole reply takes the place of what was streamed: it alone counts. */
  reply(reply, restored) {
    const { t, announce } = this.page;
    const streamed = this.streamed.sentences.length > 0;
    const kind = kindOf(reply);
    this.#settle();
    const sources = new Sources(this.body, reply, t, announce, this.key);
    this.body.replaceChildren(...render(reply.text || t("sent"), reply.sentences, (n) => sources.of(n)));
    this.#foot(reply, kind);
    this.#next(reply, restored);
    if (restored) return;
    if (!streamed || !reply.sentences.length) announce(plain(reply.text));
    if (kind) announce(`${t(`badge_${kind}`)}. ${t(`means_${kind}`)}`);
    this.page.follow();
  }

  /** Says what went wrong, and offers to try again. */
  trouble(kind, retry, { detail = "" } = {}) {
    const { t } = this.page;
    this.#settle();
    const told = this.body.hasChildNodes() && kind !== "stopped" ? "broken_off" : kind;
    const text = t(`trouble_${told}`, { detail: clean(detail) });
    const again =
      retry &&
      button(
        t("retry"),
        {
          class: "again",
          on: {
            click: () => {
              this.node.remove();
              this.page.focus();
              retry();
            },
          },
        },
        icon("again", 16),
      );
    this.node.append(make("div", { class: "trouble" }, make("span", {}, text), again));
    this.page.announce(text);
    this.page.follow();
  }

  #settle() {
    clearTimeout(this.timer);
    this.pending.remove();
  }

  #foot(reply, kind) {
    const { t, announce, rate } = this.page;
    if (!kind) return;
    const meaning = make(
      "p",
      { class: "meaning", id: `meaning-${this.key}`, hidden: kind !== "unsure" },
      t(`means_${kind}`),
    );
    const badge = button(
      t(`badge_${kind}`),
      {
        class: `badge ${kind}`,
        "aria-expanded": String(!meaning.hidden),
        "aria-controls": meaning.id,
        title: t(`means_${kind}`),
        on: {
          click: () => {
            meaning.hidden = !meaning.hidden;
            badge.setAttribute("aria-expanded", String(!meaning.hidden));
            if (!meaning.hidden) announce(meaning.textContent);
          },
        },
      },
      icon(kind, 16),
    );
    const rated = feedback(t, (rating, comment) => rate(reply.reply_id, rating, comment), announce);
    this.node.append(make("div", { class: "foot" }, badge, rated.thumbs), meaning, rated.more);
  }

  /** What may be said next: a form, or buttons. A single choice is buttons too. */
  #next(reply, restored) {
    const { t, ask } = this.page;
    const fields = reply.form?.fields ?? [];
    const single = fields.length === 1 && (fields[0].choices ?? []);
    if (fields.length && !single?.length && !restored) this.node.append(slotForm(reply.form, t, this.key, ask));
    const texts = (reply.suggestions ?? []).map(({ text }) => text);
    if (!texts.length && single) texts.push(...single);
    const declined = reply.action === "abstain";
    if (!texts.length && !declined) return;
    const title = { answer: "also", clarify: "which", abstain: "perhaps" }[reply.action] ?? "which";
    const id = `next-${this.key}`;
    const choice = (text, act) =>
      make(
        "li",
        {},
        button(clean(text), {
          class: "choice",
          dir: "auto",
          on: {
            click: () => {
              this.page.focus();
              act();
            },
          },
        }),
      );
    const choices = texts.map((text) => choice(text, () => ask(text)));
    if (declined) choices.push(choice(t("talk"), this.page.acts.person));
    this.node.append(
      make("p", { class: "next", id }, t(title)),
      make("ul", { class: "choices", "aria-labelledby": id }, ...choices),
    );
  }
}

const squeezed = (text) =>
  plain(text)
    .replace(/[.:;]+$/, "")
    .toLowerCase();

/** Which badge a reply deserves; null for what states nothing. In doubt, the more careful one. */
function kindOf(reply) {
  if (!reply.text) return null; // a person has the conversation
  if (reply.action === "handoff") return "person";
  if (reply.action === "abstain") return "declined";
  if (reply.action !== "answer") return null;
  if (!reply.sentences.length || reply.sentences.some(({ status }) => status !== "supported")) return "unsure";
  if (reply.model === "quotes") return "quoted";
  const quotes = new Map(reply.citations.map(({ n, quote }) => [n, squeezed(quote)]));
  const quoted = ({ text, citations }) => citations.some((n) => quotes.get(n) === squeezed(text));
  return reply.sentences.every(quoted) ? "quoted" : "checked";
}
