// The glideins that ended last: how, where their time went, and what they wrote.

import { part, read } from "./data.js";
import { el, moment, number, section, span, table } from "./dom.js";

const COLOURS = 8; // of phases, in page.css

// The phases with what each took; of "run", the time before the first job apart, where it is known.
function parts(one) {
  const all = Object.entries(one.phases_ms ?? {});
  if (typeof one.before_job_s !== "number" || !(one.jobs > 0)) return all;
  let left = one.before_job_s * 1000;
  return all.flatMap(([name, ms]) => {
    const before = Math.min(Math.max(left, 0), ms);
    left -= ms;
    return name === "run" && before ? [["first job after", before], [name, ms - before]] : [[name, ms]];
  });
}

// A bar of the phases, as long as each took; "run" is most of it, and the others stay visible.
export function bar(one) {
  const all = parts(one);
  if (!all.length) return el("span", { class: "quiet" }, "not known");
  const words = all.map(([name, ms]) => `${name} ${span(ms / 1000)}`).join(", ");
  const drawn = all.map(([name, ms], at) => {
    const piece = el("span", { class: name === "run" ? "phase run" : `phase p${at % COLOURS}`, title: `${name} ${span(ms / 1000)}` });
    piece.style.flexGrow = String(Math.max(ms, 1));
    return piece;
  });
  return el("span", { class: "bar", role: "img", "aria-label": words, title: words }, ...drawn);
}

export class Glideins {
  constructor(entry) {
    this.entry = entry;
    this.open = new Map(); // by glidein: the row of its log
    this.note = el("p", { class: "quiet" });
    const heads = ["Ended", "Glidein", "Node", "How", "Phases", "#Time", "#Jobs", "Log"];
    const made = table(heads, []);
    made.firstChild.classList.add("glideins");
    this.body = made.querySelector("tbody");
    this.table = made;
    this.element = section("Glideins that ended last", this.note, made);
  }

  update(glideins) {
    const said = JSON.stringify(glideins);
    if (said === this.said) return;
    this.said = said;
    this.table.hidden = !glideins.length;
    this.note.textContent = glideins.length ? "Logs are cut to their end, and without what may be a secret." : "None of late.";
    this.body.replaceChildren(...glideins.flatMap((one) => {
      const log = this.open.get(one.glidein);
      return log ? [this.row(one), log] : [this.row(one)];
    }));
  }

  row(one) {
    const open = this.open.has(one.glidein);
    const button = el("button", { type: "button", class: "chip", "aria-expanded": String(open), "aria-label": `Log of ${one.glidein}` }, "log");
    const tr = el("tr", {},
      el("td", {}, moment(one.ended)),
      el("td", {}, one.glidein, " ", el("small", {}, one.client)),
      el("td", {}, one.node ?? "–"),
      el("td", { class: one.good ? "good" : one.removed ? "" : "bad" }, one.cause, one.code === undefined ? null : ` (${one.code})`,
        one.detail ? el("small", { class: "detail" }, one.detail) : null),
      el("td", {}, bar(one)),
      el("td", { class: "n" }, span(one.total_s)),
      el("td", { class: "n" }, number(one.jobs)),
      el("td", {}, one.log ? button : el("span", { class: "quiet" }, "–")));
    button.addEventListener("click", () => this.toggle(one.glidein, tr, button));
    return tr;
  }

  async toggle(glidein, tr, button) {
    if (this.open.has(glidein)) {
      this.open.get(glidein).remove();
      this.open.delete(glidein);
      button.setAttribute("aria-expanded", "false");
      return;
    }
    const cell = el("td", { colspan: 8 }, "Reading …");
    const row = el("tr", { class: "log" }, cell);
    this.open.set(glidein, row);
    button.setAttribute("aria-expanded", "true");
    tr.after(row);
    try {
      const { logs } = await read(`glidein/${part(this.entry)}/${part(glidein)}.json`);
      cell.replaceChildren(...Object.entries(logs).map(([name, text], at) =>
        el("details", { open: at < 2 }, el("summary", {}, name), el("pre", { tabindex: "0" }, text))));
    } catch (error) {
      cell.textContent = `Its log cannot be read: ${error.message}`;
    }
  }
}
