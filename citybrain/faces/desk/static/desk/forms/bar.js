// What the chosen cell says and where that comes from, with what can be done about it.
import { make } from "../../look/js/mount.js";
import { shape } from "./shapes.js";
import { TONES, words } from "./words.js";

export const mark = (state) => make("span", { class: "cb-state", "data-tone": TONES[state] ?? "quiet" }, shape(TONES[state] ?? "quiet"), words.states[state] ?? "");

// Where a value comes from, in words: 人口基本信息 · 截至 2026-11-20.
export const source = (told) => [told.source, told.date ? words.asOf(told.date) : ""].filter(Boolean).join(" · ");

// The two values of a cell that somebody else changed, side by side.
export function clashBox(told, choose) {
  const pick = (label, value, mine) => {
    const button = make("button", { type: "button", class: "btn btn-sm" }, label, make("b", {}, value || words.empty));
    button.addEventListener("click", () => choose(mine));
    return button;
  };
  return make("div", { class: "fm-clash", role: "group", "aria-label": words.clash(told.clash.who) },
    make("span", { class: "fm-clash-who" }, shape("urgent"), words.clash(told.clash.who)), pick(words.mine, told.clash.mine, true), pick(words.theirs, told.clash.theirs, false));
}

export class Bar {
  constructor(box, cells, acts) {
    this.box = box;
    this.cells = cells;
    this.acts = acts;
  }

  show(row, place) {
    if (!row) { this.box.replaceChildren(); return; }
    const told = this.cells.cell(row, place);
    const { column } = told;
    const head = make("div", { class: "fm-bar-name" }, make("b", {}, this.cells.name(row) || words.row((row.number ?? 0) + 1)), make("span", {}, [column.group, column.name].filter(Boolean).join(" › ")));
    const value = make("div", { class: "fm-bar-value" }, told.state === "no_right" ? words.noRight : told.value || make("span", { class: "cb-faint" }, words.empty));
    const from = told.state === "missing" && told.source ? words.notIn(told.source) : source(told);
    const say = told.why || words.says[told.state || told.held] || (told.held === "known" ? words.says.known : "");
    const about = make("div", { class: "fm-bar-about" });
    if (TONES[told.state]) about.append(mark(told.state));
    about.append(make("span", { class: "cb-small cb-quiet" }, [from, say].filter(Boolean).join(" · ")));
    const side = make("div", { class: "fm-bar-side" });
    if (told.clash) about.replaceChildren(clashBox(told, (mine) => this.acts.choose(row, column.letter, mine)));
    else {
      if (this.acts.mayDispute(row, place)) side.append(this.button(words.dispute, () => this.acts.dispute(row, place, "")));
      side.append(this.button(words.history, () => this.acts.history(row, place)));
    }
    this.box.replaceChildren(head, value, about, side);
  }

  button(label, act) {
    const button = make("button", { type: "button", class: "btn btn-sm" }, label);
    button.addEventListener("click", act);
    return button;
  }
}
