// A small line of the last two hours; where nothing is known there is a gap.

import { svg } from "./dom.js";

const WIDTH = 72;
const HEIGHT = 18;

export function trend(values) {
  const known = values.filter((value) => value !== null);
  const most = Math.max(1, ...known);
  const x = (at) => (at / Math.max(1, values.length - 1)) * (WIDTH - 2) + 1;
  const y = (value) => HEIGHT - 2 - (value / most) * (HEIGHT - 4);
  let path = "";
  let broken = true;
  values.forEach((value, at) => {
    if (value === null) {
      broken = true;
      return;
    }
    path += `${broken ? "M" : "L"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
    if (broken && (values[at + 1] ?? null) === null) path += "h2"; // one alone is a point
    broken = false;
  });
  const label = known.length
    ? `running, the last two hours: ${Math.min(...known)} to ${Math.max(...known)}`
    : "running, the last two hours: not known";
  return svg("svg", { class: "trend", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label },
    svg("path", { d: path || "M0 0" }));
}
