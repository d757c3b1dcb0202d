// A conversation: asks, waits out what passes, remembers, and listens when a person has taken over.
import { Failure } from "./api.js";

const WAITS_S = [1, 3, 6];
const LONGEST_WAIT_S = 15;
const POLL_MS = 5000;

export class Conversation {
  #api;
  #memory;
  #view;
  #controller = null;
  #timer = null;
  #people = 0;

  constructor(api, memory, view) {
    this.#api = api;
    this.#memory = memory;
    this.#view = view;
    this.#empty();
  }

  #empty() {
    Object.assign(this, { mode: "bot", entries: [], open: false });
    this.#people = 0;
    this.#api.forget();
  }

  get answering() {
    return this.#controller !== null;
  }

  /** Takes up what the browser remembers; a question that was under way goes on. */
  restore() {
    const kept = this.#memory.load();
    if (!kept) return false;
    Object.assign(this, { mode: kept.mode, entries: kept.entries, open: kept.open });
    Object.assign(this.#api, { token: kept.token, conversationId: kept.id });
    this.#people = kept.people;
    this.entries.forEach((entry) => this.#view.entry(entry));
    const last = this.entries.at(-1);
    if (last.pending) this.#answer(last);
    else if (last.role === "user") this.#view.answer().trouble("interrupted", () => this.#answer(last));
    this.watch();
    return true;
  }

  save() {
    if (!this.entries.length) return;
    const { mode, entries, open } = this;
    const { token, conversationId: id } = this.#api;
    this.#memory.save({ id, token, mode, entries, open, people: this.#people });
  }

  async ask(text) {
    if (!text.trim() || this.answering) return;
    const entry = { role: "user", text: text.trim(), id: unique() };
    this.#add(entry);
    await this.#answer(entry);
  }

  stop() {
    this.#controller?.abort();
  }

  /** Stops without an end: the question goes on when the page is back. */
  suspend() {
    clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Sends a rating. @throws {Failure} */
  rate(replyId, rating, comment) {
    const body = { reply_id: replyId, rating, ...(comment && { comment }) };
    return this.#api.call("/v1/feedback", { method: "POST", body });
  }

  /** Forgets the conversation, here and in the service. */
  async startOver() {
    this.stop();
    this.suspend();
    this.#memory.forget();
    const erased = this.#api.conversationId && this.#api.call(this.#api.conversation, { method: "DELETE" });
    this.#empty();
    await Promise.resolve(erased).catch(() => {}); // one that the service doesn't know is gone too
  }

  async #answer(entry) {
    const controller = (this.#controller = new AbortController());
    const turn = this.#view.answer();
    entry.pending = true;
    this.#view.busy(true);
    this.save();
    try {
      const reply = await this.#deliver(entry, turn, controller.signal);
      entry.pending = false;
      this.#add({ role: "bot", reply }, turn);
      if (reply.action === "handoff") this.mode = "person";
    } catch (error) {
      const kind = controller.signal.aborted ? "stopped" : (error.kind ?? "failed");
      entry.pending = false;
      turn.trouble(kind, kind === "unfit" ? null : () => this.#answer(entry), error);
    } finally {
      if (this.#controller === controller) this.#controller = null;
      this.#view.busy(this.answering);
      this.save();
      this.watch();
    }
  }

  async #deliver(entry, turn, signal) {
    let lastEventId = null;
    for (let attempt = 0; ; attempt += 1) {
      try {
        await this.#api.prepare();
        for await (const [name, data, id] of this.#api.ask(entry.text, { messageId: entry.id, lastEventId, signal })) {
          signal.throwIfAborted();
          lastEventId = id ?? lastEventId;
          if (name === "status") this.#opened(data, turn);
          if (name === "sentence") turn.sentence(data);
          if (name === "reply") return data;
        }
      } catch (failure) {
        if (signal.aborted || !failure.passing || attempt >= WAITS_S.length) throw failure;
        turn.waiting(failure.kind);
        await pause(failure, WAITS_S[attempt], signal);
        if (failure.kind === "offline") attempt = -1;
        if (!lastEventId) turn.restart();
      }
    }
  }

  #opened({ conversation_id: id }, turn) {
    this.#api.conversationId = id ?? this.#api.conversationId;
    this.save();
    turn.waiting("looking");
  }

  #add(entry, turn) {
    entry.at = new Date().toISOString();
    this.entries.push(entry);
    this.#view.entry(entry, turn);
    this.save();
  }

  /** Looks for what a person writes, as long as one has the conversation. */
  watch() {
    if (this.mode !== "person" || this.#timer || !this.#api.conversationId) return;
    this.#timer = setInterval(() => document.hidden || this.#poll(), POLL_MS);
    this.#poll();
  }

  async #poll() {
    const seen = await this.#api
      .call(this.#api.conversation)
      .catch((error) => (error instanceof Failure && error.passing ? null : { turns: [] }));
    if (!seen || this.mode !== "person") return;
    const written = seen.turns.filter((turn) => turn.role === "person");
    written.slice(this.#people).forEach(({ text }) => this.#add({ role: "person", text }));
    this.#people = Math.max(this.#people, written.length);
    if (seen.mode !== "person") {
      this.mode = "bot";
      this.suspend();
    }
    this.save();
  }
}

/** Waits as long as the failure asks for; until the browser is back where it was offline. */
function pause(failure, seconds, signal) {
  return new Promise((done, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    if (failure.kind === "offline") addEventListener("online", done, { once: true });
    else setTimeout(done, Math.min(failure.wait ?? seconds, LONGEST_WAIT_S) * 1000);
  });
}

/** An id for a message; `randomUUID` is missing where a page isn't served over TLS. */
function unique() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
