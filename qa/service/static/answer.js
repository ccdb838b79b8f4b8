// One answer, as it comes and when it is whole: statements with their verdicts, conflicts, dates, sources.

import { about, button, count, day, el, link } from "./dom.js";
import { open } from "./reader.js";
import { visible } from "./spans.js";

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
const AWAY = {
  llm: "The model was away; this was put together from the articles' own sentences.",
  rewrite: "The follow-up could not be put into a question of its own; it was asked as it stands.",
  vectors: "Search by meaning was away; words alone were searched.",
  lexical: "Search by words was away; meaning alone was searched.",
  vectors_behind: "Not all articles can be searched by meaning yet; the index is being filled.",
  lexical_behind: "Not all articles can be searched by their words yet; the index is being filled.",
  withdrawn: "An article that is cited here was taken down while this was written; it cannot be opened any more.",
};
const MARKER = /\[(\d{1,4})\]/g;

/** The view of one answer. `node` stands in the page; the methods named like events take their data. */
export function answerView() {
  const body = el("p", { class: "said", dir: "auto" });
  const state = el("p", { class: "state about" }, "Searching the articles …");
  const node = el("div", { class: "reply", "aria-busy": "true" }, state, body);
  const citations = new Map();
  let text = "";
  let looked = [];
  return {
    node,
    retrieved({ sources }) {
      looked = sources;
      const articles = new Set(sources.map((one) => one.article_id)).size;
      state.textContent = `Reading ${count(sources.length, "passage")} from ${count(articles, "article")} …`;
    },
    citation(one) {
      citations.set(one.number, one);
    },
    delta(piece) {
      text += piece.text;
      body.replaceChildren(...said(text, citations));
    },
    answer(whole, asked) {
      const focused = node.contains(document.activeElement) ? document.activeElement.dataset.number : null;
      node.replaceChildren(...rendered(whole, asked, looked));
      if (focused) node.querySelector(`[data-number="${Number(focused)}"]`)?.focus();
      node.setAttribute("aria-busy", "false");
    },
    ended(words, kind, ...more) {
      state.replaceWith(el("div", { class: `notice ${kind}`, role: kind === "bad" ? "alert" : null }, words, ...more));
      node.setAttribute("aria-busy", "false");
    },
  };
}

/** Text with its markers as buttons that open what they cite. */
function said(text, citations) {
  const nodes = [];
  let done = 0;
  for (const found of text.matchAll(MARKER)) {
    const cited = citations.get(Number(found[1]));
    if (!cited) continue;
    nodes.push(...visible(text.slice(done, found.index)), marker(cited));
    done = found.index + found[0].length;
  }
  return [...nodes, ...visible(text.slice(done))];
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

function rendered(answer, asked, looked) {
  const citations = new Map(answer.citations.map((one) => [one.number, one]));
  if (answer.status === "not_in_sources")
    return [refusal(answer, looked), ...notes(answer, asked), leftOut(answer)].filter(Boolean);
  return [
    el("h3", { class: `status ${answer.status}` }, HEADINGS[answer.status] ?? answer.status),
    ...notes(answer, asked),
    el(
      "div",
      { class: "statements" },
      answer.statements.map((one) => statement(one, citations)),
    ),
    ...answer.conflicts.map((one) => conflict(one, citations)),
    dates(answer.dates, citations),
    sources(answer.citations),
    leftOut(answer),
  ].filter(Boolean);
}

function refusal(answer, looked) {
  const read = [...new Map(looked.map((one) => [one.article_id, one])).values()];
  return el(
    "div",
    { class: "refusal" },
    el("h3", { class: "status not_in_sources" }, HEADINGS.not_in_sources),
    el("p", { dir: "auto" }, answer.answer),
    read.length > 0 &&
      el(
        "details",
        {},
        el("summary", {}, `What was read: ${count(looked.length, "passage")}, ${count(read.length, "article")}`),
        el(
          "ul",
          {},
          read.map((one) => el("li", { dir: "auto" }, titled(one), " ", told(one))),
        ),
      ),
  );
}

function told(source) {
  return el("span", { class: "about", dir: "auto" }, visible(about(source)));
}

function titled(source) {
  return button(visible(source.title || source.article_id), (event) => open(source, event.currentTarget), {
    class: "text",
  });
}

function notes(answer, asked) {
  const words = [];
  if (answer.question && answer.question !== asked.trim()) words.push(`Understood as: ${answer.question}`);
  if (answer.status === "partial") words.push("The articles answer this in part only.");
  if (!answer.complete) words.push("This answer is not complete: it broke off.");
  for (const one of answer.degraded) {
    if (one === "llm" && answer.mode === "llm") words.push("The model went away while it wrote this.");
    else words.push(AWAY[one] ?? `Away while this was answered: ${one}.`);
  }
  return words.map((one) => el("p", { class: "notice", dir: "auto" }, visible(one)));
}

function statement(one, citations) {
  const [sign, words] = VERDICTS[one.support] ?? ["?", one.support];
  const badge = el("span", { class: "verdict" }, el("span", { "aria-hidden": "true" }, `${sign} `), words);
  const reasons =
    one.reasons.length > 0 &&
    el(
      "ul",
      { class: "reasons" },
      one.reasons.map((reason) => el("li", {}, reason)),
    );
  return el(
    "div",
    { class: `statement ${one.support}` },
    el("p", { dir: "auto" }, said(one.text, citations)),
    badge,
    reasons,
  );
}

function conflict(one, citations) {
  const heading = one.kind === "update" ? `Changed over time · ${one.about}` : `Reported differently · ${one.about}`;
  const cards = one.values.map((value) => {
    const who = value.citations.map((number, place) => {
      const when = value.published_at[place];
      const source = `${value.outlets[place]}${when ? `, ${day(when)}` : ""} `;
      return el("li", { dir: "auto" }, visible(source), citations.has(number) && marker(citations.get(number)));
    });
    return el("li", { class: "value" }, el("strong", { dir: "auto" }, visible(value.value)), el("ul", {}, who));
  });
  return el(
    "section",
    { class: `conflict ${one.kind}` },
    el("h4", { dir: "auto" }, visible(heading)),
    el("ul", { class: "values" }, cards),
  );
}

function dates(found, citations) {
  if (!found.length) return null;
  const rows = found.map((one) => {
    const resolved = one.resolved ? one.resolved.split("/").map(day).join(" to ") : "not known";
    const at = citations.get(one.citation);
    return el(
      "li",
      { dir: "auto" },
      `“${one.phrase}” `,
      at && marker(at),
      ` is ${resolved}`,
      el("span", { class: "about" }, `, ${one.basis}`),
    );
  });
  return el("section", { class: "dates" }, el("h4", {}, "Dates in the quotes"), el("ul", {}, rows));
}

function sources(citations) {
  const rows = citations.map((one) =>
    el(
      "li",
      { value: one.number },
      titled(one),
      " ",
      told(one),
      el("blockquote", { dir: "auto" }, visible(one.quote)),
      link(one.link, "Open the article", { class: "about" }),
    ),
  );
  return el("section", { class: "sources" }, el("h4", {}, "Sources"), el("ol", {}, rows));
}

function leftOut(answer) {
  if (!answer.rejected.length) return null;
  const rows = answer.rejected.map((one) =>
    el("li", {}, el("span", { dir: "auto" }, visible(one.text)), el("span", { class: "about" }, one.reason)),
  );
  const summary = `What was left out and why (${answer.rejected.length})`;
  return el("details", { class: "rejected" }, el("summary", {}, summary), el("ul", {}, rows));
}

/** The answer and its numbered sources as plain text, with whole addresses. */
export function plainText(question, answer) {
  const listed = answer.citations.map((one) => {
    const title = `[${one.number}] ${one.title || one.article_id} (${about(one)})`;
    return `${title}\n    “${one.quote}”\n    ${new URL(one.link, location.origin)}`;
  });
  return [question, answer.answer, ...(listed.length ? ["Sources", ...listed] : [])].join("\n\n") + "\n";
}
