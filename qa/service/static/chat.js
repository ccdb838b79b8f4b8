// The conversation: the question form, the log, stopping, copying, rating, and the history kept while the tab is open.

import { Failure, askStreaming, post } from "./api.js";
import { answerView, plainText } from "./answer.js";
import { announce, button, el } from "./dom.js";
import { setUp } from "./library.js";
import * as reader from "./reader.js";

const TURNS = 20; // messages of history sent with a question; the server uses fewer
const log = document.getElementById("log");
const form = document.getElementById("ask");
const box = document.getElementById("q");
const send = document.getElementById("send");
const stop = document.getElementById("stop");
const welcome = document.getElementById("store");
let history = [];
let running = null;

/** Return the form's filters as fields of the request. */
function bounds() {
  const data = new FormData(form);
  const day = (name) => data.get(name) || null;
  const filters = { outlets: data.getAll("outlet"), after: day("after"), before: day("before") };
  return { filters, as_of: day("as_of") };
}

async function ask(question) {
  const view = answerView();
  const turn = el("section", { class: "turn" }, el("h2", { class: "question", dir: "auto" }, question), view.node);
  welcome.hidden = true;
  log.append(turn);
  turn.scrollIntoView({ block: "start" });
  running = new AbortController();
  busy(true);
  try {
    const answer = await askStreaming({ question, history: history.slice(-TURNS), ...bounds() }, view, running.signal);
    view.answer(answer, question);
    turn.append(actions(question, answer));
    history.push({ role: "user", content: question }, { role: "assistant", content: answer.answer });
  } catch (error) {
    failed(error, question, view);
  } finally {
    running = null;
    busy(false);
  }
}

function failed(error, question, view) {
  const again = button("Ask again", () => running || ask(question));
  if (error.name === "AbortError") view.ended("Stopped: this is not the whole answer.", "stopped", again);
  else if (error instanceof Failure) view.ended(error.message, "bad", again);
  else {
    view.ended("The page failed to show this answer.", "bad", again);
    throw error;
  }
}

function busy(on) {
  // Move the focus away from a button that is about to be hidden.
  const held = document.activeElement;
  stop.hidden = !on;
  send.hidden = on;
  if (held === stop || held === send) box.focus();
  announce(on ? "Looking for an answer" : "Ready");
}

function actions(question, answer) {
  const label = answer.citations.length ? "Copy with sources" : "Copy";
  const copy = button(label, async () => {
    announce((await copied(plainText(question, answer))) ? "Copied" : "Could not copy");
    copy.textContent = document.getElementById("status").textContent;
    setTimeout(() => (copy.textContent = label), 2_000);
  });
  const rate = (label, rating) =>
    button(
      label,
      async (event) => {
        const pressed = event.currentTarget;
        try {
          await post("/v1/feedback", { answer_id: answer.id, rating });
          for (const toggle of pressed.parentNode.querySelectorAll("[aria-pressed]"))
            toggle.setAttribute("aria-pressed", toggle === pressed);
          announce("Thank you");
        } catch (error) {
          announce(error.message);
        }
      },
      { "aria-pressed": "false" },
    );
  const how = answer.mode === "llm" ? `Written by ${answer.model}, checked` : "The articles' own sentences";
  const total = answer.timings_ms.total / 1_000;
  const seconds = total < 0.1 ? "under 0.1 s" : `${total.toFixed(1)} s`;
  const took = answer.citations.length ? `${how}, ${seconds}` : seconds;
  return el(
    "div",
    { class: "actions" },
    copy,
    rate("Good answer", 1),
    rate("Bad answer", -1),
    el("span", { class: "about" }, took),
  );
}

async function copied(words) {
  try {
    await navigator.clipboard.writeText(words);
    return true;
  } catch {
    // Without HTTPS there is no Clipboard API, only execCommand.
    const area = el("textarea", { class: "aside", "aria-hidden": "true" });
    area.value = words;
    const held = document.activeElement;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    held.focus();
    return done;
  }
}

function startAfresh() {
  running?.abort();
  reader.close();
  history = [];
  log.replaceChildren(welcome);
  welcome.hidden = false;
  box.value = "";
  box.focus();
  announce("New conversation");
}

function showFilters() {
  const { filters, as_of: asOf } = bounds();
  const used = filters.outlets.length + [filters.after, filters.before, asOf].filter(Boolean).length;
  document.getElementById("filters-used").textContent = used ? ` (${used} set)` : "";
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const question = box.value.trim();
  if (!question || running) return;
  box.value = "";
  document.getElementById("filters").open = false; // its summary still shows how many are set
  ask(question);
});
box.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});
form.addEventListener("input", showFilters);
stop.addEventListener("click", () => running?.abort());
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !document.querySelector("dialog[open]")) reader.close();
});
document.getElementById("fresh").addEventListener("click", startAfresh);

document.documentElement.classList.add("scripted");
log.hidden = false;
log.append(welcome, ...[document.getElementById("reply")].filter(Boolean));
welcome.hidden = Boolean(document.getElementById("reply"));
document.getElementById("tools").hidden = false;
box.required = false;
showFilters();
setUp();
box.focus();
