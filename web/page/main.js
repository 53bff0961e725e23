// Which page is shown, and whether its numbers are young enough to be believed.

import { now, read } from "./data.js";
import { ago, el, moment, span } from "./dom.js";
import { Entry } from "./entry.js";
import { Frontend, Frontends } from "./frontend.js";
import { Health } from "./health.js";
import { Overview } from "./overview.js";

const view = document.querySelector("#view");
const fault = el("p", { class: "bad", role: "alert", hidden: true }); // above what is shown
const TICK_MS = 1000;

let shown = null; // the page: {element, update(factory), title}
let address = null;
let factory = null; // overview.json, as last read
let problem = ""; // why it could not be read
let next = 0; // when it is read again, by performance.now()

const pages = [
  [/^#\/entry\/([^/]+)$/, (name) => new Entry(name)],
  [/^#\/frontend\/([^/]+)$/, (name) => new Frontend(name)],
  [/^#\/frontends$/, () => new Frontends()],
  [/^#\/health$/, () => new Health()],
  [/^(#\/?|)$/, () => new Overview()],
];

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function route() {
  if (location.hash === address || location.hash === "#view") return;
  address = location.hash;
  for (const [pattern, make] of pages) {
    const match = pattern.exec(address);
    if (match) {
      shown = make(decoded(match[1] ?? ""));
      break;
    }
    shown = null;
  }
  complain("");
  view.replaceChildren(fault, shown ? shown.element : el("p", { class: "quiet" }, "There is no such page."));
  window.scrollTo(0, 0);
  for (const link of document.querySelectorAll("nav a")) {
    if (link.getAttribute("href") === (address || "#/")) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  update();
}

async function update() {
  document.title = [shown?.title, factory?.factory ?? "Glidein Factory"].filter(Boolean).join(" – ");
  const page = shown;
  try {
    if (factory) await page?.update(factory);
    if (factory && page === shown) complain("");
  } catch (error) {
    if (page === shown) complain(`Not all of this is up to date: ${error.message}`);
  }
}

function complain(text) {
  fault.textContent = text;
  fault.hidden = !text;
}

async function refresh() {
  try {
    factory = await read("overview.json");
    problem = "";
    next = performance.now() + 1000 * Math.min(60, Math.max(1, factory.every_s));
  } catch (error) {
    problem = error.message;
    next = performance.now() + 10_000;
  }
  age();
  head();
  if (factory) await update();
  else complain(`Nothing could be read: ${problem}`);
}

function head() {
  if (!factory) return;
  document.querySelector("#name").textContent = factory.factory;
  const state = document.querySelector("#state");
  state.textContent = factory.state;
  state.className = factory.running ? "good" : "bad";
}

// Say how old the numbers are; old ones are shown, and marked as old.
function age() {
  const mark = document.querySelector("#stale");
  const age_s = factory ? now() - factory.written : null;
  const late_s = factory ? 3 * factory.every_s + 30 : 0;
  let text = "";
  if (factory && age_s > late_s) {
    text = `These numbers are ${span(age_s)} old: the factory's monitor writes no more. What follows was so at ${moment(factory.written)}.`;
  } else if (problem && factory) {
    text = `The web server does not answer (${problem}). What follows was so at ${moment(factory.written)}.`;
  }
  if (mark.textContent !== text) mark.textContent = text;
  mark.hidden = !text;
  document.body.classList.toggle("stale", Boolean(text));
  const said = factory ? `as of ${ago(age_s)}` : "";
  const place = document.querySelector("#age");
  if (place.textContent !== said) place.textContent = said;
  if (factory) place.title = moment(factory.written);
}

let busy = false;
async function tick() {
  age();
  if (busy || performance.now() < next || document.hidden) return;
  busy = true;
  await refresh();
  busy = false;
}

// A letter or two for who has no mouse: / to the search, Escape out of it.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const search = document.querySelector("input[type=search]");
  if (event.key === "/" && search && document.activeElement !== search) {
    event.preventDefault();
    search.focus();
    search.select();
  } else if (event.key === "Escape" && document.activeElement === search && search) {
    search.value = "";
    search.dispatchEvent(new Event("input"));
    search.blur();
  }
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  view.focus();
});
window.addEventListener("hashchange", route);
document.addEventListener("visibilitychange", tick);
window.addEventListener("online", () => {
  next = 0;
  tick();
});
route();
tick();
setInterval(tick, TICK_MS);
