// History: requests against what runs, what ended, and where the time of glideins went.

import { part, read } from "./data.js";
import { el, span } from "./dom.js";

// Name, title, and into how long steps (seconds) what was added is summed up.
const RANGES = [["hours", "8 hours", 900], ["days", "9 days", 7_200], ["weeks", "12 weeks", 86_400], ["year", "1 year", 7 * 86_400]];
const AGAIN_MS = 240_000;

// Each line: column, what it is called, its colour in page.css, dashed, filled.
const PLOTS = [
  { title: "Requests and glideins", step: false, lines: [
    ["asked_max", "asked at most", "--line-quiet", true],
    ["asked_idle", "asked idle", "--line-asked", true],
    ["running", "running", "--line-running", false, true],
    ["idle", "idle", "--line-idle"],
    ["held", "held", "--line-held"],
  ] },
  { title: "Glideins that ended", step: true, optional: true, lines: [
    ["ended", "all", "--line-running"],
    ["failed", "failed", "--line-held", false, true],
  ] },
  { title: "Glidein hours that ended: where they went", step: true, optional: true, hours: true, lines: [
    ["total_s", "all", "--line-quiet", true],
    ["job_s", "jobs", "--line-running", false, true],
    ["idle_s", "idle", "--line-idle"],
    ["validation_s", "before HTCondor ran", "--line-asked"],
    ["waste_s", "without a job that ended well", "--line-held"],
  ] },
];

// Sum up what was added in longer steps; where nothing is known of a whole step, neither is its sum.
function summed(values, start, step, first, width, count, unit) {
  const sums = new Array(count).fill(null);
  values.forEach((value, at) => {
    if (value === null) return;
    const place = Math.floor((start + at * step - first) / width);
    sums[place] = (sums[place] ?? 0) + value / unit;
  });
  return sums;
}

// A time on the axis: the hour, or where a day begins, the day.
function clock(epoch) {
  const [day, hour] = new Date(epoch * 1000).toLocaleString("sv-SE").split(" ");
  return hour.startsWith("00:00") ? day.slice(5) : hour.slice(0, 5);
}

// A number on the axis: 1.5K, 120K.
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const short = (value) => (value === null ? "" : compact.format(value));

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export class Plots {
  constructor(name) {
    this.base = ["history", ...name.split("/").map(part)].join("/");
    this.range = "hours";
    this.read = 0;
    this.made = [];
    this.said = el("p", { class: "quiet", role: "status" });
    this.place = el("div", { class: "plots" });
    this.buttons = RANGES.map(([range, title]) => el("button", {
      type: "button", class: "chip", "aria-pressed": String(range === this.range), click: () => this.choose(range),
    }, title));
    this.element = el("section", {}, el("h2", {}, "History"),
      el("div", { class: "chips", role: "group", "aria-label": "How long" }, ...this.buttons), this.said, this.place);
    new ResizeObserver(() => this.fit()).observe(this.place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  choose(range) {
    this.range = range;
    this.buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(RANGES[at][0] === range)));
    this.read = 0;
    return this.update();
  }

  async update() {
    if (this.read && performance.now() - this.read < AGAIN_MS) return;
    const range = this.range;
    try {
      const told = await read(`${this.base}.${range}.json`);
      if (range !== this.range) return;
      this.told = told;
      this.read = performance.now();
      this.said.textContent = told.columns.running ? "" : "Nothing was noted of this time yet.";
      this.draw();
    } catch (error) {
      this.said.textContent = `No history yet: ${error.message}`;
    }
  }

  draw() {
    for (const one of this.made) one.destroy();
    this.made = [];
    this.place.replaceChildren();
    if (!this.told?.columns.running) return;
    const { start, step_s: step, columns } = this.told;
    const [, , long] = RANGES.find(([range]) => range === this.range);
    for (const plot of PLOTS) {
      const width = plot.step ? Math.max(step, long) : step;
      const times = [];
      for (let at = Math.floor(start / width) * width; at < start + step * columns.running.length; at += width) times.push(at);
      const all = plot.lines.map(([name]) => (plot.step
        ? summed(columns[name], start, step, times[0], width, times.length, plot.hours ? 3600 : 1) : columns[name]));
      const known = all.some((values) => values.some((value) => value !== null));
      if (!known && plot.optional) continue;
      const box = el("figure", {}, el("figcaption", {}, plot.title, plot.step ? `, in ${span(width)}` : ""));
      this.place.append(box);
      if (!known) {
        box.append(el("p", { class: "quiet" }, "Nothing is known of this time."));
        continue;
      }
      this.made.push(this.plot(plot, [times, ...all], box));
    }
  }

  plot(plot, data, box) {
    const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--rule"), width: 1 }, ticks: { stroke: colour("--rule"), width: 1 }, font: "11px system-ui, sans-serif" };
    const options = {
      width: this.width(), height: 200,
      scales: { x: { range: () => [this.told.written - this.told.length_s, this.told.written] }, y: { range: (_, low, high) => [0, Math.max(1, high ?? 1) * 1.05] } },
      axes: [{ ...axis, values: (_, all) => all.map(clock) }, { ...axis, size: 48, values: (_, all) => all.map(short) }],
      cursor: { points: { size: 6 }, drag: { x: true, y: false } },
      legend: { live: true },
      series: [{ value: "{YYYY}-{MM}-{DD} {HH}:{mm}" }, ...plot.lines.map(([, label, name, dashed, filled]) => ({
        label, stroke: colour(name), width: 1.5, dash: dashed ? [4, 3] : undefined,
        fill: filled ? `${colour(name)}22` : undefined, spanGaps: false,
        paths: plot.step ? window.uPlot.paths.stepped({ align: 1 }) : undefined,
        points: { show: (self, at, from, to) => to - from < 3 },
        value: (_, value) => (value === null || value === undefined ? "–" : Number(value.toFixed(1)).toLocaleString("en")),
      }))],
    };
    return new window.uPlot(options, data, box);
  }

  width() {
    const style = getComputedStyle(this.place);
    const columns = style.gridTemplateColumns.split(" ").length;
    const gap = parseFloat(style.columnGap) || 0;
    return Math.max(200, Math.floor((this.place.clientWidth - gap * (columns - 1)) / columns));
  }

  fit() {
    const width = this.width();
    for (const one of this.made) if (one.width !== width) one.setSize({ width, height: 200 });
  }
}
