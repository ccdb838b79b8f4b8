// Render an article's text with marked code point ranges as DOM nodes; their joined text is exactly the article's text.

import { el } from "./dom.js";

// Invisible characters a reader should know about; joiners and tags in emoji, and joiners in Persian, are fine.
// The server-rendered page marks the same ones (qa/service/html/article_page.py).
const HIDDEN = new RegExp(
  [
    "\\u{1F3F4}[\\u{E0030}-\\u{E007A}]{2,6}\\u{E007F}",
    "(?<=[^\\x00-\\x7F])[\\u200C\\u200D](?=[^\\x00-\\x7F])",
    "([\\x00-\\x08\\x0B-\\x1F\\x7F-\\x9F\\u061C\\u180E\\u200B-\\u200F\\u2028-\\u202E\\u2060-\\u206F\\uFEFF\\uFFF9-\\uFFFB" +
      "\\u{E0000}-\\u{E007F}])",
  ].join("|"),
  "gu",
);

/** Convert ascending code point offsets to UTF-16 offsets. */
export function unitOffsets(text, offsets) {
  const places = [];
  let unit = 0;
  let point = 0;
  for (const offset of offsets) {
    for (; point < offset && unit < text.length; point += 1) unit += text.codePointAt(unit) > 0xffff ? 2 : 1;
    places.push(unit);
  }
  return places;
}

/** Text as nodes, with each invisible character in a marked bidi isolate. */
export function visible(text) {
  const nodes = [];
  let done = 0;
  for (const match of text.matchAll(HIDDEN)) {
    if (match[1] === undefined) continue;
    const code = `U+${match[1].codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
    nodes.push(text.slice(done, match.index), el("bdi", { class: "hidden", "data-code": code }, match[1]));
    done = match.index + match[0].length;
  }
  return [...nodes, text.slice(done)];
}

/**
 * The whole text as nodes: the span in one <mark>, the short answer inside it in another, boilerplate (`furniture`)
 * greyed, which may overlap them.
 */
export function marked(text, span, furniture, short = null) {
  const ranges = [span, short, ...furniture].filter(Boolean);
  const points = [...new Set([0, Infinity, ...ranges.flat()])].sort((a, b) => a - b);
  const units = unitOffsets(text, points);
  const mark = el("mark", { tabindex: "-1" });
  const inner = el("mark", { class: "short" });
  const nodes = [];
  for (let place = 0; place + 1 < points.length; place += 1) {
    const point = points[place];
    const within = (range) => range[0] <= point && point < range[1];
    const words = visible(text.slice(units[place], units[place + 1]));
    const piece = furniture.some(within) ? [el("span", { class: "furniture" }, words)] : words;
    if (!span || !within(span)) nodes.push(...piece);
    else {
      if (point === span[0]) nodes.push(mark);
      if (short && point === short[0]) mark.append(inner);
      (short && within(short) ? inner : mark).append(...piece);
    }
  }
  return { nodes, mark: span ? mark : null };
}
