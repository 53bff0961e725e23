// The factory's own health: its daemons, its views of the world, credentials.

import { credentials } from "./frontend.js";
import { ago, el, moment, number, section, span, table } from "./dom.js";
import { now } from "./data.js";
import { problems } from "./overview.js";
import { Plots } from "./plots.js";

export class Health {
  constructor() {
    this.title = "Health";
    this.facts = el("div");
    this.plots = new Plots("factory");
    this.element = el("div", {}, el("h1", {}, "The factory"), this.facts, this.plots.element);
  }

  async update(factory) {
    const daemon = (name, told) => el("tr", {}, el("th", { scope: "row" }, name),
      el("td", {}, told ? told.state : "not there"),
      el("td", { class: "n" }, told ? span(told.silent_s) : "–"),
      el("td", { class: "n" }, told ? span(told.cycle_s) : "–"),
      el("td", { class: "n" }, told ? number(told.accidents) : "–"));
    const views = Object.entries(factory.looks).map(([name, look]) => el("tr", {},
      el("th", { scope: "row" }, name),
      el("td", {}, look.taken ? ago(now() - look.taken) : "never"),
      el("td", { class: look.problem ? "bad" : "" }, look.problem || "fresh")));
    this.facts.replaceChildren(...[
      problems(factory),
      section("Daemons",
        el("p", {}, `${factory.state}, process ${factory.pid ?? "–"}, since ${moment(factory.started)}; `
          + `the page took ${span(factory.took_s)} to write.`),
        table(["", "State", "#Last sign", "#Cycle", "#Died lately"], [daemon("views", factory.views), daemon("page", factory.monitor),
          ...factory.daemons.map(([state, count]) => el("tr", {}, el("th", { scope: "row" }, `${number(count)} ${count === 1 ? "entry" : "entries"}`), el("td", { colspan: 4 }, state)))])),
      section("Views that all entries share", table(["View", "Taken", ""], views)),
      credentials(factory.credentials),
      section("For Prometheus", el("p", {}, el("a", { href: "metrics.prom" }, "metrics.prom"))),
    ].filter(Boolean));
    await this.plots.update();
  }
}
