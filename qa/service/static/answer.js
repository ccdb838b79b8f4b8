// The view of one answer, streaming or complete: statements with verdicts, conflicts, dates, sources.

import { about, button, count, day, el, link } from "./dom.js";
import { open } from "./reader.js";
import { unitOffsets, visible } from "./spans.js";

const HEADINGS = {
  answered: "Answer",
  partial: "Answered in part",
  conflicting: "The articles disagree",
  not_in_sources: "Not in the articles",
};
const VERDICTS = {
  supported: ["✓", "supported"],
  partial: ["~", "partly supported"],
  unsupported: ["✗", "not supported"],
};
const QUOTED = ["❝", "quoted: the model's own words could not be verified"];
const AWAY = {
  llm: "The model was away; this was put together from the articles' own sentences.",
  llm_unusable: "The model's reply was of no use; this was put together from the articles' own sentences.",
  rewrite: "The follow-up could not be put into a question of its own; it was asked as it stands.",
  vectors: "Search by meaning was away; words alone were searched.",
  lexical: "Search by words was away; meaning alone was searched.",
  vectors_behind: "Not all articles can be searched by meaning yet; the index is being filled.",
  lexical_behind: "Not all articles can be searched by their words yet; the index is being filled.",
  withdrawn: "An article that is cited here was taken down while this was written; it cannot be opened any more.",
};
const MARKER = /\[(\d{1,4})\]/g;

/** Make the view of one answer. `node` is its element; the methods named like stream events take the events' data. */
export function answerView() {
  const body = el("p", { class: "said", dir: "auto" });
  const state = el("p", { class: "state about" }, "Searching the articles …");
  const node = el("div", { class: "reply", "aria-busy": "true" }, state, body);
  const citations = new Map();
  let text = "";
  let retrieved = [];
  return {
    node,
    retrieved({ sources }) {
      retrieved = sources;
      const articles = new Set(sources.map((source) => source.article_id)).size;
      state.textContent = `Reading ${count(sources.length, "passage")} from ${count(articles, "article")} …`;
    },
    short_answer(short) {
      body.before(shortAnswer(short));
    },
    citation(citation) {
      citations.set(citation.number, citation);
    },
    delta(piece) {
      text += piece.text;
      body.replaceChildren(...linked(text, citations));
    },
    answer(answer, question) {
      const focused = node.contains(document.activeElement) ? document.activeElement.dataset.number : null;
      node.replaceChildren(...rendered(answer, question, retrieved));
      if (focused) node.querySelector(`[data-number="${Number(focused)}"]`)?.focus();
      node.setAttribute("aria-busy", "false");
    },
    ended(words, kind, ...more) {
      state.replaceWith(el("div", { class: `notice ${kind}`, role: kind === "bad" ? "alert" : null }, words, ...more));
      node.setAttribute("aria-busy", "false");
    },
  };
}

/** Text whose markers are buttons that open the cited passage. */
function linked(text, citations) {
  const nodes = [];
  let done = 0;
  for (const match of text.matchAll(MARKER)) {
    const cited = citations.get(Number(match[1]));
    if (!cited) continue;
    nodes.push(...visible(text.slice(done, match.index)), marker(cited));
    done = match.index + match[0].length;
  }
  return [...nodes, ...visible(text.slice(done))];
}

/** The line above the answer. */
function shortAnswer(short) {
  return el("p", { class: "short", dir: "auto" }, visible(oneLine(short.text)));
}

/** A citation that, if the short answer is in it, opens with that marked too. */
function withShort(citation, short) {
  if (citation.number !== short?.citation) return citation;
  return { ...citation, short, link: `${citation.link}&short_answer=${short.start}-${short.end}` };
}

/** A statement whose words are bold where it quotes the short answer (as qa/service/html/home_page.py does). */
function quoted(item, citations) {
  const cited = item.citations.map((number) => citations.get(number)).find((citation) => citation?.short);
  if (!cited) return linked(item.text, citations);
  const points = [cited.start, cited.short.start, cited.short.end].map((point) => point - cited.start);
  const units = [...unitOffsets(cited.quote, points), cited.quote.length];
  const [before, words, after] = [0, 1, 2].map((place) => oneLine(cited.quote.slice(units[place], units[place + 1])));
  const start = item.text.lastIndexOf(before + words + after);
  if (start < 0) return linked(item.text, citations);
  const from = start + before.length;
  return [
    ...linked(item.text.slice(0, from), citations),
    el("strong", {}, visible(words)),
    ...linked(item.text.slice(from + words.length), citations),
  ];
}

function oneLine(text) {
  return text.replace(/\s+/g, " ");
}

function marker(cited) {
  const label = `Source ${cited.number}: ${cited.title || cited.article_id}`;
  return button(`[${cited.number}]`, (event) => open(cited, event.currentTarget), {
    class: "marker",
    "data-number": cited.number,
    "aria-label": label,
    title: label,
  });
}

function rendered(answer, question, retrieved) {
  const short = answer.short_answer;
  const listed = answer.citations.map((citation) => withShort(citation, short));
  const citations = new Map(listed.map((citation) => [citation.number, citation]));
  if (answer.status === "not_in_sources")
    return [refusal(answer, retrieved), ...notes(answer, question), leftOut(answer)].filter(Boolean);
  return [
    el("h3", { class: `status ${answer.status}` }, HEADINGS[answer.status] ?? answer.status),
    ...notes(answer, question),
    short && shortAnswer(short),
    el(
      "div",
      { class: "statements" },
      answer.statements.map((item) => statement(item, citations)),
    ),
    ...answer.conflicts.map((item) => conflict(item, citations)),
    dates(answer.dates, citations),
    sources(listed),
    leftOut(answer),
  ].filter(Boolean);
}

function refusal(answer, retrieved) {
  const articles = [...new Map(retrieved.map((source) => [source.article_id, source])).values()];
  return el(
    "div",
    { class: "refusal" },
    el("h3", { class: "status not_in_sources" }, HEADINGS.not_in_sources),
    el("p", { dir: "auto" }, answer.answer),
    articles.length > 0 &&
      el(
        "details",
        {},
        el("summary", {}, `What was read: ${count(retrieved.length, "passage")}, ${count(articles.length, "article")}`),
        el(
          "ul",
          {},
          articles.map((source) => el("li", { dir: "auto" }, titled(source), " ", outletAndDay(source))),
        ),
      ),
  );
}

function outletAndDay(source) {
  return el("span", { class: "about", dir: "auto" }, visible(about(source)));
}

function titled(source) {
  return button(visible(source.title || source.article_id), (event) => open(source, event.currentTarget), {
    class: "text",
  });
}

function notes(answer, question) {
  const words = [];
  if (answer.question && answer.question !== question.trim()) words.push(`Understood as: ${answer.question}`);
  if (answer.status === "partial") words.push("The articles answer this in part only.");
  if (!answer.complete) words.push("This answer is not complete: it broke off.");
  for (const part of answer.degraded) {
    if (part === "llm" && answer.mode === "llm") words.push("The model went away while it wrote this.");
    else words.push(AWAY[part] ?? `Away while this was answered: ${part}.`);
  }
  const shown = words.map((note) => el("p", { class: "notice", dir: "auto" }, visible(note)));
  if (answer.degraded.includes("llm")) shown.push(modelTrouble());
  return shown;
}

/** Make a notice that says what the model's server said, once it is known. */
function modelTrouble() {
  const notice = el("p", { class: "notice", dir: "auto", hidden: "" });
  fetch("/readyz")
    .then((reply) => reply.json())
    .then((state) => {
      if (!state.model?.includes(": ")) return;
      notice.textContent = `Model ${visible(state.model)}`;
      notice.hidden = false;
    })
    .catch(() => {});
  return notice;
}

function statement(item, citations) {
  const [sign, words] = item.replaced ? QUOTED : (VERDICTS[item.support] ?? ["?", item.support]);
  const badge = el("span", { class: "verdict" }, el("span", { "aria-hidden": "true" }, `${sign} `), words);
  const reasons =
    item.reasons.length > 0 &&
    el(
      "ul",
      { class: "reasons" },
      item.reasons.map((reason) => el("li", {}, reason)),
    );
  return el(
    "div",
    { class: `statement ${item.support}` },
    el("p", { dir: "auto" }, quoted(item, citations)),
    badge,
    reasons,
  );
}

function conflict(item, citations) {
  const heading = item.kind === "update" ? `Changed over time · ${item.about}` : `Reported differently · ${item.about}`;
  const cards = item.values.map((value) => {
    const who = value.citations.map((number, place) => {
      const when = value.published_at[place];
      const source = `${value.outlets[place]}${when ? `, ${day(when)}` : ""} `;
      return el("li", { dir: "auto" }, visible(source), citations.has(number) && marker(citations.get(number)));
    });
    return el("li", { class: "value" }, el("strong", { dir: "auto" }, visible(value.value)), el("ul", {}, who));
  });
  return el(
    "section",
    { class: `conflict ${item.kind}` },
    el("h4", { dir: "auto" }, visible(heading)),
    el("ul", { class: "values" }, cards),
  );
}

function dates(resolvedDates, citations) {
  if (!resolvedDates.length) return null;
  const rows = resolvedDates.map((date) => {
    const resolved = date.resolved ? date.resolved.split("/").map(day).join(" to ") : "not known";
    const at = citations.get(date.citation);
    return el(
      "li",
      { dir: "auto" },
      `“${date.phrase}” `,
      at && marker(at),
      ` is ${resolved}`,
      el("span", { class: "about" }, `, ${date.basis}`),
    );
  });
  return el("section", { class: "dates" }, el("h4", {}, "Dates in the quotes"), el("ul", {}, rows));
}

function sources(citations) {
  const rows = citations.map((citation) =>
    el(
      "li",
      { value: citation.number },
      titled(citation),
      " ",
      outletAndDay(citation),
      el("blockquote", { dir: "auto" }, visible(citation.quote)),
      link(citation.link, "Open the article", { class: "about" }),
    ),
  );
  return el("section", { class: "sources" }, el("h4", {}, "Sources"), el("ol", {}, rows));
}

function leftOut(answer) {
  if (!answer.rejected.length) return null;
  const rows = answer.rejected.map((rejected) =>
    el("li", {}, el("span", { dir: "auto" }, visible(rejected.text)), el("span", { class: "about" }, rejected.reason)),
  );
  const summary = `What was left out and why (${answer.rejected.length})`;
  return el("details", { class: "rejected" }, el("summary", {}, summary), el("ul", {}, rows));
}

/** The answer and its numbered sources as plain text, with absolute URLs. */
export function plainText(question, answer) {
  const listed = answer.citations.map((citation) => {
    const title = `[${citation.number}] ${citation.title || citation.article_id} (${about(citation)})`;
    return `${title}\n    “${citation.quote}”\n    ${new URL(citation.link, location.origin)}`;
  });
  const short = answer.short_answer ? [oneLine(answer.short_answer.text)] : [];
  return [question, ...short, answer.answer, ...(listed.length ? ["Sources", ...listed] : [])].join("\n\n") + "\n";
}
