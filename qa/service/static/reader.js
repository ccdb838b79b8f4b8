// The article panel beside the answer, with the cited span marked and scrolled into view.

import { Failure, call } from "./api.js";
import { about, announce, button, el, link, webLink } from "./dom.js";
import { marked, visible } from "./spans.js";

const panel = document.getElementById("reader");
const narrow = matchMedia("(max-width: 60rem)");
let opener = null;
let opening = 0;

/** Tell whether the panel is open. */
export function isOpen() {
  return !panel.hidden;
}

/** Open an article at a citation or at its beginning. The panel takes the focus; closing returns it to `from`. */
export async function open(cited, from) {
  opening += 1;
  const mine = opening;
  opener = from;
  const body = el("p", { class: "about" }, "Opening …");
  const heading = el(
    "h2",
    { id: "reader-title", tabindex: "-1", dir: "auto" },
    visible(cited.title || cited.article_id),
  );
  const whose = el(
    "p",
    { class: "links" },
    el("span", { class: "about", dir: "auto" }, visible(about(cited))),
    link(cited.link ?? page(cited), "Open the article"),
    webLink(cited.url) && link(cited.url, "The original"),
  );
  panel.replaceChildren(el("header", {}, el("div", {}, heading, whose), button("Close", close)), body);
  panel.hidden = false;
  document.documentElement.classList.add("reading");
  cover();
  heading.focus();
  try {
    const article = await fetchText(cited);
    if (mine === opening && isOpen()) show(article, cited, body);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const gone = error.status === 404 ? "This article is not in the store any more." : error.message;
    body.replaceWith(el("p", { class: "notice bad", role: "alert" }, gone));
  }
}

function page(article) {
  return `/articles/${encodeURIComponent(article.article_id)}`;
}

async function fetchText(cited) {
  const path = `/v1/articles/${encodeURIComponent(cited.article_id)}/text?version=${cited.version}`;
  return (await call(path)).json();
}

function show(article, cited, place) {
  const span = cited.quote === undefined ? null : [cited.start, cited.end];
  const short = cited.short ? [cited.short.start, cited.short.end] : null;
  const { nodes, mark } = marked(article.text, span, article.furniture, short);
  const text = el("article", { dir: "auto", tabindex: "0", "aria-label": "The article's text" }, nodes);
  const parts = [text, el("p", { class: "about" }, `${article.article_id}, version ${article.version}`)];
  if (mark && mark.textContent !== cited.quote) {
    parts.unshift(
      el("p", { class: "notice bad", role: "alert" }, "The words marked are not the ones that were cited."),
    );
  }
  place.replaceWith(...parts);
  if (mark) {
    mark.scrollIntoView({ block: "center" });
    announce(`The cited passage is marked: ${cited.quote}`);
  }
}

/** Close the panel and return the focus. */
export function close() {
  if (!isOpen()) return;
  panel.hidden = true;
  panel.replaceChildren();
  document.documentElement.classList.remove("reading");
  cover();
  (opener?.isConnected ? opener : document.getElementById("q")).focus();
}

// Where the panel covers the page, make the page under it inert: not focusable, not read by screen readers.
function cover() {
  for (const part of document.querySelectorAll("#bar, main")) part.inert = isOpen() && narrow.matches;
}

narrow.addEventListener("change", cover);
