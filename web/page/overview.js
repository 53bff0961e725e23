// The first page: what is wrong, and all entries, those in trouble at the top.

import { dot, el, entryLink, LEVELS, number, section } from "./dom.js";
import { Table } from "./table.js";
import { trend } from "./trend.js";

const RANK = ["bad", "warn", "unknown", "down", "ok", "idle"];
const PROBLEMS = 6;

export const share = (row) => (row.ended ? row.failed / row.ended : null);

const columns = [
  { title: "", key: "level", class: "level", sort: (row) => RANK.indexOf(row.level), cell: (row) => dot(row.level), text: (row) => LEVELS[row.level] ?? "" },
  { title: "Entry", key: "name", class: "name", sort: (row) => row.name, cell: (row) => entryLink(row.name), text: (row) => row.name },
  { title: "Site", key: "site", class: "site", sort: (row) => row.site, cell: (row) => row.site ?? "", text: (row) => row.site },
  { title: "Running", key: "running", class: "n running", down: true, sort: (row) => row.running, cell: (row) => number(row.running) },
  { title: "2 h", key: "trend", class: "spark", cell: (row) => trend(row.trend ?? []) },
  { title: "Idle", key: "idle", class: "n idle", down: true, sort: (row) => row.idle, cell: (row) => number(row.idle), hint: "in the queue or on their way there" },
  { title: "Held", key: "held", class: "n held", down: true, sort: (row) => row.held, cell: (row) => number(row.held) },
  { title: "Asked", key: "asked", class: "n asked", down: true, sort: (row) => row.asked_idle, cell: (row) => number(row.asked_idle), hint: "idle glideins that Frontends ask for" },
  { title: "At most", key: "most", class: "n most", down: true, sort: (row) => row.asked_max, cell: (row) => number(row.asked_max), hint: "glideins in all, as Frontends ask" },
  { title: "Failed", key: "failed", class: "n failed", down: true, sort: (row) => row.failed, cell: (row) => failures(row), hint: "of those that ended in 24 hours" },
  { title: "Why", key: "words", class: "words", cell: (row) => el("span", { title: row.words }, row.words), text: (row) => `${row.words} ${(row.frontends ?? []).join(" ")}` },
];

function failures(row) {
  if (!row.ended) return "–";
  return el("span", { class: share(row) > 0.5 && row.failed >= 5 ? "bad" : "" }, `${number(row.failed)} of ${number(row.ended)}`);
}

export class Overview {
  constructor() {
    this.title = "";
    this.levels = new Set();
    this.table = new Table({
      columns,
      key: (row) => row.name,
      sorted: { key: "level", down: false },
      empty: "No entry is like that.",
      nothing: "There is no entry.",
      label: "Entries",
    });
    this.search = el("input", {
      type: "search", placeholder: "Search entries, sites, reasons, Frontends  ( / )", "aria-label": "Search entries",
      autocomplete: "off", spellcheck: "false", input: () => this.filter(),
    });
    this.chips = el("div", { class: "chips", role: "group", "aria-label": "Show only" });
    this.sums = el("div", { class: "sums" });
    this.wrong = el("div");
    this.element = el("div", {}, this.sums, this.wrong,
      el("section", {},
        el("h2", {}, "Entries ", this.table.count),
        el("div", { class: "tools" }, this.search, this.chips),
        this.table.element));
  }

  update(factory) {
    this.sums.replaceChildren(...sums(factory));
    this.wrong.replaceChildren(problems(factory));
    this.drawChips(factory.entries);
    this.table.set(factory.entries);
    if (!performance.getEntriesByName("first-rows").length) requestAnimationFrame(() => performance.mark("first-rows"));
  }

  filter() {
    this.table.filter(this.search.value, (row) => !this.levels.size || this.levels.has(row.level));
  }

  drawChips(entries) {
    const counts = {};
    for (const { level } of entries) counts[level] = (counts[level] ?? 0) + 1;
    const said = JSON.stringify(counts);
    if (said === this.counts) return;
    this.counts = said;
    const at = [...this.chips.children].indexOf(document.activeElement);
    this.chips.replaceChildren(...RANK.filter((level) => counts[level] || this.levels.has(level)).map((level) => {
      const chip = el("button", { type: "button", class: "chip", "aria-pressed": String(this.levels.has(level)) },
        dot(level), ` ${LEVELS[level]} `, el("b", {}, number(counts[level] ?? 0)));
      chip.addEventListener("click", () => {
        if (!this.levels.delete(level)) this.levels.add(level);
        chip.setAttribute("aria-pressed", String(this.levels.has(level)));
        this.filter();
      });
      return chip;
    }));
    this.chips.children[at]?.focus();
  }
}

function sums(factory) {
  const { glideins } = factory;
  const one = (title, value, more) => el("div", { class: "sum" }, el("b", {}, value), ` ${title}`, more ? el("small", {}, more) : null);
  return [
    one("running", number(glideins.running), factory.trend ? trend(factory.trend) : null),
    one("idle", number(glideins.idle)),
    one("held", number(glideins.held)),
    one("idle asked for", number(factory.asked_idle)),
    one("allowed in all", number(factory.limit)),
    factory.unknown ? one(factory.unknown === 1 ? "entry not known now, and not counted" : "entries not known now, and not counted", number(factory.unknown)) : null,
  ].filter(Boolean);
}

export function problems(factory) {
  if (!factory.problem_count) return el("p", { class: "calm" }, "Nothing is wrong.");
  const names = new Set(factory.entries.map((row) => row.name));
  const line = (text) => {
    const name = text.slice(0, text.indexOf(": "));
    return el("li", {}, names.has(name) ? [entryLink(name), text.slice(name.length)] : text);
  };
  const first = factory.problems.slice(0, PROBLEMS).map(line);
  const rest = factory.problems.slice(PROBLEMS).map(line);
  const unsaid = factory.problem_count - factory.problems.length;
  if (unsaid > 0) rest.push(el("li", {}, `and ${number(unsaid)} more`));
  return section(`${number(factory.problem_count)} wrong`,
    el("ul", { class: "problems" }, ...first),
    rest.length ? el("details", {}, el("summary", {}, `${number(factory.problem_count - first.length)} more`), el("ul", { class: "problems" }, ...rest)) : null);
}
