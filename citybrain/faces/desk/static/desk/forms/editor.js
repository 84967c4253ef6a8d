// Writing in the grid: keys, input methods, lists of options, blocks pasted from a workbook, and the way back.
import { make } from "../../look/js/mount.js";
import { toast } from "../../look/js/toasts.js";
import { formatBlock, parseBlock, tidy } from "./values.js";
import { words } from "./words.js";

const STEPS_BACK = 200;

export class Editor {
  constructor(grid, cells, acts) {
    this.grid = grid;
    this.cells = cells;
    this.acts = acts;  // dispute(row, place, claimed)
    this.back = [];
    this.typing = false;
    this.deep = false;   // arrows move within the text
    this.input = make("input", { class: "fm-input", type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false" });
    this.list = make("ul", { class: "desk-options fm-options", role: "listbox", hidden: true, id: "fm-options" });
    grid.scroll.append(this.input, this.list);
    grid.onMove = () => { this.rest(); this.acts.moved(); };
    grid.onPress = () => this.input.focus({ preventScroll: true });
    grid.onLeave = () => this.commit();
    grid.onOpen = () => this.begin(true);
    grid.onScroll = () => this.place();
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("input", () => this.typed());
    this.input.addEventListener("compositionstart", () => this.begin());
    this.input.addEventListener("blur", () => { this.commit(); this.hideList(); this.grid.box.toggleAttribute("data-focused", false); });
    this.input.addEventListener("focus", () => { this.leaving = false; this.grid.box.toggleAttribute("data-focused", true); this.place(); });
    this.input.addEventListener("paste", (event) => this.paste(event));
    this.input.addEventListener("copy", (event) => this.copy(event));
    this.input.addEventListener("cut", (event) => { if (this.copy(event)) this.clear(); });
  }

  get column() { return this.cells.columns[this.grid.activePlace]; }

  focus() { this.input.focus({ preventScroll: true }); }

  place() {
    if (!this.grid.rows.length) { this.input.hidden = true; return; }
    this.input.hidden = false;
    const box = this.grid.boxOf();
    for (const [side, value] of Object.entries(box)) this.input.style[side] = `${value}px`;
    this.input.style.width = `${box.width}px`;
    this.list.style.left = `${box.left}px`;
    this.list.style.top = `${box.top + box.height}px`;
    this.list.style.minWidth = `${box.width}px`;
  }

  // Nothing is being typed: the input is empty and lies unseen over the cell, saying what is there.
  rest() {
    this.typing = false;
    this.deep = false;
    this.input.value = "";
    this.input.toggleAttribute("data-typing", false);
    this.hideList();
    this.place();
    const row = this.grid.activeRow;
    if (!row) return;
    const told = this.cells.cell(row, this.grid.activePlace);
    const said = [this.cells.name(row) || words.row(this.grid.row + 1), told.column.name, told.value || words.empty, words.states[told.state] ?? "", told.source];
    this.input.setAttribute("aria-label", said.filter(Boolean).join(", "));
  }

  // Starts writing; with `keep` the cell's value stays to be changed. Returns whether one may.
  begin(keep = false) {
    if (this.typing) { if (keep) this.deep = true; return true; }
    const row = this.grid.activeRow;
    if (!row) return false;
    const place = this.grid.activePlace;
    const barred = this.cells.barred(row, place);
    if (barred) {
      const typed = this.input.value;
      this.input.value = "";
      if (barred === "data") this.acts.dispute(row, place, typed);
      else toast({ closed: words.closed, auto: words.fixed, right: words.noRight }[barred]);
      return false;
    }
    this.typing = true;
    this.deep = keep;
    this.input.toggleAttribute("data-typing", true);
    this.input.inputMode = this.column.kind === "number" ? "decimal" : "text";
    if (keep) { this.input.value = this.cells.cell(row, place).value; this.input.select(); }
    this.showList();
    return true;
  }

  typed() {
    if (!this.typing && !this.begin()) { this.input.value = ""; return; }
    this.showList();
  }

  showList() {
    const options = this.column.options ?? [];
    if (!options.length) return;
    const text = this.input.value.trim();
    const exact = options.includes(text);
    const found = text && !exact ? options.filter((one) => one.includes(text)) : options;
    this.at = Math.max(0, found.indexOf(text));
    this.list.replaceChildren(...found.map((one, at) => {
      const line = make("li", { role: "option", id: `fm-option-${at}`, "aria-selected": String(at === this.at) }, one);
      line.addEventListener("pointerdown", (event) => { event.preventDefault(); this.input.value = one; this.commit(); this.grid.go(this.grid.row + 1, this.grid.column); });
      return line;
    }));
    this.list.hidden = !found.length;
    this.place();
  }

  hideList() { this.list.hidden = true; this.list.replaceChildren(); }

  markList(by) {
    const lines = [...this.list.children];
    this.at = (this.at + by + lines.length) % lines.length;
    lines.forEach((line, at) => line.setAttribute("aria-selected", String(at === this.at)));
    lines[this.at].scrollIntoView({ block: "nearest" });
  }

  commit() {
    if (!this.typing) return;
    this.typing = false;
    const row = this.grid.activeRow;
    const text = tidy(this.input.value, this.column);
    const before = this.cells.cell(row, this.grid.activePlace).value;
    if (text !== before) this.write([{ key: row.key, letter: this.column.letter, value: text }]);
    this.rest();
  }

  write(changes) {
    const before = changes.map(({ key, letter }) => ({ key, letter, value: this.cells.cell(this.cells.byKey.get(key), this.cells.places.get(letter)).value }));
    const made = this.cells.write(changes);
    if (!made.length) return;
    this.back.push(before);
    if (this.back.length > STEPS_BACK) this.back.shift();
  }

  undo() {
    const last = this.back.pop();
    if (last) this.cells.write(last);
  }

  clear() {
    const { top, bottom, left, right } = this.grid.chosen();
    const changes = [];
    for (let at = top; at <= bottom; at += 1) {
      for (let column = left; column <= right; column += 1) {
        const row = this.grid.rows[at];
        const place = this.grid.order[column];
        if (!this.cells.barred(row, place)) changes.push({ key: row.key, letter: this.cells.columns[place].letter, value: "" });
      }
    }
    this.write(changes);
  }

  fillDown() {
    const { top, bottom, left, right } = this.grid.chosen();
    const block = [];
    for (let column = left; column <= right; column += 1) block.push(this.cells.cell(this.grid.rows[top], this.grid.order[column]).value);
    this.put([block], top + 1, left, bottom, right);
  }

  // Writes a block from a corner on; a single value fills all that is chosen.
  put(block, top, left, bottom = top, right = left) {
    const tall = Math.max(block.length, bottom - top + 1);
    const changes = [];
    let left_alone = 0;
    let over = 0;
    for (let down = 0; down < tall; down += 1) {
      const row = this.grid.rows[top + down];
      if (!row) { over += 1; continue; }
      const values = block[down % block.length];
      const width = block.length === 1 && values.length === 1 ? right - left + 1 : values.length;
      for (let on = 0; on < width; on += 1) {
        const place = this.grid.order[left + on];
        if (place === undefined) continue;
        const column = this.cells.columns[place];
        const value = tidy(values[on % values.length], column);
        if (value === this.cells.cell(row, place).value) continue;
        if (this.cells.barred(row, place)) left_alone += 1;
        else changes.push({ key: row.key, letter: column.letter, value });
      }
    }
    this.write(changes);
    const told = [changes.length > 1 || left_alone || over ? words.pasted(changes.length) : "", left_alone ? words.skipped(left_alone) : "", over ? words.tooManyRows(over) : ""];
    if (told.some(Boolean)) toast(told.filter(Boolean).join(words.language === "zh" ? "；" : "; "));
  }

  paste(event) {
    if (this.typing) return;
    event.preventDefault();
    const text = event.clipboardData.getData("text/plain");
    if (!text || !this.grid.rows.length) return;
    const { top, left, bottom, right } = this.grid.chosen();
    const block = parseBlock(text);
    if (block.length === 1 && block[0].length === 1) this.put(block, top, left, bottom, right);
    else this.put(block, top, left);
  }

  copy(event) {
    if (this.typing) return false;
    event.preventDefault();
    const { top, bottom, left, right } = this.grid.chosen();
    const rows = [];
    for (let at = top; at <= bottom; at += 1) {
      const line = [];
      for (let column = left; column <= right; column += 1) {
        const told = this.cells.cell(this.grid.rows[at], this.grid.order[column]);
        line.push(told.state === "no_right" ? "" : told.value);
      }
      rows.push(line);
    }
    event.clipboardData.setData("text/plain", formatBlock(rows));
    return true;
  }

  key(event) {
    if (event.isComposing) return;
    const command = event.ctrlKey || event.metaKey;
    const done = command ? this.command(event) : this.typing ? this.keyTyping(event) : this.keyResting(event);
    if (done) { event.preventDefault(); event.stopPropagation(); }
  }

  command(event) {
    const { grid } = this;
    const ends = { Home: [0, 0], End: [grid.rows.length - 1, grid.order.length - 1], ArrowUp: [0, grid.column], ArrowDown: [grid.rows.length - 1, grid.column], ArrowLeft: [grid.row, 0], ArrowRight: [grid.row, grid.order.length - 1] };
    if (this.typing) return false;
    if (event.key in ends) { grid.go(...ends[event.key], event.shiftKey); return true; }
    const key = event.key.toLowerCase();
    if (key === "z") { this.undo(); return true; }
    if (key === "d") { this.fillDown(); return true; }
    if (key === "a") { grid.go(0, 0); grid.go(grid.rows.length - 1, grid.order.length - 1, true); return true; }
    return false;
  }

  keyTyping(event) {
    const { grid } = this;
    if (!this.list.hidden && (event.key === "ArrowDown" || event.key === "ArrowUp")) { this.markList(event.key === "ArrowDown" ? 1 : -1); return true; }
    if (event.key === "Escape") { this.rest(); return true; }
    if (event.key === "Enter" || event.key === "Tab") {
      if (!this.list.hidden && this.list.children[this.at] && this.input.value.trim()) this.input.value = this.list.children[this.at].textContent;
      const { row, column } = grid;
      this.commit();
      this.step(event, row, column);
      return true;
    }
    if (!this.deep && /^Arrow/.test(event.key)) { this.commit(); return this.keyResting(event); }
    return false;
  }

  step(event, row, column) {
    const by = event.shiftKey ? -1 : 1;
    if (event.key === "Enter") this.grid.go(row + by, column);
    else {
      const at = row * this.grid.order.length + column + by;
      this.grid.go(Math.floor(at / this.grid.order.length), ((at % this.grid.order.length) + this.grid.order.length) % this.grid.order.length);
    }
  }

  keyResting(event) {
    const { grid } = this;
    const page = grid.page();
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], PageUp: [-page, 0], PageDown: [page, 0] };
    if (event.key in moves) { grid.go(grid.row + moves[event.key][0], grid.column + moves[event.key][1], event.shiftKey); return true; }
    if (event.key === "Tab") {
      const last = event.shiftKey ? grid.row === 0 && grid.column === 0 : grid.row === grid.rows.length - 1 && grid.column === grid.order.length - 1;
      if (last || this.leaving) return false;  // out of the table, as the keyboard must always let one
      this.step(event, grid.row, grid.column);
      return true;
    }
    if (event.key === "Enter") { if (event.shiftKey || this.cells.barred(grid.activeRow, grid.activePlace)) this.step(event, grid.row, grid.column); else this.begin(true); return true; }
    if (event.key === "Home") { grid.go(grid.row, 0, event.shiftKey); return true; }
    if (event.key === "End") { grid.go(grid.row, grid.order.length - 1, event.shiftKey); return true; }
    if (event.key === "F2") { this.begin(true); return true; }
    if (event.key === "Delete" || event.key === "Backspace") { this.clear(); return true; }
    if (event.key === "Escape") { this.leaving = true; return true; }
    return false;
  }
}
