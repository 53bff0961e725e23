// Frontends: what each asks of all entries, what it has, and how long its credentials live.

import { now, part, read } from "./data.js";
import { ago as past, el, entryLink, frontendLink, moment, name, number, section, SOON_S, span, table } from "./dom.js";
import { failures } from "./failures.js";
import { refusals } from "./entry.js";
import { Plots } from "./plots.js";
import { Table } from "./table.js";

const ago = (when) => (when ? past(now() - when) : "never");
const count = (title, key, get) => ({ title, key, class: "n", down: true, sort: get, cell: (row) => number(get(row)) });

export class Frontends {
  constructor() {
    this.title = "Frontends";
    this.table = new Table({
      columns: [
        { title: "Frontend", key: "name", class: "name", sort: (row) => row.frontend || "~", cell: (row) => (row.frontend ? frontendLink(row.frontend) : el("span", { class: "warn" }, "not known here")) },
        { title: "Identity", key: "identity", class: "identity", sort: (row) => row.identity, cell: (row) => row.identity },
        { title: "Heard", key: "heard", sort: (row) => row.heard, down: true, cell: (row) => ago(row.heard) },
        count("Entries", "entries", (row) => row.entries),
        count("Asked idle", "asked", (row) => row.idle),
        count("At most", "most", (row) => row.max),
        count("Running", "running", (row) => row.glideins.running),
        count("Idle", "idle", (row) => row.glideins.idle),
        count("Held", "held", (row) => row.glideins.held),
        { ...count("Not served", "refused", (row) => row.refused), cell: (row) => el("span", { class: row.refused ? "warn" : "" }, number(row.refused)) },
      ],
      key: (row) => row.identity,
      sorted: { key: "name", down: false },
      empty: "No Frontend is known.",
      label: "Frontends",
    });
    this.element = el("div", {}, el("h1", {}, "Frontends ", this.table.count), this.table.element);
  }

  update(factory) {
    this.table.set(factory.frontends);
  }
}

export class Frontend {
  constructor(name) {
    this.name = name;
    this.title = name;
    this.top = el("div");
    this.failures = el("div");
    this.bottom = el("div");
    this.plots = new Plots(`frontend/${name}`);
    this.table = new Table({
      columns: [
        { title: "Entry", key: "entry", class: "name", sort: (row) => row.entry, cell: (row) => entryLink(row.entry), text: (row) => row.entry },
        { title: "Client", key: "client", sort: (row) => row.client, cell: (row) => row.client, text: (row) => row.client },
        count("Asked idle", "asked", (row) => row.asked_idle),
        count("At most", "most", (row) => row.asked_max),
        count("Running", "running", (row) => row.running),
        count("Idle", "idle", (row) => row.idle),
        count("Held", "held", (row) => row.held),
        { title: "Why", key: "words", class: "words", cell: (row) => el("span", { title: row.words.join("\n") }, row.words.join("; ")), text: (row) => row.words.join(" ") },
      ],
      key: (row) => `${row.entry} ${row.client}`,
      sorted: { key: "asked", down: true },
      empty: "No entry is like that.",
      nothing: "It asks no entry for anything.",
      label: "What it asks of each entry",
    });
    const search = el("input", { type: "search", placeholder: "Search  ( / )", "aria-label": "Search entries", input: () => this.table.filter(search.value) });
    this.parts = [this.top, this.failures, this.plots.element,
      el("section", {}, el("h2", {}, "Entries ", this.table.count), el("div", { class: "tools" }, search), this.table.element), this.bottom];
    this.element = el("div", {}, ...this.parts);
  }

  async update(factory) {
    if (!factory.frontends.some((one) => one.frontend === this.name)) {
      this.element.replaceChildren(el("h1", {}, name(this.name)), el("p", { class: "bad" }, "There is no such Frontend."));
      return;
    }
    if (!this.top.isConnected) this.element.replaceChildren(...this.parts); // it is back
    const history = this.plots.update();
    const told = await read(`frontend/${part(this.name)}.json`);
    const one = (title, value) => el("div", { class: "sum" }, el("b", {}, number(value)), ` ${title}`);
    this.top.replaceChildren(
      el("p", { class: "path" }, el("a", { href: "#/frontends" }, "Frontends"), " / "),
      el("h1", {}, name(this.name), el("small", {}, " is ", name(told.identity))),
      el("div", { class: "sums" }, one("running", told.glideins.running), one("idle", told.glideins.idle), one("held", told.glideins.held),
        one("asked idle", told.idle), one("asked at most", told.max), one("entries", told.entries)),
      el("p", { class: "quiet" }, Object.entries(told.clients).map(([name, when]) => `${name} heard ${ago(when)}`).join(", ") || "It has not asked for anything."));
    this.table.set(told.rows);
    this.failures.replaceChildren(failures("Failures by cause", told.ended, null, now(), ["Most at"], (cause) => [
      el("td", { class: "words" }, ...Object.entries(cause.entries).flatMap(([name, n], at) => [at ? ", " : "", entryLink(name), ` ${number(n)}`]))]));
    this.bottom.replaceChildren(...[credentials(told.credentials), refusals(told)].filter(Boolean));
    await history;
  }
}

const SHOWN = 30; // credentials; those that end first

export function credentials(all) {
  const rows = all.map((one) => {
    const left = one.expires === null ? null : one.expires - now();
    const said = left === null ? "it does not say" : left > 0 ? span(left) : `ended ${span(-left)} ago`;
    const level = left === null ? "" : left <= 0 ? "bad" : left < SOON_S ? "warn" : "";
    return el("tr", {}, el("td", {}, one.frontend ? frontendLink(one.frontend) : "–", " ", el("small", {}, one.security_class)),
      el("td", {}, one.client), el("td", {}, one.purposes.join(", ")), el("td", { class: level }, said),
      el("td", {}, one.expires === null ? "–" : moment(one.expires)), el("td", { class: "identity" }, one.identifier));
  });
  if (!rows.length) return null;
  const heads = ["Frontend", "Client", "For", "Left", "Until", "Identifier"];
  const rest = rows.splice(SHOWN);
  return section("Credentials", table(heads, rows),
    rest.length ? el("details", {}, el("summary", {}, `${number(rest.length)} more, which end later`), table(heads, rest)) : null);
}
