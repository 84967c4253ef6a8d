// One person at a time, for a phone or a table of one row: what is missing first, what data filled folded below.
import { icon, make } from "../../look/js/mount.js";
import { clashBox, mark, source } from "./bar.js";
import { tidy } from "./values.js";
import { TONES, words } from "./words.js";

const FEW = 5;

export class Cards {
  constructor(box, cells, acts) {
    this.box = box;
    this.cells = cells;
    this.acts = acts;
    this.rows = [];
    this.key = "";
    this.asked = new Set();  // fields that were missing when the person was opened: they stay where they are
  }

  show(rows) {
    this.rows = rows;
    if (!rows.some((row) => row.key === this.key)) this.key = rows[0]?.key ?? "";
    this.draw();
  }

  get at() { return this.rows.findIndex((row) => row.key === this.key); }

  open(key) {
    this.key = key;
    this.asked.clear();
    this.draw();
    this.box.querySelector("h2")?.focus();
    scrollTo({ top: 0 });
  }

  step(by) {
    const next = this.rows[this.at + by];
    if (next) this.open(next.key);
  }

  draw() {
    const row = this.rows[this.at];
    if (!row) { this.box.replaceChildren(make("p", { class: "cb-note" }, this.cells.missing() ? words.noRows : words.noneMissing)); return; }
    const fields = this.cells.columns.map((_column, place) => place);
    const ask = [];
    const known = [];
    for (const place of fields) {
      const barred = this.cells.barred(row, place);
      const told = this.cells.cell(row, place);
      const wants = !barred && (this.asked.has(place) || this.cells.isMissing(row, place) || told.clash || told.why || told.waiting || told.held === "edited");
      if (wants) this.asked.add(place);
      (wants ? ask : known).push(place);
    }
    ask.sort((a, b) => this.rank(b) - this.rank(a));
    const left = ask.filter((place) => this.cells.isMissing(row, place)).length;
    const head = make("div", { class: "fm-card-head" },
      make("h2", { tabindex: "-1" }, this.cells.name(row) || words.row((row.number ?? 0) + 1)),
      make("span", { class: "cb-quiet cb-small" }, words.person(this.at + 1, this.rows.length)));
    const form = make("div", { class: "fm-card-fields" }, make("p", { class: "cb-quiet cb-small", "data-left": true }, words.toFill(left)), ...ask.map((place) => this.field(row, place)));
    const list = make("details", { class: "fm-card-known" }, make("summary", {}, icon("chevron-down"), words.knownFields(known.length)), make("div", { class: "fm-card-list" }, ...known.map((place) => this.line(row, place))));
    list.open = this.opened ?? ask.length === 0;
    list.addEventListener("toggle", () => { this.opened = list.open; });
    this.box.replaceChildren(head, form, list, this.foot());
  }

  // What must be filled comes first, then what only a person can know.
  rank(place) {
    const column = this.cells.columns[place];
    return (column.required ? 2 : 0) + (column.asks === "answer" ? 1 : 0);
  }

  foot() {
    const button = (label, name, by) => {
      const one = make("button", { type: "button", class: by > 0 ? "btn btn-primary btn-lg" : "btn btn-lg", disabled: !this.rows[this.at + by] });
      if (by > 0) one.append(label, icon(name));
      else one.append(icon(name), label);
      one.addEventListener("click", () => this.step(by));
      return one;
    };
    return make("div", { class: "fm-thumb" }, button(words.previous, "chevron-left", -1), button(words.next, "chevron-right", 1));
  }

  field(row, place) {
    const told = this.cells.cell(row, place);
    const { column } = told;
    const id = `f-${place}`;
    const label = [column.name, column.unit ? make("small", { class: "cb-quiet" }, ` (${column.unit})`) : "", column.required ? make("b", { class: "fm-required" }, "*", make("span", { class: "visually-hidden" }, words.required)) : ""];
    const options = column.options ?? [];
    const write = (value) => { this.cells.write([{ key: row.key, letter: column.letter, value: tidy(value, column) }]); };
    const about = make("div", { class: "cb-field-help", id: `${id}-about` });
    if (TONES[told.state] && told.state !== "missing") about.append(mark(told.state), " ");
    const said = [told.why, told.state === "missing" && told.source ? words.notIn(told.source) : source(told)].filter(Boolean).join(" · ");
    if (said) about.append(said);
    const shell = options.length && options.length <= FEW ? this.radios(id, label, options, told, write) : this.plain(id, label, options, told, column, write);
    if (told.clash) shell.append(clashBox(told, (mine) => { this.acts.choose(row, column.letter, mine); this.draw(); }));
    else if (about.childNodes.length) shell.append(about);
    shell.dataset.spot = `${row.key}\n${column.letter}`;
    return shell;
  }

  radios(id, label, options, told, write) {
    const choices = options.map((one) => {
      const radio = make("input", { type: "radio", name: id, value: one });
      radio.checked = one === told.value;
      radio.addEventListener("change", () => write(one));
      return make("label", { class: "cb-choice" }, radio, make("span", {}, one));
    });
    return make("fieldset", { class: "cb-field" }, make("legend", { class: "cb-field-label form-label" }, ...label), make("div", { class: "fm-card-choices" }, ...choices));
  }

  plain(id, label, options, told, column, write) {
    let input;
    if (options.length) {
      input = make("select", { class: "form-select", id }, make("option", { value: "" }, words.choose), ...options.map((one) => make("option", { value: one }, one)));
    } else {
      const kind = column.kind === "date" && /^(\d{4}-\d{2}-\d{2})?$/.test(told.value) ? "date" : "text";
      input = make("input", { class: "form-control", id, type: kind, inputmode: column.kind === "number" ? "decimal" : false, maxlength: column.most || false, autocomplete: "off", enterkeyhint: "next" });
    }
    input.value = told.value;
    if (told.why) input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", `${id}-about`);
    input.addEventListener("change", () => write(input.value));
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      const all = [...this.box.querySelectorAll(".fm-card-fields input, .fm-card-fields select, .fm-thumb .btn-primary")];
      event.preventDefault();
      all[all.indexOf(input) + 1]?.focus();
    });
    return make("div", { class: "cb-field" }, make("label", { class: "cb-field-label form-label", for: id }, ...label), input);
  }

  line(row, place) {
    const told = this.cells.cell(row, place);
    const value = make("div", { class: "fm-line-value" }, told.state === "no_right" ? words.noRight : told.value || words.empty);
    const line = make("div", { class: "fm-line" }, make("div", { class: "fm-line-name" }, told.column.name), value, make("div", { class: "fm-line-source" }, TONES[told.state] ? mark(told.state) : "", source(told) || (told.column.fixed ? words.auto : "")));
    if (this.acts.mayDispute(row, place)) {
      const button = make("button", { type: "button", class: "btn btn-sm", "aria-label": `${words.dispute}: ${told.column.name}` }, words.dispute);
      button.addEventListener("click", () => this.acts.dispute(row, place, ""));
      line.append(button);
    }
    return line;
  }

  // What others changed comes in place; what is being typed stays.
  redraw(spots) {
    const row = this.rows[this.at];
    if (!row || !spots.some((one) => one.startsWith(`${row.key}\n`))) return;
    const used = this.box.querySelector(".fm-card-fields :focus");
    const field = used?.closest("[data-spot]");
    if (!used || used.type === "radio") {
      const spot = field?.dataset.spot;
      const value = used?.value;
      this.draw();
      if (spot) this.box.querySelector(`[data-spot="${CSS.escape(spot)}"] input[value="${CSS.escape(value ?? "")}"]`)?.focus();
      return;
    }
    for (const old of [...this.box.querySelectorAll("[data-spot]")]) {
      if (old !== field && spots.includes(old.dataset.spot)) old.replaceWith(this.field(row, this.cells.places.get(old.dataset.spot.split("\n")[1])));
    }
    const left = this.cells.columns.filter((_column, place) => this.asked.has(place) && this.cells.isMissing(row, place)).length;
    this.box.querySelector("[data-left]").textContent = words.toFill(left);
  }
}
