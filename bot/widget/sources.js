// Where a sentence comes from: a numbered chip behind it, and the quote that the chip opens.
import { button, clean, icon, link, make } from "./dom.js";
import { plain, render } from "./markdown.js";

/** Chips of one reply, and their quotes: each opens in `body`, below the block that its chip is in. */
export class Sources {
  constructor(body, reply, t, announce, key) {
    Object.assign(this, { body, reply, t, announce, key, chips: [] });
  }

  /** The chips of sentence n. */
  of(n) {
    const { citations } = this.reply;
    return (this.reply.sentences[n]?.citations ?? []).flatMap((number) => {
      const citation = citations.find((each) => each.n === number);
      return citation ? [this.#chip(citation, n)] : [];
    });
  }

  #chip(citation, sentence) {
    const label = this.t("source", { n: citation.n, title: clean(citation.title) });
    const made = button(String(citation.n), {
      class: "chip",
      "aria-label": label,
      title: clean(citation.title),
      "aria-expanded": "false",
      "aria-controls": this.#id(citation),
      "data-n": citation.n,
      on: {
        click: () => this.#toggle(citation, sentence, made),
        keydown: (event) => this.#onKey(event, citation, made),
      },
    });
    this.chips.push(made);
    return made;
  }

  #id({ n }) {
    return `source-${this.key}-${n}`;
  }

  #opened(citation) {
    return [...this.body.children].find((each) => each.id === this.#id(citation));
  }

  #toggle(citation, sentence, chip) {
    const open = this.#opened(citation);
    if (open) open.remove();
    else this.#show(citation, sentence, chip);
    for (const each of this.chips) {
      if (each.dataset.n === String(citation.n)) each.setAttribute("aria-expanded", String(!open));
    }
    this.#point(open ? null : sentence);
  }

  #show(citation, sentence, chip) {
    const card = this.#card(citation, () => {
      this.#toggle(citation, sentence, chip);
      chip.focus();
    });
    let before = [...this.body.children].find((each) => each.contains(chip));
    const follows = (next) => next?.className === "source" && Number(next.dataset.n) < citation.n;
    while (follows(before.nextElementSibling)) before = before.nextElementSibling;
    before.after(card);
    card.scrollIntoView({ block: "nearest" });
    this.announce(`${clean(citation.title)}: ${plain(citation.quote)}`);
  }

  #card(citation, close) {
    const title = make(
      "p",
      { class: "source-title" },
      make("span", { class: "chip still" }, String(citation.n)),
      make("span", { dir: "auto" }, clean(citation.title)),
    );
    const read = link(citation.url, { class: "read" }, this.t("read"), icon("out", 15));
    return make(
      "section",
      {
        class: "source",
        id: this.#id(citation),
        "data-n": citation.n,
        "aria-label": this.t("source", { n: citation.n, title: clean(citation.title) }),
        on: {
          keydown: (event) => {
            if (event.key === "Escape") {
              event.stopPropagation();
              close();
            }
          },
        },
      },
      title,
      make("blockquote", { dir: "auto" }, ...render(citation.quote)),
      make(
        "p",
        { class: "source-foot" },
        read.tagName === "A" ? read : null,
        button(this.t("hide"), { class: "text-button", on: { click: close } }),
      ),
    );
  }

  #onKey(event, citation, chip) {
    if (event.key !== "Escape" || !this.#opened(citation)) return;
    event.stopPropagation();
    this.#toggle(citation, null, chip);
  }

  /** Marks the words of a sentence whose source is open. */
  #point(sentence) {
    for (const each of this.body.querySelectorAll("[data-sentence]")) {
      each.classList.toggle("pointed", each.dataset.sentence === String(sentence));
    }
  }
}
