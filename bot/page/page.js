// The chat page: asks /v1/chat, shows each verified sentence as it comes, and its sources.
// What a model or an article says becomes text nodes only, never markup.
import { $, MARK, announce, lines, make, place, plain } from "./text.js";
import { BADGES, fill, foot, kindOf, suggestions } from "./reply.js";

const view = { log: $("log"), scroll: $("scroll"), input: $("question"), send: $("send") };
const ID = "truepenny.conversation", KEY = "truepenny.key";
let answering = null; // the AbortController of the reply under way
let replies = 0;

// --- small helpers ---------------------------------------------------------------------------

const remembered = {
  get(name) { try { return sessionStorage.getItem(name); } catch { return null; } },
  set(name, value) { try { value ? sessionStorage.setItem(name, value) : sessionStorage.removeItem(name); } catch { /* private mode */ } },
};

function call(path, options = {}) {
  const headers = { ...(options.body ? { "Content-Type": "application/json" } : {}) };
  const key = remembered.get(KEY);
  if (key) headers.Authorization = `Bearer ${key}`;
  return fetch(path, { ...options, headers, credentials: "omit" });
}

function nearEnd() {
  const { scrollHeight, scrollTop, clientHeight } = view.scroll;
  return scrollHeight - scrollTop - clientHeight < 140;
}

function toEnd() { view.scroll.scrollTop = view.scroll.scrollHeight; }

// --- turns -------------------------------------------------------------------------------------

function mine(text) {
  view.log.append(make("li", { class: "turn mine" }, make("span", { class: "hidden" }, "You: "), make("div", { class: "bubble" }, text)));
}

function theirs() {
  const turn = {
    number: (replies += 1), end: 0,
    bubble: make("div", { class: "bubble" }),
    note: make("span", {}, "Looking it up…"),
  };
  const dots = make("span", { class: "dots", "aria-hidden": "true" }, make("i"), make("i"), make("i"));
  turn.pending = make("div", { class: "pending" }, dots, turn.note);
  turn.node = make("li", { class: "turn theirs" }, make("span", { class: "hidden" }, "Truepenny: "), turn.bubble, turn.pending);
  view.log.append(turn.node);
  return turn;
}

function onSentence(turn, sentence) {
  const gap = sentence.start > turn.end && turn.end && MARK.test(sentence.text) ? "\n" : " ";
  place(turn.bubble, sentence, gap, []);
  turn.end = sentence.end;
  turn.note.textContent = "Checking what comes next…";
  announce(plain(sentence.text));
}

function onReply(turn, reply) {
  const streamed = turn.bubble.hasChildNodes();
  turn.pending.remove();
  fill(turn, reply);
  const kind = kindOf(reply);
  if (kind) turn.node.append(foot(kind, reply));
  if (reply.suggestions.length) turn.node.append(...suggestions(turn, reply, choice));
  if (!streamed || !reply.sentences.length) announce(plain(reply.text));
  if (kind) announce(`${BADGES[kind][0]}. ${BADGES[kind][1]}`);
}

function choice(text) {
  return make("li", {}, make("button", { type: "button", class: "choice", onclick: () => ask(text) }, text));
}

function trouble(turn, text, retry) {
  turn.pending.remove();
  const box = make("div", { class: "trouble" }, text);
  if (retry) {
    box.append(make("button", { type: "button", onclick: () => { turn.node.previousElementSibling?.remove(); turn.node.remove(); ask(retry); } }, "Try again"));
  }
  turn.node.append(box);
  announce(text);
}

// --- asking ------------------------------------------------------------------------------------

async function ask(text) {
  text = text.trim();
  if (!text || answering) return;
  $("welcome").hidden = true;
  $("restart").hidden = false;
  mine(text);
  const turn = theirs();
  toEnd();
  busy(new AbortController());
  view.input.focus();
  try {
    await converse(text, turn, answering.signal);
  } catch (error) {
    if (error.name === "AbortError") trouble(turn, "Stopped.", text);
    else trouble(turn, explain(error.problem, turn), error.problem?.status === 422 ? null : text);
  } finally {
    busy(null);
    if (nearEnd()) toEnd();
  }
}

async function converse(message, turn, signal) {
  const conversation_id = remembered.get(ID) || undefined;
  const body = JSON.stringify({ message, conversation_id, stream: true, channel: "demo" });
  const response = await call("v1/chat", { method: "POST", body, signal });
  if (!response.ok) throw failure(await problemOf(response));
  let ended = false;
  for await (const [name, data] of events(response.body)) {
    const follow = nearEnd();
    if (signal.aborted) break;
    if (name === "status") onStatus(turn, data);
    if (name === "sentence") onSentence(turn, data);
    if (name === "error") throw failure(data);
    if (name === "reply") { onReply(turn, data); remembered.set(ID, data.conversation_id); ended = true; }
    if (follow) toEnd();
  }
  if (!ended) throw failure(null);
}

function onStatus(turn, data) {
  if (data.conversation_id) remembered.set(ID, data.conversation_id);
  turn.note.textContent = `${data.text[0].toUpperCase()}${data.text.slice(1)}…`;
  announce(turn.note.textContent);
}

/** Server-Sent Events of a response's body: [name, data] each. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split(/\r\n\r\n|\n\n/);
    rest = blocks.pop();
    for (const block of blocks) {
      const fields = block.split(/\r\n|\n/).map((line) => /^(\w+): ?(.*)$/.exec(line)).filter(Boolean);
      const data = fields.filter((field) => field[1] === "data").map((field) => field[2]).join("\n");
      const name = fields.find((field) => field[1] === "event");
      if (name && data) yield [name[2], JSON.parse(data)];
    }
  }
}

function failure(problem) {
  const error = new Error(problem?.detail || "the connection broke");
  error.problem = problem;
  return error;
}

async function problemOf(response) {
  const wait = Number(response.headers.get("Retry-After")) || 0;
  const problem = await response.json().catch(() => ({}));
  if (response.status === 401) askForKey();
  return { ...problem, status: response.status, wait };
}

function explain(problem, turn) {
  if (turn.bubble.hasChildNodes()) return "The rest of the answer didn’t come through.";
  if (!navigator.onLine) return "You seem to be offline. Your question is still here.";
  if (!problem) return "I couldn’t reach the service. Nothing was lost.";
  if (problem.status === 401) return "This service asks for a key.";
  if (problem.status === 429) return `Many people are asking right now. Please try again in ${problem.wait || 5} seconds.`;
  if (problem.status === 503 && problem.wait) return "I’m just starting. Please try again in a moment.";
  if (problem.status === 504) return "That took too long to check, so I’d rather not answer it.";
  if (problem.status === 422 || problem.status === 413) return `I can’t take that: ${problem.detail || "it is too long"}`;
  return "Something went wrong on our side, so I’d rather not answer that.";
}

function busy(controller) {
  answering = controller;
  document.body.classList.toggle("answering", Boolean(controller));
  view.send.setAttribute("aria-label", controller ? "Stop" : "Send");
  for (const button of document.querySelectorAll(".choice")) button.disabled = Boolean(controller);
  ready();
}

function ready() {
  view.send.disabled = !answering && !view.input.value.trim();
}

function grow() {
  view.input.style.height = "auto";
  view.input.style.height = `${Math.min(view.input.scrollHeight, 160)}px`;
  ready();
}

// --- around it -----------------------------------------------------------------------------------

async function startOver() {
  answering?.abort();
  const id = remembered.get(ID);
  remembered.set(ID, null);
  view.log.replaceChildren();
  $("welcome").hidden = false;
  $("restart").hidden = true;
  announce("Started over.");
  view.input.focus();
  if (id) await call(`v1/conversations/${encodeURIComponent(id)}`, { method: "DELETE" }).catch(() => {});
}

function askForKey() {
  remembered.set(KEY, null);
  $("key").hidden = false;
  document.querySelector(".app").inert = true;
  $("key-value").focus();
}

function banner(text) {
  const changed = $("banner").textContent !== text;
  $("banner").textContent = text;
  $("banner").hidden = !text;
  if (changed && text) announce(text);
}

async function waitUntilReady() {
  for (;;) {
    const response = await fetch("readyz").catch(() => null);
    if (response?.ok) { banner(navigator.onLine ? "" : "You’re offline."); return; }
    const state = await response?.json().catch(() => ({}));
    banner(!response ? "I can’t reach the service. Trying again…" : state.status === "failed" ? "The service isn’t able to answer at the moment." : "Just starting up. This takes a moment…");
    await new Promise((done) => setTimeout(done, 2000));
  }
}

async function starters() {
  const body = JSON.stringify({ query: "order delivery return refund account", k: 12 });
  const response = await call("v1/search", { method: "POST", body }).catch(() => null);
  if (response?.status === 401) askForKey();
  if (!response?.ok) return;
  const titles = [...new Set((await response.json()).hits.map((hit) => hit.title))].filter(Boolean);
  $("starters").replaceChildren(...titles.slice(0, 4).map(choice));
}

async function restore() {
  const id = remembered.get(ID);
  if (!id) return;
  const response = await call(`v1/conversations/${encodeURIComponent(id)}`).catch(() => null);
  const turns = response?.ok ? (await response.json()).turns : [];
  for (const turn of turns) {
    if (turn.role === "user") mine(turn.text);
    else {
      const made = theirs();
      made.pending.remove();
      for (const line of lines(turn.text)) place(made.bubble, line, "\n", []);
    }
  }
  if (!turns.length) return;
  $("welcome").hidden = true;
  $("restart").hidden = false;
  toEnd();
}

$("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  if (answering) { answering.abort(); return; }
  const text = view.input.value;
  if (!text.trim()) return;
  view.input.value = "";
  grow();
  ask(text);
});
view.input.addEventListener("input", grow);
view.input.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (!answering) $("ask").requestSubmit();
});
$("restart").addEventListener("click", startOver);
$("key").addEventListener("submit", (event) => {
  event.preventDefault();
  remembered.set(KEY, $("key-value").value.trim());
  $("key-value").value = "";
  $("key").hidden = true;
  document.querySelector(".app").inert = false;
  view.input.focus();
  starters();
});
addEventListener("offline", () => banner("You’re offline. I’ll be here when you’re back."));
addEventListener("online", waitUntilReady);

grow();
waitUntilReady().then(() => Promise.all([starters(), restore()]));
