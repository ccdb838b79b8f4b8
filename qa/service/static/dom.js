// Elements made of names, attributes and text. Nothing here, or anywhere on the page, reads text as HTML.

const WEB = new Set(["http:", "https:"]);

/** Return an address if it may become a link, else null. */
export function webLink(address) {
  try {
    return address && WEB.has(new URL(address, location.origin).protocol) ? address : null;
  } catch {
    return null;
  }
}

/** Make an element. Attributes that are null or false are left out; strings among the children become text. */
export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(key, value);
    else if (key === "href" && !webLink(value)) continue;
    else if (value !== null && value !== undefined && value !== false)
      node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** A button that does something and sends nothing. */
export function button(label, click, attributes = {}) {
  return el("button", { type: "button", click, ...attributes }, label);
}

/** A link that tells the place it leads to nothing of this page. */
export function link(address, label, attributes = {}) {
  return webLink(address)
    ? el("a", { href: address, target: "_blank", rel: "noopener noreferrer nofollow", ...attributes }, label)
    : label;
}

const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });

/** A day as people write it, from an ISO date or moment; what is none stays as it is. */
export function day(moment) {
  const found = new Date(`${moment.slice(0, 10)}T00:00:00Z`);
  return Number.isNaN(found.valueOf()) ? moment : DAY.format(found);
}

/** Outlet and day of a source, as text. */
export function about(source) {
  const said = [source.outlet, source.published_at && day(source.published_at)].filter(Boolean);
  return said.join(" · ") || "no outlet and no date are known";
}

export function count(number, what) {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

/** Say something to those who do not see it happen. */
export function announce(words) {
  document.getElementById("status").textContent = words;
}
