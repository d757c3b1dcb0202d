// The service's HTTP interface: the token, a question's events, and what can go wrong with them.

const SILENCE_MS = 30_000; // the service sends a sign of life every 10 seconds

/** What went wrong. `kind` is a text's key; a passing failure is worth another try. */
export class Failure extends Error {
  constructor(kind, { passing = false, wait = null, detail = "" } = {}) {
    super(kind);
    Object.assign(this, { kind, passing, wait, detail });
  }
}

export class Api {
  #preparing = null;

  /** @param {{id: string, hmac: string} | null} user  As the page names them, signed by its server. */
  constructor(server, user) {
    this.server = server;
    this.user = user;
    this.forget();
  }

  forget() {
    Object.assign(this, { token: null, conversationId: null });
  }

  get conversation() {
    return `/v1/conversations/${encodeURIComponent(this.conversationId)}`;
  }

  /** Gets a token, where the service gives them; without, it may answer all the same. */
  async prepare() {
    if (!this.token) await (this.#preparing ??= this.#ask().finally(() => (this.#preparing = null)));
  }

  /** A token: with the one before, for the same conversation again; without, for a new one. */
  async #ask() {
    const body = JSON.stringify(this.user ? { user: this.user } : {});
    const response = await this.#fetch("/v1/widget/token", { method: "POST", body }).catch(() => null);
    if (response?.status !== 200) return false;
    const given = await response.json().catch(() => null); // whatever answers there, it isn't ours
    if (given?.token) Object.assign(this, { token: given.token, conversationId: given.conversation_id });
    return Boolean(given?.token);
  }

  /** A call's JSON. @throws {Failure} */
  async call(path, { method = "GET", body } = {}) {
    const response = await this.#send(path, { method }, () => body);
    return response.status === 204 ? null : response.json().catch(() => null);
  }

  /**
   * A message's events, [name, data, id] each, up to the reply. A message that is sent again under
   * the same id is answered once. @throws {Failure}
   */
  async *ask(message, { messageId, lastEventId, signal }) {
    const body = () => ({
      message,
      message_id: messageId,
      stream: true,
      channel: "widget",
      ...(this.conversationId && { conversation_id: this.conversationId }),
      ...(this.user && !this.token && { user: { id: this.user.id } }),
    });
    const headers = lastEventId ? { "Last-Event-ID": lastEventId } : {};
    const response = await this.#send("/v1/chat", { method: "POST", signal, headers }, body);
    for await (const event of events(response.body, signal)) {
      if (event[0] === "error") throw failureOf(event[1].status, event[1], null);
      yield event;
      if (event[0] === "reply") return;
    }
    throw new Failure("broken", { passing: true });
  }

  async #send(path, options, body, again = true) {
    const sent = { ...options, ...(body() && { body: JSON.stringify(body()) }) };
    const response = await this.#fetch(path, sent).catch((error) => {
      throw options.signal?.aborted
        ? error
        : new Failure(navigator.onLine ? "unreachable" : "offline", { passing: true });
    });
    if (response.ok) return response;
    if (response.status === 401 && again && (await this.#renew())) return this.#send(path, options, body, false);
    const problem = (await response.json().catch(() => null)) ?? {};
    throw failureOf(response.status, problem, Number(response.headers.get("Retry-After")) || null);
  }

  /** A new token for one that has run out: for its conversation, or if that is too long ago, a new one. */
  async #renew() {
    if (this.token && (await this.#ask())) return true;
    this.forget();
    return this.#ask();
  }

  #fetch(path, { headers = {}, ...options }) {
    const sent = { ...headers, ...(options.method === "POST" && { "Content-Type": "application/json" }) };
    if (this.token) sent.Authorization = `Bearer ${this.token}`;
    return fetch(this.server + path, { ...options, headers: sent, credentials: "omit", cache: "no-store" });
  }
}

function failureOf(status, problem, wait) {
  const detail = typeof problem.detail === "string" ? problem.detail : "";
  if (status === 401 || status === 403) return new Failure("refused");
  if (status === 404) return new Failure("unknown");
  if (status === 413 || status === 422) return new Failure("unfit", { detail });
  if (status === 429) return new Failure("busy", { passing: true, wait });
  if (status === 504) return new Failure("slow");
  if (problem.type?.endsWith(":interrupted")) return new Failure("broken", { passing: true });
  if (status === 502 || (status === 503 && wait)) return new Failure("starting", { passing: true, wait });
  return new Failure("failed");
}

/** Server-Sent Events of a body. A connection that has gone silent is broken. */
async function* events(body, signal) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await next(reader, signal);
      if (done) return;
      const blocks = (rest + value).split(/\r\n\r\n|\n\n/);
      rest = blocks.pop();
      for (const block of blocks) {
        const event = parsed(block);
        if (event) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function next(reader, signal) {
  let timer;
  const silence = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Failure("broken", { passing: true })), SILENCE_MS);
  });
  const read = reader.read().catch((error) => {
    throw signal.aborted ? error : new Failure("broken", { passing: true });
  });
  return Promise.race([read, silence]).finally(() => clearTimeout(timer));
}

function parsed(block) {
  const fields = { data: [] };
  for (const line of block.split(/\r\n|\n/)) {
    const [, name, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
    if (name === "data") fields.data.push(value);
    else if (name) fields[name] = value;
  }
  return fields.event && fields.data.length
    ? [fields.event, JSON.parse(fields.data.join("\n")), fields.id ?? null]
    : null;
}
