// The sheet as a table of cells: only what shows is drawn, so that 2,000 rows of 40 columns scroll as 20 do.
// One input lies over the active cell and always has the focus, so that an input method can begin in any cell.
import { icon, make } from "../../look/js/mount.js";
import { shape } from "./shapes.js";
import { TONES, words } from "./words.js";

const SPARE_ROWS = 6;
const SPARE_COLUMNS = 2;
const GUTTER = 3.25;  // em
const LEAST = 5;
const MOST = 18;

// How wide text is, in em: a Chinese character is one, others about half.
export const wide = (text) => [...String(text)].reduce((sum, sign) => sum + (sign.codePointAt(0) > 0x2e7f ? 1 : 0.58), 0);

export class Grid {
  constructor(box, cells) {
    this.box = box;
    this.cells = cells;
    this.row = 0;        // the active cell, as places in what is shown
    this.column = 0;
    this.anchor = null;  // the other end of the choice
    this.rows = [];      // what is shown, after filters
    this.columns = [];   // places of the columns shown
    this.drawn = new Map();
    this.scroll = make("div", { class: "fm-scroll" });
    this.head = make("div", { class: "fm-head", role: "rowgroup" });
    this.body = make("div", { class: "fm-body", role: "rowgroup" });
    this.table = make("div", { class: "fm-table", role: "grid", "aria-label": box.dataset.label, "aria-multiselectable": "true" }, this.head, this.body);
    this.scroll.append(this.table);
    box.append(this.scroll);
    this.scroll.addEventListener("scroll", () => this.soon(), { passive: true });
    new ResizeObserver(() => { this.measure(); this.draw(true); }).observe(this.scroll);
    this.body.addEventListener("pointerdown", (event) => this.press(event));
    this.body.addEventListener("pointermove", (event) => { if (event.buttons === 1 && this.dragging) this.drag(event); });
    this.body.addEventListener("dblclick", () => this.onOpen?.());
    addEventListener("pointerup", () => { this.dragging = false; });
  }

  // Shows these rows and columns. `keep` holds the active cell where it was.
  show(rows, columns) {
    const was = this.rows[this.row]?.key;
    const wasColumn = this.columns[this.column];
    this.rows = rows;
    this.columns = columns;
    const at = rows.findIndex((row) => row.key === was);
    this.row = at >= 0 ? at : Math.min(this.row, Math.max(0, rows.length - 1));
    this.column = Math.max(0, columns.indexOf(wasColumn));
    this.anchor = null;
    this.measure();
    this.drawHead();
    this.draw(true);
  }

  measure() {
    const style = getComputedStyle(this.box);
    this.em = parseFloat(style.fontSize);
    this.height = Math.round(2.25 * this.em);
    const sample = this.rows.slice(0, 80);
    const frozen = new Set([this.cells.nameAt]);
    this.frozen = this.columns.filter((place) => frozen.has(place));
    this.order = [...this.frozen, ...this.columns.filter((place) => !frozen.has(place) && this.cells.columns[place].asks !== "serial")];
    this.widths = this.order.map((place) => {
      const column = this.cells.columns[place];
      const text = Math.max(wide(column.name) + (column.required ? 1 : 0) + 1.5, wide(column.source ?? "") * 0.86, ...sample.map((row) => wide(row.values[place]) + (TONES[row.marks[place]?.[2]] && row.values[place] ? 5 : 1)));
      return Math.round(Math.min(MOST, Math.max(LEAST, text + 2.2)) * this.em);
    });
    this.gutter = Math.round(GUTTER * this.em);
    this.starts = [];
    let left = this.gutter;
    for (const width of this.widths) { this.starts.push(left); left += width; }
    this.total = left;
    this.still = this.gutter + this.frozen.reduce((sum, _place, at) => sum + this.widths[at], 0);
    this.table.style.width = `${this.total}px`;
    this.body.style.height = `${this.rows.length * this.height}px`;
    this.table.setAttribute("aria-rowcount", this.rows.length + 1);
    this.table.setAttribute("aria-colcount", this.order.length + 1);
  }

  drawHead() {
    const cell = (place, at) => {
      const column = this.cells.columns[place];
      const held = [make("span", { class: "fm-head-name" }, column.name, column.unit ? make("small", {}, ` (${column.unit})`) : "")];
      if (column.required) held[0].append(make("b", { class: "fm-required", title: words.required }, "*", make("span", { class: "visually-hidden" }, words.required)));
      const note = column.source ? `${column.source}${column.as_of ? ` · ${column.as_of.slice(5)}` : ""}` : column.group || (column.asks === "answer" ? "" : words.auto);
      held.push(make("small", { class: "fm-head-note" }, note));
      const title = [column.group, column.name].filter(Boolean).join(" › ") + (column.source ? `\n${words.source}: ${column.source} ${column.as_of ? words.asOf(column.as_of) : ""}` : "");
      return this.place(make("div", { class: "fm-th", role: "columnheader", "aria-colindex": at + 2, title }, ...held), at);
    };
    const corner = make("div", { class: "fm-th fm-gutter", role: "columnheader", "aria-colindex": 1 }, make("span", { class: "visually-hidden" }, words.row("")));
    corner.style.width = `${this.gutter}px`;
    this.headRow = make("div", { class: "fm-tr", role: "row", "aria-rowindex": 1 }, corner, ...this.order.map(cell));
    this.head.replaceChildren(this.headRow);
  }

  // Gives a cell its place: columns that don't move stay at the left.
  place(element, at) {
    element.style.width = `${this.widths[at]}px`;
    if (at < this.frozen.length) {
      element.classList.add("fm-frozen");
      element.style.left = `${this.starts[at]}px`;
    }
    return element;
  }

  soon() {
    if (this.waits) return;
    this.waits = true;
    requestAnimationFrame(() => { this.waits = false; this.draw(); this.onScroll?.(); });
  }

  span() {
    const { scrollTop, scrollLeft, clientHeight, clientWidth } = this.scroll;
    const headed = this.head.offsetHeight;
    const first = Math.max(0, Math.floor(scrollTop / this.height) - SPARE_ROWS);
    const last = Math.min(this.rows.length - 1, Math.ceil((scrollTop + clientHeight - headed) / this.height) + SPARE_ROWS);
    let from = this.frozen.length;
    while (from < this.order.length - 1 && this.starts[from] + this.widths[from] < scrollLeft + this.still) from += 1;
    let until = from;
    while (until < this.order.length - 1 && this.starts[until] < scrollLeft + clientWidth) until += 1;
    return { first, last, from: Math.max(this.frozen.length, from - SPARE_COLUMNS), until: Math.min(this.order.length - 1, until + SPARE_COLUMNS) };
  }

  draw(anew = false) {
    if (!this.widths) return;
    const span = this.span();
    const moved = anew || span.from !== this.was?.from || span.until !== this.was?.until;
    this.was = span;
    if (moved) { this.drawn.clear(); this.body.replaceChildren(); }
    for (const [at, element] of this.drawn) {
      if (at < span.first || at > span.last) { element.remove(); this.drawn.delete(at); }
    }
    const fresh = [];
    for (let at = span.first; at <= span.last; at += 1) {
      if (this.drawn.has(at)) continue;
      const element = this.drawRow(at, span);
      this.drawn.set(at, element);
      fresh.push(element);
    }
    this.body.append(...fresh);
    if (fresh.length) this.markChoice();
  }

  drawRow(at, { from, until }) {
    const row = this.rows[at];
    const line = make("div", { class: "fm-tr", role: "row", "aria-rowindex": at + 2, "data-at": at });
    line.style.top = `${at * this.height}px`;
    line.style.height = `${this.height}px`;
    const gutter = make("div", { class: "fm-td fm-gutter", role: "rowheader", "aria-colindex": 1 }, String((row.number ?? at) + 1));
    gutter.style.width = `${this.gutter}px`;
    line.append(gutter);
    for (let column = 0; column < this.frozen.length; column += 1) line.append(this.drawCell(row, at, column));
    const skip = this.starts[from] - this.still;
    if (skip > 0) {
      const gap = make("div", { class: "fm-gap", role: "presentation" });
      gap.style.width = `${skip}px`;
      line.append(gap);
    }
    for (let column = from; column <= until && from >= this.frozen.length && column < this.order.length; column += 1) line.append(this.drawCell(row, at, column));
    return line;
  }

  drawCell(row, at, column) {
    const place = this.order[column];
    const told = this.cells.cell(row, place);
    const barred = this.cells.barred(row, place);
    const tone = TONES[told.state];
    const element = make("div", {
      class: "fm-td", role: "gridcell", "aria-colindex": column + 2, "aria-rowindex": false, "aria-readonly": barred ? "true" : false,
      "data-column": column, id: `c-${at}-${column}`, "data-state": told.state || false, "data-asked": told.column.asked, "data-barred": barred || false,
      "data-number": told.column.kind === "number", "data-waiting": told.waiting, title: this.title(told),
    });
    element.append(make("span", { class: "fm-value" }, told.state === "no_right" ? "" : told.value));
    if (tone && !(told.state === "missing" && barred)) {
      const word = told.state === "missing" && !told.column.required ? "" : words.states[told.state];
      if (word) element.append(make("span", { class: "fm-mark", "data-tone": tone }, told.state === "no_right" ? icon("lock") : shape(tone), make("span", { class: "fm-mark-word" }, word)));
    }
    return this.place(element, column);
  }

  title(told) {
    const parts = [told.state === "no_right" ? "" : told.value, told.source ? `${words.source}: ${told.source}${told.date ? ` (${words.asOf(told.date)})` : ""}` : "", told.why || words.says[told.state] || ""];
    return parts.filter(Boolean).join("\n") || false;
  }

  // Draws cells again whose words changed; "key\n" alone stands for the row.
  redraw(spots, soft = false) {
    const wanted = new Set(spots);
    const keys = new Set(spots.map((one) => one.split("\n")[0]));
    for (const [at, element] of this.drawn) {
      const row = this.rows[at];
      if (!row || !keys.has(row.key)) continue;
      for (const old of [...element.querySelectorAll("[data-column]")]) {
        const column = Number(old.dataset.column);
        const letter = this.cells.columns[this.order[column]].letter;
        if (!wanted.has(`${row.key}\n${letter}`) && !wanted.has(`${row.key}\n`)) continue;
        const fresh = this.drawCell(row, at, column);
        if (soft) fresh.classList.add("cb-softmark");
        old.replaceWith(fresh);
      }
    }
    this.markChoice();
  }

  chosen() {
    const other = this.anchor ?? { row: this.row, column: this.column };
    return {
      top: Math.min(this.row, other.row), bottom: Math.max(this.row, other.row),
      left: Math.min(this.column, other.column), right: Math.max(this.column, other.column),
    };
  }

  markChoice() {
    const { top, bottom, left, right } = this.chosen();
    const one = top === bottom && left === right;
    for (const [at, line] of this.drawn) {
      line.toggleAttribute("data-current", at === this.row);
      for (const cell of line.querySelectorAll("[data-column]")) {
        const column = Number(cell.dataset.column);
        const inside = at >= top && at <= bottom && column >= left && column <= right;
        cell.toggleAttribute("data-active", at === this.row && column === this.column);
        cell.toggleAttribute("data-chosen", inside && !one);
        cell.setAttribute("aria-selected", String(inside));
      }
    }
    for (const head of this.headRow?.children ?? []) head.toggleAttribute("data-current", Number(head.getAttribute("aria-colindex")) === this.column + 2);
  }

  get activeRow() { return this.rows[this.row]; }
  get activePlace() { return this.order[this.column]; }

  // Moves to a cell; `extend` draws the choice out to it.
  go(row, column, extend = false) {
    if (!this.rows.length) return;
    if (extend) this.anchor ??= { row: this.row, column: this.column };
    else this.anchor = null;
    this.row = Math.max(0, Math.min(this.rows.length - 1, row));
    this.column = Math.max(0, Math.min(this.order.length - 1, column));
    this.reveal();
    this.draw();
    this.markChoice();
    this.onMove?.();
  }

  reveal() {
    const { scroll } = this;
    const headed = this.head.offsetHeight;
    const top = this.row * this.height;
    if (top < scroll.scrollTop) scroll.scrollTop = top;
    else if (top + this.height > scroll.scrollTop + scroll.clientHeight - headed) scroll.scrollTop = top + this.height - (scroll.clientHeight - headed);
    if (this.column < this.frozen.length) return;
    const left = this.starts[this.column];
    const right = left + this.widths[this.column];
    if (left < scroll.scrollLeft + this.still) scroll.scrollLeft = left - this.still;
    else if (right > scroll.scrollLeft + scroll.clientWidth) scroll.scrollLeft = right - scroll.clientWidth;
  }

  // Where the active cell lies within what scrolls.
  boxOf() {
    const frozen = this.column < this.frozen.length;
    return {
      left: this.starts[this.column] + (frozen ? this.scroll.scrollLeft : 0), top: this.head.offsetHeight + this.row * this.height,
      width: this.widths[this.column], height: this.height,
    };
  }

  under(event) {
    const cell = event.target.closest("[data-column]");
    const line = event.target.closest("[data-at]");
    return cell && line ? [Number(line.dataset.at), Number(cell.dataset.column)] : null;
  }

  press(event) {
    const found = this.under(event);
    if (!found || event.button) return;
    event.preventDefault();
    this.dragging = event.pointerType === "mouse";
    this.onLeave?.();
    this.go(...found, event.shiftKey);
    this.onPress?.();
  }

  drag(event) {
    const found = this.under(event);
    if (found && (found[0] !== this.row || found[1] !== this.column)) this.go(...found, true);
  }

  page() { return Math.max(1, Math.floor((this.scroll.clientHeight - this.head.offsetHeight) / this.height) - 1); }
}
