// One entry: why it does what it does, what it did, and how its glideins ended.

import { now, part, read } from "./data.js";
import { ago as past, dot, el, frontendLink, meter, moment, name, number, section, SOON_S, span, table } from "./dom.js";
import { failures, together } from "./failures.js";
import { Glideins } from "./glideins.js";
import { Plots } from "./plots.js";

const ago = (when) => (when ? past(now() - when) : "never");

export class Entry {
  constructor(name) {
    this.name = name;
    this.title = name;
    this.top = el("div");
    this.failures = el("div");
    this.more = el("div");
    this.plots = new Plots(`entry/${name}`);
    this.glideins = new Glideins(name);
    this.parts = [this.top, this.failures, this.plots.element, this.more, this.glideins.element];
    this.element = el("div", {}, ...this.parts);
  }

  async update(factory) {
    const row = factory.entries.find((one) => one.name === this.name);
    if (!row) {
      this.element.replaceChildren(el("h1", {}, name(this.name)), el("p", { class: "bad" }, "There is no such entry."));
      return;
    }
    if (!this.top.isConnected) this.element.replaceChildren(...this.parts); // it is back
    const history = this.plots.update();
    let told;
    try {
      told = await read(`entry/${part(this.name)}.json`);
    } catch (error) {
      this.top.replaceChildren(this.heading(row), el("p", { class: "quiet" }, `Nothing more is known yet: ${error.message}`));
      return;
    }
    this.top.replaceChildren(this.heading(row, told), ...[
      el("p", { class: "why" }, told.words),
      trouble(told),
      counts(told),
      requests(told),
    ].filter(Boolean));
    this.failures.replaceChildren(...[causes(told), nodes(told)].filter(Boolean));
    const open = this.more.querySelector("details")?.open;
    this.more.replaceChildren(...[refusals(told), limits(told)].filter(Boolean));
    if (open) this.more.querySelector("details").open = true;
    this.glideins.update(told.glideins_ended);
    await history;
  }

  // What `told` says is not said twice.
  heading(row, told) {
    const said = told?.findings.some((one) => one.state !== "ok");
    return el("div", {}, el("p", { class: "path" }, el("a", { href: "#/" }, "Entries"), " / "),
      el("h1", {}, dot(row.level), " ", name(this.name), row.site ? el("small", {}, ` at ${row.site}`) : null),
      said || ["ok", "idle"].includes(row.level) ? null : el("p", { class: `verdict ${row.level}` }, row.words));
  }
}

const LEVEL = { fail: "bad", warn: "warn", ok: "calm" };
// Of these a time is said below, which stays true while the file does not change.
const TIMED = ["back-off", "credential"];
const SAID = ["decision"]; // above

// What keeps the entry from more, in the words of `why`, and what mends it.
function trouble(told) {
  const line = (level, words, mend) => el("li", { class: level }, words, mend ? el("code", { class: "mend" }, mend) : null);
  const items = [
    ...told.findings.filter((one) => one.state !== "ok" && ![...TIMED, ...SAID].includes(one.what))
      .map((one) => line(one.what === "requests" ? "idle" : LEVEL[one.state], one.words, one.mend)),
    ...told.backoffs.map((one) => line("warn", `${one.share} waits after failures (${one.phase}, until ${moment(one.until)}): ${one.why}`)),
    ...told.downtimes.filter((one) => !one.holds).map((one) => line("down",
      `Downtime from ${moment(one.start)} to ${one.end ? moment(one.end) : "no end"}: ${one.comment}`)),
    ...lives(told.requests),
  ];
  return items.length ? el("ul", { class: "problems" }, ...items) : null;

  function lives(requests) {
    const ending = new Map(requests.filter((one) => one.credential?.expires && one.credential.expires < now() + SOON_S)
      .map((one) => [one.credential.identifier, one.credential]));
    return [...ending.values()].map((one) => {
      const left = one.expires - now();
      return line(left > 0 ? "warn" : "bad", `credential ${one.identifier} of ${one.client} `
        + (left > 0 ? `ends in ${span(left)}` : `ended ${span(-left)} ago`), `the Frontend ${one.frontend} has to renew it`);
    });
  }
}

const STATES = [
  ["wait", "in our queue"], ["pending", "waiting at the site"], ["stage_in", "bringing input"], ["idle_other", "idle, the site says else"],
  ["unseen", "submitted, not yet seen"], ["running_now", "running"], ["stage_out", "bringing output"], ["running_other", "running, the site says else"],
];

function counts(told) {
  const has = told.glideins;
  const one = (title, value) => el("div", { class: "sum" }, el("b", {}, number(value)), ` ${title}`);
  const parts = has ? STATES.filter(([name]) => has[name]).map(([name, title]) => `${number(has[name])} ${title}`) : [];
  const there = has ? parts.join(", ") || (has.held ? "" : "no glideins") : "no glideins are known";
  return el("div", {}, passed(told, "queue", told.alive), el("div", { class: "sums" },
    one("running", has?.running), one("idle", has?.idle), one("held", has?.held),
    one("submitted now", told.submit), one("removed now", told.remove)),
  el("p", { class: "quiet" }, [there,
    `decided ${ago(told.decided)}, queue seen ${ago(told.views.queue.taken)}, requests seen ${ago(told.views.requests.taken)}`].filter(Boolean).join("; ")));
}

// What is shown of a view that cannot be trusted now, was true once.
function passed(told, which, alive = true) {
  const view = told.views[which];
  return (alive && view.freshness === "fresh") || !view.taken ? null
    : el("p", { class: "warn" }, `Not known now. It was so ${ago(view.taken)}:`);
}

function requests(told) {
  const known = told.views.requests.freshness === "fresh";
  if (!told.requests.length) {
    return section("Requests", el("p", { class: "quiet" }, known ? "Nobody asks for anything." : "What Frontends ask for is not known."));
  }
  const heads = ["Frontend", "Client", "#Asked idle", "#At most", "#Idle", "#Running", "#Held", "#Submits", "What binds"];
  const rows = told.requests.map((one) => el("tr", {},
    el("td", {}, frontendLink(one.frontend), " ", el("small", {}, one.security_class)),
    el("td", {}, one.client, " ", el("small", {}, one.heard ? `heard ${ago(one.heard)}` : "")),
    el("td", { class: "n" }, number(one.asked.idle)), el("td", { class: "n" }, number(one.asked.max)),
    el("td", { class: "n" }, number(one.has?.idle)), el("td", { class: "n" }, number(one.has?.running)), el("td", { class: "n" }, number(one.has?.held)),
    el("td", { class: "n" }, number(one.submit)),
    el("td", { class: "words", title: one.words }, one.binds ? one.binds.words : one.words, one.remove ? `; removes ${number(one.remove)}: ${one.removal}` : "")));
  return section("Requests", passed(told, "requests"), table(heads, rows));
}

function causes(told) {
  const all = { ...told.ended, causes: told.ended.causes.map((one) => ({ ...one, hours: together(one.hours) })) };
  return failures("Failures by cause", all, told.ended.since, now(), ["Last", "For example"], (one) => [
    el("td", { class: "when" }, moment(one.last)),
    el("td", { class: "words" }, one.sample.glidein, one.sample.node ? [" on ", name(one.sample.node)] : "",
      one.sample.detail ? el("small", { class: "detail" }, one.sample.detail) : null),
  ]);
}

// The nodes that the causes name, each with all that failed there: a black hole stands out.
function nodes(told) {
  const found = new Map();
  for (const cause of told.ended.causes) {
    for (const [node, count] of Object.entries(cause.nodes)) {
      const one = found.get(node) ?? { count: 0, causes: [] };
      one.count += count;
      one.causes.push(`${number(count)} × ${cause.cause}`);
      found.set(node, one);
    }
  }
  const rows = [...found].sort((a, b) => b[1].count - a[1].count).slice(0, 20).map(([node, one]) => el("tr", {},
    el("td", { class: "n" }, number(one.count)), el("td", { class: "node" }, node ? name(node) : el("span", { class: "quiet" }, "not known")),
    el("td", {}, meter(one.count, told.ended.failed)), el("td", { class: "words" }, one.causes.join(", "))));
  return rows.length ? section("Failures by node", table(["#Count", "Node", "Of all failures", "Why"], rows)) : null;
}

function limits(told) {
  const row = (whose, one) => el("tr", {},
    el("td", {}, whose), el("td", {}, one.rule),
    el("td", { class: "n" }, `${number(one.used + one.given)} of ${one.limit === null ? "none" : number(one.limit)}`),
    el("td", {}, one.limit ? meter(one.used + one.given, one.limit) : ""),
    el("td", { class: "words" }, one.words));
  const rows = [
    ...told.bounds.map((one) => row("entry", one)),
    ...Object.entries(told.shares).flatMap(([share, about]) => about.bounds.map((one) => row(share, one))),
  ];
  return rows.length ? section("Limits", el("details", {}, el("summary", {}, `${number(rows.length)} limits of entry, Frontends and classes`),
    table(["Of", "Limit", "#Used", "", "In words"], rows))) : null;
}

export function refusals(told) {
  const rows = told.refusals.map((one) => el("tr", {},
    el("td", { class: "n" }, number(one.count)), el("td", {}, one.client || "–"), el("td", { class: "identity" }, one.identity), el("td", { class: "words" }, one.reason)));
  return rows.length ? section("Requests that are not served", table(["#Count", "Client", "Identity", "Why"], rows)) : null;
}
