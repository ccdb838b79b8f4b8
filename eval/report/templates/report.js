"use strict";
// The state of the filters is the address behind "#", so that a view can be kept and sent. Nothing here touches text:
// offsets are code points, and every piece was cut before the page was written.
const form = document.getElementById("filters");
const cards = [...document.querySelectorAll("details.item")];
const words = new Map();

function textOf(card) {
  if (!words.has(card)) words.set(card, card.textContent.toLowerCase());
  return words.get(card);
}

function apply() {
  const failure = form.elements.failure.value;
  const category = form.elements.category.value;
  const wanted = form.elements.q.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const card of cards) {
    const fits =
      (!failure || card.dataset.failures.split(" ").includes(failure)) &&
      (!category || card.dataset.category === category) &&
      wanted.every((word) => textOf(card).includes(word));
    card.hidden = !fits;
    shown += fits;
  }
  document.getElementById("shown").textContent = `${shown} of ${cards.length} questions`;
}

function write() {
  const state = new URLSearchParams();
  for (const name of ["failure", "category", "q"]) {
    if (form.elements[name].value) state.set(name, form.elements[name].value);
  }
  history.replaceState(null, "", `#${state}`);
  apply();
}

function read() {
  const hash = location.hash.slice(1);
  const place = hash && document.getElementById(hash);
  if (place) {
    // A place in the page, not a state of the filters: open what it lies in, and leave the filters alone.
    for (let at = place; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    place.scrollIntoView();
    return;
  }
  const state = new URLSearchParams(hash);
  for (const name of ["failure", "category", "q"]) form.elements[name].value = state.get(name) ?? "";
  for (const name of ["failure", "category"]) if (form.elements[name].selectedIndex < 0) form.elements[name].value = "";
  apply();
  if (hash) form.scrollIntoView();
}

function openAll(open) {
  for (const card of cards) if (!card.hidden) card.open = open;
}

form.hidden = false;
form.addEventListener("input", write);
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () => setTimeout(write));
document.getElementById("open").addEventListener("click", () => openAll(true));
document.getElementById("close").addEventListener("click", () => openAll(false));
addEventListener("hashchange", read);
apply();
read();
