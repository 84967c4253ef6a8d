// A sheet in memory: its columns, rows, what each cell says and where that comes from; what was changed here and not
// yet sent, and what somebody else changed meanwhile. Knows nothing of the page.
const AUTOMATIC = new Set(["serial", "formula", "area", "filler"]);
const FROM_DATA = new Set(["known", "stale", "conflict", "disputed"]);

export const newId = () => {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
};

export const spot = (key, letter) => `${key}\n${letter}`;

export class Cells extends EventTarget {
  constructor() {
    super();
    this.columns = [];
    this.rows = [];
    this.byKey = new Map();
    this.places = new Map();
    this.stamp = 0;
    this.open = false;
    this.marks = [];
    this.waiting = new Map();   // spot → the edit that is not with the server yet
    this.clashes = new Map();   // spot → {mine, theirs, who, stamp}
    this.wrong = new Map();     // spot → {value, why}
    this.order = 0;
    this.settled = [];          // edits kept on this device that need not be kept any longer
  }

  tell(name, detail = {}) { this.dispatchEvent(new CustomEvent(name, { detail })); }

  // Takes the whole sheet as the server tells it.
  load(data) {
    this.columns = data.columns;
    this.places = new Map(data.columns.map((column, place) => [column.letter, place]));
    this.nameAt = Math.max(0, data.columns.findIndex((column) => column.title));
    this.rows = [];
    this.byKey.clear();
    this.took(data);
    this.tell("loaded");
  }

  // Takes rows as they are now; returns the spots whose value is another than before.
  took(data) {
    const changed = [];
    for (const one of data.rows) {
      const row = { key: one.k, values: one.v, marks: one.m.map((number) => (number < 0 ? null : data.marks[number])), stamps: one.s ?? {} };
      const old = this.byKey.get(row.key);
      if (old) {
        row.values.forEach((value, place) => { if (value !== old.values[place]) changed.push(spot(row.key, this.columns[place].letter)); });
        Object.assign(old, row);
      } else {
        this.byKey.set(row.key, row);
        const at = one.p ?? this.rows.length;
        row.position = at;
        this.rows.push(row);
        changed.push(spot(row.key, ""));
      }
    }
    for (const key of data.removed ?? []) {
      if (!this.byKey.delete(key)) continue;
      this.rows = this.rows.filter((row) => row.key !== key);
      changed.push(spot(key, ""));
    }
    this.rows.sort((a, b) => a.position - b.position);
    this.stamp = Math.max(this.stamp, data.stamp ?? 0);
    if (data.open !== undefined) this.open = data.open;
    if (data.state) this.state = data.state;
    return changed;
  }

  // All that is to be said of a cell.
  cell(row, place) {
    const column = this.columns[place];
    const at = spot(row.key, column.letter);
    const [source, date, state] = row.marks[place] ?? ["", "", ""];
    const edit = this.waiting.get(at);
    const wrong = this.wrong.get(at);
    const value = edit ? edit.value : wrong ? wrong.value : row.values[place];
    const clash = this.clashes.get(at);
    let shown = edit ? "edited" : state || (value === "" ? "missing" : "");
    if (shown === "none") shown = "";
    if (shown === "missing" && (value !== "" || AUTOMATIC.has(column.asks))) shown = value === "" ? "" : "edited";
    if (value === "" && shown === "edited") shown = "missing";
    if (value === "" && shown === "missing" && AUTOMATIC.has(column.asks)) shown = "";
    if (wrong) shown = "bad";
    if (clash) shown = "clash";
    if (state === "none" && value === "" && !edit && !wrong && !clash) shown = "none";
    return { column, value, state: shown, held: state, source, date, waiting: Boolean(edit), clash, why: wrong?.why ?? "" };
  }

  name(row) { return row.values[this.nameAt] || ""; }

  // Whether a person may write here; else why not: "closed", "auto", "right", "data".
  barred(row, place) {
    if (!this.open) return "closed";
    const column = this.columns[place];
    if (AUTOMATIC.has(column.asks) || column.fixed) return "auto";
    const state = row.marks[place]?.[2];
    if (state === "no_right" && column.asks !== "count") return "right";
    if (column.asks === "data" && FROM_DATA.has(state) && row.values[place] !== "") return "data";
    return "";
  }

  isMissing(row, place) {
    const column = this.columns[place];
    if (AUTOMATIC.has(column.asks) || column.fixed) return false;
    const { value, state } = this.cell(row, place);
    if (column.asks === "count" && state === "no_right") return value === "";
    return value === "" && !["no_right", "clash", "none"].includes(state) && (column.asked || column.asks === "answer" || state === "missing");
  }

  missing() {
    let count = 0;
    for (const row of this.rows) this.columns.forEach((column, place) => { if (column.asked && this.isMissing(row, place)) count += 1; });
    return count;
  }

  // A row of one's own: known to the server by the key that is made here.
  addRow(key) {
    const row = { key, values: this.columns.map(() => ""), marks: this.columns.map(() => null), stamps: {}, position: (this.rows.at(-1)?.position ?? 0) + 1 };
    this.byKey.set(key, row);
    this.rows.push(row);
    this.ofRow(key, "add");
  }

  removeRow(key) {
    this.byKey.delete(key);
    this.rows = this.rows.filter((row) => row.key !== key);
    this.ofRow(key, "remove");
  }

  ofRow(key, value) {
    this.tell("written", { edits: [{ client: newId(), row: key, letter: "", value, base: this.stamp, at: Date.now(), order: this.order += 1 }] });
  }

  // Writes cells: [{key, letter, value}]. Returns the edits that are to be kept and sent.
  write(changes) {
    const made = [];
    for (const { key, letter, value } of changes) {
      const at = spot(key, letter);
      const row = this.byKey.get(key);
      const place = this.places.get(letter);
      const text = String(value).trim();
      if (!row || text === this.cell(row, place).value) continue;
      const before = this.waiting.get(at);
      const edit = before && !before.tried
        ? { ...before, value: text }
        : { client: newId(), row: key, letter, value: text, base: this.stamp, at: Date.now(), order: this.order += 1, after: before?.client };
      this.waiting.set(at, edit);
      this.settle(at);
      made.push(edit);
    }
    if (made.length) this.tell("written", { edits: made });
    return made;
  }

  settle(at) {
    for (const held of [this.wrong, this.clashes]) {
      if (held.get(at)?.client) this.settled.push(held.get(at).client);
      held.delete(at);
    }
  }

  // The sheet as `load` takes it, for keeping on this device.
  dump() {
    const marks = [];
    const known = new Map();
    const number = (mark) => {
      if (!mark) return -1;
      const key = mark.join("\n");
      if (!known.has(key)) { known.set(key, marks.length); marks.push(mark); }
      return known.get(key);
    };
    const rows = this.rows.map((row) => ({ k: row.key, p: row.position, v: row.values, m: row.marks.map(number), s: row.stamps }));
    return { columns: this.columns, rows, marks, stamp: this.stamp, open: this.open, state: this.state };
  }

  // Puts edits that were kept on this device back.
  restore(edits) {
    for (const edit of edits) {
      const at = spot(edit.row, edit.letter);
      this.order = Math.max(this.order, edit.order ?? 0);
      if (edit.letter === "") { this.restoreRow(edit); continue; }
      if (edit.refused) this.wrong.set(at, { value: edit.value, why: edit.refused, client: edit.client });
      else if (edit.clash) this.clashes.set(at, { mine: edit.value, client: edit.client, ...edit.clash });
      else this.waiting.set(at, edit);
    }
  }

  restoreRow(edit) {
    if (edit.refused || edit.clash) return;
    if (edit.value === "remove") {
      this.byKey.delete(edit.row);
      this.rows = this.rows.filter((row) => row.key !== edit.row);
    } else if (edit.value === "add" && !this.byKey.has(edit.row)) {
      const row = { key: edit.row, values: this.columns.map(() => ""), marks: this.columns.map(() => null), stamps: {}, position: (this.rows.at(-1)?.position ?? 0) + 1 };
      this.byKey.set(edit.row, row);
      this.rows.push(row);
    }
  }

  // Takes the server's word on one edit. Returns "done", "clash" or "refused".
  answered(edit, result) {
    const at = spot(edit.row, edit.letter);
    const now = this.waiting.get(at);
    const latest = now?.client === edit.client;
    if (latest) this.waiting.delete(at);
    else if (now && result.stamp) now.base = Math.max(now.base, result.stamp);
    const row = this.byKey.get(edit.row);
    const place = this.places.get(edit.letter);
    if (result.outcome === "applied") {
      if (row && place !== undefined) {
        row.values[place] = result.value ?? edit.value;
        row.marks[place] = result.mark ?? ["", "", row.values[place] === "" ? "missing" : "edited"];
        row.stamps[edit.letter] = result.stamp;
      }
      this.stamp = Math.max(this.stamp, result.stamp ?? 0);
      return "done";
    }
    if (edit.letter === "") return result.outcome === "refused" ? "refused" : "done";
    if (result.outcome === "conflict") {
      if (row && place !== undefined) {
        row.values[place] = result.value ?? "";
        if (result.mark) row.marks[place] = result.mark;
      }
      if (latest) this.clashes.set(at, { mine: edit.value, theirs: result.value ?? "", who: result.by ?? "", stamp: result.stamp ?? this.stamp, client: edit.client });
      return "clash";
    }
    if (latest) this.wrong.set(at, { value: edit.value, why: result.message ?? "", client: edit.client });
    return "refused";
  }

  // The person chose between their value and the other's.
  choose(key, letter, mine) {
    const at = spot(key, letter);
    const clash = this.clashes.get(at);
    if (!clash) return;
    this.settle(at);
    this.stamp = Math.max(this.stamp, clash.stamp);
    if (mine) this.write([{ key, letter, value: clash.mine }]);
    else this.tell("written", { edits: [] });
  }
}
