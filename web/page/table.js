// A table that sorts and filters, of a thousand rows and more.
//
// Columns: {title, key, cell(row), sort(row), text(row), class, hint}. Rows that did not change keep
// their elements; only the first ones are drawn at once, the others while the browser is idle.

import { el } from "./dom.js";

const AT_ONCE = 60;
const later = window.requestIdleCallback ?? ((work) => setTimeout(work, 1));

export class Table {
  constructor({ columns, key, sorted, empty, label, nothing = empty }) {
    this.columns = columns;
    this.key = key;
    this.sorted = sorted; // {key, down}
    this.empty = empty; // no row is left by the filter
    this.nothing = nothing; // there is none at all
    this.rows = [];
    this.drawn = new Map(); // by key: {row, said, tr}
    this.texts = new WeakMap(); // by row: what is searched
    this.shows = () => true;
    this.words = [];
    this.turn = 0;
    this.heads = new Map();
    this.body = el("tbody");
    this.none = el("p", { class: "quiet", hidden: true }, empty);
    this.count = el("span", { class: "quiet", role: "status" });
    const head = columns.map((column) => {
      const button = el("button", { type: "button", title: column.hint, click: () => this.sort(column) }, column.title);
      const th = el("th", { scope: "col", class: column.class }, column.sort ? button : column.title);
      this.heads.set(column.key, th);
      return th;
    });
    this.table = el("table", { "aria-label": label, class: label === "Entries" ? undefined : "cards sorted" }, el("thead", {}, el("tr", {}, ...head)), this.body);
    this.element = el("div", { class: "scroll" }, this.table, this.none);
  }

  // Show these rows.
  set(rows) {
    this.rows = rows;
    const keys = new Set(rows.map(this.key));
    for (const [key, one] of this.drawn) {
      if (!keys.has(key)) {
        one.tr.remove();
        this.drawn.delete(key);
      }
    }
    this.draw();
  }

  sort(column) {
    const same = this.sorted.key === column.key;
    this.sorted = { key: column.key, down: same ? !this.sorted.down : (column.down ?? false) };
    this.draw();
  }

  // Show those rows alone that have all words in their text, and for which shows(row) is true.
  filter(text, shows = () => true) {
    this.words = text.toLowerCase().split(/\s+/).filter(Boolean);
    this.shows = shows;
    this.hide();
  }

  draw() {
    const column = this.columns.find((one) => one.key === this.sorted.key);
    const sign = this.sorted.down ? -1 : 1;
    const values = new Map(this.rows.map((row) => [row, column.sort(row)]));
    const order = [...this.rows].sort((a, b) => compare(values.get(a), values.get(b), sign)
      || compare(this.key(a), this.key(b), 1));
    for (const [key, th] of this.heads) {
      if (key === column.key) th.setAttribute("aria-sort", this.sorted.down ? "descending" : "ascending");
      else th.removeAttribute("aria-sort");
    }
    const turn = ++this.turn;
    const go = (from, before) => {
      if (turn !== this.turn || from >= order.length) return;
      const to = from + (from ? 100 : AT_ONCE);
      const last = this.place(order.slice(from, to), before);
      later(() => go(to, last));
    };
    go(0, null);
    this.tally();
  }

  // Put rows behind the element `before`, moving only what is not there yet; return the last one.
  place(rows, before) {
    for (const row of rows) {
      const tr = this.row(row);
      const there = before ? before.nextSibling : this.body.firstChild;
      if (tr !== there) this.body.insertBefore(tr, there);
      tr.hidden = !this.matches(row);
      before = tr;
    }
    return before;
  }

  row(row) {
    const key = this.key(row);
    const said = JSON.stringify(row);
    const known = this.drawn.get(key);
    if (known && known.said === said) {
      known.row = row;
      return known.tr;
    }
    const tr = el("tr", {}, ...this.columns.map((column) => el("td", { class: column.class, "data-label": column.title }, column.cell(row))));
    if (known) {
      const at = [...known.tr.querySelectorAll("a, button")].indexOf(document.activeElement);
      known.tr.replaceWith(tr);
      if (at >= 0) tr.querySelectorAll("a, button")[at]?.focus();
    }
    this.drawn.set(key, { row, said, tr });
    return tr;
  }

  matches(row) {
    if (!this.shows(row)) return false;
    if (!this.words.length) return true;
    const text = this.text(row);
    return this.words.every((word) => text.includes(word));
  }

  text(row) {
    let text = this.texts.get(row);
    if (text === undefined) {
      text = this.columns.map((column) => column.text?.(row) ?? "").join("\n").toLowerCase();
      this.texts.set(row, text);
    }
    return text;
  }

  hide() {
    for (const { row, tr } of this.drawn.values()) {
      const hidden = !this.matches(row);
      if (tr.hidden !== hidden) tr.hidden = hidden;
    }
    this.tally();
  }

  tally() {
    const shown = this.rows.filter((row) => this.matches(row)).length;
    this.none.hidden = shown > 0;
    this.none.textContent = this.rows.length ? this.empty : this.nothing;
    this.count.textContent = shown === this.rows.length ? `${shown}` : `${shown} of ${this.rows.length}`;
  }
}

// Numbers by size, texts by the alphabet; what is not known comes last, whichever the direction.
function compare(a, b, sign) {
  const unknown = (value) => value === null || value === undefined;
  if (unknown(a) || unknown(b)) return unknown(a) - unknown(b);
  if (a === b) return 0;
  return sign * (a < b ? -1 : 1);
}
