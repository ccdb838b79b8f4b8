// DOM helpers that build elements from names, attributes and text. Nothing on the page ever parses text as HTML.

const WEB = new Set(["http:", "https:"]);

/** Return a URL if it may become a link, else null. */
export function webLink(address) {
  try {
    return address && WEB.has(new URL(address, location.origin).protocol) ? address : null;
  } catch {
    return null;
  }
}

/** Make an element. Null, undefined and false attributes are omitted; string children become text nodes. */
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

/** A button that does not submit its form. */
export function button(label, click, attributes = {}) {
  return el("button", { type: "button", click, ...attributes }, label);
}

/** A link that sends no referrer and gives its target no access to this page. */
export function link(address, label, attributes = {}) {
  return webLink(address)
    ? el("a", { href: address, target: "_blank", rel: "noopener noreferrer nofollow", ...attributes }, label)
    : label;
}

const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });

/** A date in words, from an ISO date or time; anything else is returned unchanged. */
export function day(moment) {
  const date = new Date(`${moment.slice(0, 10)}T00:00:00Z`);
  return Number.isNaN(date.valueOf()) ? moment : DAY.format(date);
}

/** The outlet and date of a source, as text. */
export function about(source) {
  const parts = [source.outlet, source.published_at && day(source.published_at)].filter(Boolean);
  return parts.join(" · ") || "no outlet and no date are known";
}

export function count(number, what) {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

/** Announce something to screen readers. */
export function announce(words) {
  document.getElementById("status").textContent = words;
}
