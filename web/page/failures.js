// How glideins ended in the last day: by cause, with when, and an example of each.

import { el, meter, moment, number, section, svg, table } from "./dom.js";

const HOURS = 24;
const HOUR_S = 3600;
const BAR = 4; // pixels, with the gap to the next
const HEIGHT = 18;

// Bars of the last day, one for each hour; `hours` has counts by the hour since 1970.
export function hourly(hours, now) {
  const last = Math.floor(now / HOUR_S);
  const counts = Array.from({ length: HOURS }, (_, at) => hours[last - HOURS + 1 + at] ?? 0);
  const most = Math.max(1, ...counts);
  const bars = counts.map((count, at) => {
    const height = count ? Math.max(2, Math.round((count / most) * (HEIGHT - 1))) : 1;
    return svg("rect", { x: at * BAR, y: HEIGHT - height, width: BAR - 1, height, class: count ? "some" : "" });
  });
  const total = counts.reduce((sum, one) => sum + one, 0);
  const at = counts.lastIndexOf(Math.max(...counts));
  const words = total
    ? `${number(total)} in 24 hours, at most ${number(most)} in an hour, ${number(HOURS - 1 - at)} h ago`
    : "none in the last 24 hours";
  return svg("svg", { class: "hours", viewBox: `0 0 ${HOURS * BAR} ${HEIGHT}`, role: "img", "aria-label": words },
    svg("title", {}, words), ...bars);
}

// The hours of all shares together.
export function together(shares) {
  const sums = {};
  for (const hours of Object.values(shares)) {
    for (const [hour, count] of Object.entries(hours)) sums[hour] = (sums[hour] ?? 0) + count;
  }
  return sums;
}

export function sums(ended) {
  return `${number(ended.ended)} ended: ${number(ended.good)} well, ${number(ended.failed)} failed `
    + `(${number(ended.early)} before they were of use), ${number(ended.removed)} removed, ${number(ended.stopped)} by the stop list.`;
}

// `more` has the heads of further columns, and `cells(cause)` their cells.
export function failures(title, ended, since, now, more, cells) {
  const rows = ended.causes.map((one) => el("tr", {},
    el("td", { class: "n" }, number(one.count)),
    el("td", { class: "cause" }, one.cause || el("span", { class: "quiet" }, "not known")),
    el("td", {}, meter(one.count, ended.failed)),
    el("td", {}, hourly(one.hours, now)),
    ...cells(one)));
  if (!ended.ended) return section(title, el("p", { class: "quiet" }, "None ended in the last 24 hours."));
  return section(title, el("p", {}, since ? `Since ${moment(since)}: ` : "In the last 24 hours: ", sums(ended)),
    rows.length ? table(["#Count", "Cause", "Of all failures", "By hour, 24 h", ...more], rows) : null);
}
