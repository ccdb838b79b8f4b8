// The dialogs for the API key and for the articles: listing for all readers, adding and deleting with an admin key.

import { Failure, call, onKeyNeeded, rights, useKey } from "./api.js";
import { about, announce, button, count, el } from "./dom.js";
import { open } from "./reader.js";
import { visible } from "./spans.js";

const LISTED = 50;
let mayChange = false;

/** Set up the dialogs, and fetch the reader's rights. */
export async function setUp() {
  onKeyNeeded(askForKey);
  document.getElementById("library-open").addEventListener("click", showLibrary);
  const keyButton = document.getElementById("key-open");
  keyButton.addEventListener("click", async () => {
    if (await askForKey("A key is kept in this tab until it is closed.")) await learnRights();
  });
  keyButton.hidden = !(await learnRights()).key_needed;
}

async function learnRights() {
  try {
    const may = await rights();
    mayChange = may.scopes.includes("admin");
    return may;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { key_needed: true, scopes: [] };
  }
}

/** Show a modal dialog, removed when closed; resolves to its return value. */
function ask(label, ...children) {
  const dialog = el("dialog", { "aria-label": label }, ...children);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    });
  });
}

async function askForKey(why) {
  const input = el("input", { id: "key", type: "password", autocomplete: "off", required: true });
  const answered = await ask(
    "A key is needed",
    el(
      "form",
      { method: "dialog" },
      el("h2", {}, "A key is needed"),
      el("p", { class: "about" }, why),
      el("label", { for: "key" }, "Key"),
      input,
      el(
        "div",
        { class: "buttons" },
        el("button", { value: "use", class: "main" }, "Use this key"),
        el("button", { value: "", formnovalidate: true }, "Cancel"),
      ),
    ),
  );
  if (answered !== "use" || !input.value.trim()) return false;
  useKey(input.value.trim());
  await learnRights();
  return true;
}

async function showLibrary() {
  await learnRights();
  const list = el("div", { class: "listing" }, el("p", { class: "about" }, "Loading …"));
  const shown = ask(
    "Articles",
    el(
      "div",
      { class: "library" },
      el("header", {}, el("h2", {}, "Articles"), el("form", { method: "dialog" }, el("button", {}, "Close"))),
      mayChange ? uploads(() => fill(list, 0)) : null,
      list,
    ),
  );
  await fill(list, 0);
  await shown;
}

async function fill(list, offset) {
  try {
    const page = await (await call(`/v1/articles?offset=${offset}&limit=${LISTED}`)).json();
    const rows = page.articles.map((article) => row(article, () => fill(list, offset)));
    const first = page.total ? offset + 1 : 0;
    list.replaceChildren(
      el(
        "p",
        { class: "about", role: "status" },
        `${first} to ${offset + rows.length} of ${count(page.total, "article")}`,
      ),
      el("ul", { class: "rows" }, rows),
      el(
        "div",
        { class: "buttons" },
        button("Previous", () => fill(list, Math.max(0, offset - LISTED)), { disabled: offset === 0 }),
        button("Next", () => fill(list, page.next_offset), { disabled: page.next_offset === null }),
      ),
    );
  } catch (error) {
    fail(list, error);
  }
}

function fail(place, error) {
  if (!(error instanceof Failure)) throw error;
  place.replaceChildren(el("p", { class: "notice bad", role: "alert" }, error.message));
}

function row(article, changed) {
  const title = article.title || article.article_id;
  const versions = article.versions.length > 1 ? `, ${count(article.versions.length, "version")}` : "";
  const show = (event) => {
    event.currentTarget.closest("dialog").close();
    open(article, document.getElementById("library-open"));
  };
  return el(
    "li",
    {},
    el(
      "div",
      {},
      button(visible(title), show, { class: "text", dir: "auto" }),
      el("span", { class: "about", dir: "auto" }, `${about(article)} · ${count(article.chunks, "passage")}${versions}`),
    ),
    mayChange &&
      button("Take down", () => takeDown(article, title, changed), {
        class: "danger",
        "aria-label": `Take down ${title}`,
      }),
  );
}

async function takeDown(article, title, changed) {
  const answered = await ask(
    "Take down",
    el(
      "form",
      { method: "dialog" },
      el("h2", {}, "Take this article down?"),
      el("p", { dir: "auto" }, visible(title)),
      el(
        "p",
        { class: "about" },
        "Its text, all its versions and its places in the index are erased. This cannot be undone.",
      ),
      el(
        "div",
        { class: "buttons" },
        el("button", { value: "", autofocus: true }, "Keep it"),
        el("button", { value: "erase", class: "danger" }, "Take down"),
      ),
    ),
  );
  if (answered !== "erase") return;
  try {
    await call(`/v1/articles/${encodeURIComponent(article.article_id)}`, { method: "DELETE" });
    announce(`Taken down: ${title}`);
  } catch (error) {
    announce(error.message);
  }
  await changed();
}

function uploads(changed) {
  const files = el("input", { id: "files", type: "file", multiple: true, required: true });
  const outlet = el("input", { id: "given-outlet", type: "text", maxlength: "200" });
  const published = el("input", { id: "given-day", type: "date" });
  const results = el("ul", { class: "results", "aria-live": "polite" });
  const add = async (event) => {
    event.preventDefault();
    const given = new URLSearchParams();
    if (outlet.value.trim()) given.set("outlet", outlet.value.trim());
    if (published.value) given.set("published", published.value);
    results.replaceChildren();
    for (const file of files.files) results.append(await upload(file, given));
    files.value = "";
    await changed();
  };
  return el(
    "details",
    { class: "uploads" },
    el("summary", {}, "Add articles"),
    el(
      "form",
      { submit: add },
      el("label", { for: "files" }, "Files (.txt .md .html .jsonl .json, RSS and Atom)"),
      files,
      el("label", { for: "given-outlet" }, "Outlet, for articles that name none"),
      outlet,
      el("label", { for: "given-day" }, "Day, for articles that carry no date"),
      published,
      el("div", { class: "buttons" }, el("button", { class: "main" }, "Upload")),
    ),
    results,
  );
}

async function upload(file, given) {
  const body = new FormData();
  body.append("file", file);
  try {
    const report = await (await call(`/v1/articles?${given}`, { method: "POST", body })).json();
    const counts = `${report.added} added, ${report.updated} updated, ${report.unchanged} unchanged`;
    const refused = report.refused.map((item) => el("li", {}, `Refused: ${item.source}: ${item.reason}`));
    return el(
      "li",
      { class: refused.length ? "bad" : "good" },
      el("strong", {}, file.name),
      `: ${counts}`,
      refused.length > 0 && el("ul", {}, refused),
    );
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return el("li", { class: "bad" }, el("strong", {}, file.name), `: ${error.message}`);
  }
}
