// Elements and words. Whatever comes from the factory enters as text: it is data, never HTML.

// el("td", {class: "n"}, "text", otherElement) - properties that are functions become listeners
export function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else made.setAttribute(name, value);
  }
  made.append(...children.flat(Infinity).filter((one) => one !== null && one !== undefined));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(tag, properties, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(properties)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// A number for a person; what is not known is a dash, never 0.
export function number(value, digits = 0) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return value.toLocaleString("en", { maximumFractionDigits: digits });
}

export const SOON_S = 86_400; // a credential that ends so soon is marked

const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

// A length of time in one or two units: 45 s, 3 min 20 s, 1 d 4 h.
export function span(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const exact = Math.abs(seconds);
  if (exact > 0 && exact < 0.9995) return `${Math.round(exact * 1000)} ms`;
  const left = Math.round(exact);
  const place = UNITS.findIndex(([length]) => left >= length);
  if (place < 0) return "0 s";
  const [length, unit] = UNITS[place];
  let text = `${Math.floor(left / length)} ${unit}`;
  if (place + 1 < UNITS.length) {
    const rest = Math.floor((left % length) / UNITS[place + 1][0]);
    if (rest) text += ` ${rest} ${UNITS[place + 1][1]}`;
  }
  return text;
}

// A moment, as this browser's clock shows it.
export function moment(epoch) {
  if (!epoch) return "never";
  return new Date(epoch * 1000).toLocaleString("sv-SE"); // 2026-11-25 03:00:00
}

export const LEVELS = {
  bad: "broken",
  warn: "in trouble",
  unknown: "not known",
  down: "in downtime",
  ok: "working",
  idle: "idle",
};

export function dot(level) {
  const word = LEVELS[level] ?? level;
  return el("span", { class: `dot ${level in LEVELS ? level : "unknown"}`, title: word },
    el("span", { class: "word" }, word));
}

// A long name, with places where a line may end: after what joins its parts.
export function name(text) {
  const parts = String(text).split(/(?<=[_./@:-])/);
  return parts.flatMap((part, at) => (at ? [el("wbr"), part] : [part]));
}

export const entryLink = (entry) => el("a", { href: `#/entry/${encodeURIComponent(entry)}` }, name(entry));
export const frontendLink = (frontend) =>
  el("a", { href: `#/frontend/${encodeURIComponent(frontend)}` }, name(frontend));

// How long ago something was.
export const ago = (seconds) => (seconds < 2 ? "just now" : `${span(seconds)} ago`);

// A plain table. Heads are texts; one that begins with # is over numbers. On a telephone a row is a
// card, in which each cell says its head.
export function table(heads, rows) {
  for (const row of rows) {
    [...row.children].forEach((cell, at) => cell.setAttribute("data-label", (heads[at] ?? "").replace(/^#/, "")));
  }
  const made = heads.map((head) => (head.startsWith("#")
    ? el("th", { scope: "col", class: "n" }, head.slice(1)) : el("th", { scope: "col" }, head)));
  return el("div", { class: "scroll" }, el("table", { class: "cards" }, el("thead", {}, el("tr", {}, ...made)), el("tbody", {}, ...rows)));
}

// A part of a whole as a bar.
export function meter(value, most) {
  const full = el("span");
  full.style.width = `${(100 * Math.min(1, value / Math.max(1, most))).toFixed(1)}%`;
  const words = `${number(value)} of ${number(most)}`;
  return el("span", { class: "meter", role: "img", "aria-label": words, title: words }, full);
}

// A heading with what belongs below it; nothing at all where there is nothing to show.
export function section(title, ...children) {
  const shown = children.flat().filter(Boolean);
  return shown.length ? el("section", {}, el("h2", {}, title), ...shown) : null;
}
