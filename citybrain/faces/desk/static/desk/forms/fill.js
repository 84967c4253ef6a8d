// The page of one sheet: table or cards, filters, what is saved, disputes, changes and signing.
import { ask } from "../../look/js/dialogs.js";
import { make, mount } from "../../look/js/mount.js";
import { toast } from "../../look/js/toasts.js";
import { Bar, source } from "./bar.js";
import { Cards } from "./cards.js";
import { Cells, newId } from "./cells.js";
import { Editor } from "./editor.js";
import { Grid } from "./grid.js";
import { Sending } from "./sending.js";
import { words } from "./words.js";

const PHONE = matchMedia("(max-width: 48rem)");
const DISPUTABLE = new Set(["known", "stale", "conflict"]);

mount("[data-sheet]", (box) => {
  const find = (name) => box.querySelector(`[data-fm="${name}"]`);
  const cells = new Cells();
  const sending = new Sending(cells, box);
  const acts = {
    mayDispute: (row, place) => {
      const column = cells.columns[place];
      return Boolean(box.dataset.dispute) && column.asks === "data" && DISPUTABLE.has(row.marks[place]?.[2]) && row.values[place] !== "";
    },
    dispute: (row, place, claimed) => dispute(row, place, claimed),
    history: (row, place) => history(row, place),
    choose: (row, letter, mine) => { cells.choose(row.key, letter, mine); refresh([`${row.key}\n${letter}`]); },
    moved: () => bar.show(grid.activeRow, grid.activePlace),
  };
  const grid = new Grid(find("grid"), cells);
  const bar = new Bar(find("bar"), cells, acts);
  const editor = new Editor(grid, cells, acts);
  const cards = new Cards(find("cards"), cells, acts);
  const filters = { text: "", missing: false, marks: false };
  let view = "";

  // --- what is shown ---

  function rows() {
    const text = filters.text.trim().toLowerCase();
    return cells.rows.filter((row, at) => {
      row.number = at;
      if (filters.kept?.has(row.key)) return true;
      if (text && !row.values.some((value, place) => row.marks[place]?.[2] !== "no_right" && String(value).toLowerCase().includes(text))) return false;
      if (filters.missing && !cells.columns.some((_column, place) => cells.isMissing(row, place))) return false;
      return !filters.marks || cells.columns.some((_column, place) => ["stale", "conflict", "disputed", "clash", "bad"].includes(cells.cell(row, place).state));
    });
  }

  function columns(shown) {
    const all = cells.columns.map((_column, place) => place);
    if (!filters.missing) return all;
    return all.filter((place) => place === cells.nameAt || shown.some((row) => cells.isMissing(row, place)));
  }

  function show() {
    filters.kept = null;
    const shown = rows();
    if (filters.missing) filters.kept = new Set(shown.map((row) => row.key));  // a row stays while it is being filled
    if (view === "grid") { grid.show(shown, columns(shown)); editor.rest(); bar.show(grid.activeRow, grid.activePlace); find("none").hidden = shown.length > 0; } else cards.show(shown);
    find("rows").textContent = words.rowsShown(shown.length, cells.rows.length);
    count();
  }

  function refresh(spots, others = false) {
    if (spots.some((one) => one.endsWith("\n"))) { show(); return; }
    if (view === "grid") { grid.redraw(spots, others); bar.show(grid.activeRow, grid.activePlace); } else cards.redraw(spots);
    count();
  }

  let counting = 0;
  function count() {
    cancelAnimationFrame(counting);
    counting = requestAnimationFrame(() => {
      const missing = cells.missing();
      const left = find("missing");
      left.textContent = missing ? words.missing(missing) : words.complete;
      left.dataset.left = missing;
      find("clashes").textContent = [cells.clashes.size ? words.clashes(cells.clashes.size) : "", cells.wrong.size ? words.wrong(cells.wrong.size) : ""].filter(Boolean).join(" · ");
      find("clashes").hidden = !cells.clashes.size && !cells.wrong.size;
      box.toggleAttribute("data-open-sheet", cells.open);
      for (const one of box.querySelectorAll("[data-needs-open]")) one.hidden = !cells.open;
    });
  }

  function choose(next, keep = false) {
    view = next;
    find("grid").hidden = view !== "grid";
    find("bar").hidden = view !== "grid";
    find("cards").hidden = view !== "cards";
    if (view === "cards") find("none").hidden = true;
    for (const button of box.querySelectorAll("[data-view]")) button.setAttribute("aria-pressed", String(button.dataset.view === view));
    if (keep) sessionStorage.setItem("forms:view", view);
    if (cells.columns.length) show();
  }

  for (const button of box.querySelectorAll("[data-view]")) button.addEventListener("click", () => { choose(button.dataset.view, true); if (view === "grid") editor.focus(); });
  find("search").addEventListener("input", (event) => { filters.text = event.target.value; show(); });
  find("only-missing").addEventListener("change", (event) => { filters.missing = event.target.checked; show(); });
  find("only-marks").addEventListener("change", (event) => { filters.marks = event.target.checked; show(); });
  find("clashes").addEventListener("click", () => {
    const [key, letter] = [...cells.clashes.keys(), ...cells.wrong.keys()][0]?.split("\n") ?? [];
    if (!key) return;
    Object.assign(filters, { text: "", missing: false, marks: false });
    find("search").value = "";
    find("only-missing").checked = false;
    find("only-marks").checked = false;
    show();
    go(key, letter);
  });

  function go(key, letter) {
    if (view === "cards") { cards.open(key); return; }
    const row = grid.rows.findIndex((one) => one.key === key);
    const column = grid.order.indexOf(cells.places.get(letter));
    if (row < 0) return;
    grid.go(row, Math.max(0, column));
    editor.focus();
  }

  // A sheet opens at the first cell that is asked for.
  function begin() {
    for (const row of grid.rows) {
      const place = grid.order.find((one) => cells.columns[one].asked && !cells.barred(row, one) && cells.isMissing(row, one));
      if (place !== undefined) { go(row.key, cells.columns[place].letter); return; }
    }
    editor.focus();
  }

  // --- what is saved ---

  const status = find("status");
  cells.addEventListener("status", ({ detail }) => {
    status.dataset.state = detail.state;
    const at = sending.at?.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
    const said = {
      ready: words.ready, saving: words.saving, saved: at ? words.saved(at) : words.ready, closed: words.closed,
      offline: detail.waiting ? words.waiting(detail.waiting) : words.offline, signedOut: words.signedOut(detail.waiting),
    }[detail.state];
    if (status.textContent !== said) status.textContent = said;
  });
  cells.addEventListener("written", ({ detail }) => refresh(detail.edits.map((edit) => `${edit.row}\n${edit.letter}`)));
  cells.addEventListener("changed", ({ detail }) => {
    refresh(detail.spots, detail.others);
    if (detail.others && detail.spots.length) toast(words.changedByOthers(detail.spots.length));
  });
  cells.addEventListener("arrived", ({ detail }) => toast(words.sent(detail.count), { tone: "done" }));
  addEventListener("beforeunload", () => { editor.commit(); sending.flush(); });

  // --- rows ---

  find("add")?.addEventListener("click", () => {
    const key = `n${newId().replaceAll("-", "")}`;
    cells.addRow(key);
    show();
    go(key, cells.columns[cells.nameAt].letter);
  });
  find("remove")?.addEventListener("click", async () => {
    const row = view === "grid" ? grid.activeRow : cards.rows[cards.at];
    if (!row) return;
    const name = cells.name(row) || words.row((row.number ?? 0) + 1);
    if (!await ask(words.removeAsk(name), { danger: true })) return;
    cells.removeRow(row.key);
    show();
    toast(words.removed(name));
  });

  // --- disputes and changes ---

  const dialog = document.getElementById("fm-dispute");
  let disputed = null;
  function dispute(row, place, claimed) {
    if (!acts.mayDispute(row, place)) { toast(words.byData); return; }
    const told = cells.cell(row, place);
    disputed = { row, place };
    dialog.querySelector("[data-what]").textContent = [cells.name(row), told.column.name].filter(Boolean).join(" · ");
    dialog.querySelector("[data-held]").textContent = told.value;
    dialog.querySelector("[data-source]").textContent = source(told);
    dialog.querySelector("[data-error]").hidden = true;
    const form = dialog.querySelector("form");
    form.reset();
    form.elements.claimed.value = claimed;
    dialog.showModal();
    form.elements.claimed.focus();
  }
  dialog?.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = event.target;
    const letter = cells.columns[disputed.place].letter;
    const body = JSON.stringify({ row: disputed.row.key, letter, claimed: form.elements.claimed.value, note: form.elements.note.value });
    const button = form.querySelector("button[type=submit]");
    button.disabled = true;
    try {
      await sending.flush();
      const { status: code, data } = await sending.json(box.dataset.dispute, { method: "POST", body, headers: { "Content-Type": "application/json" } });
      if (code !== 200) throw new Error(data.detail ?? words.failed);
      const [name, date] = disputed.row.marks[disputed.place];
      disputed.row.marks[disputed.place] = [name, date, "disputed"];
      const claimed = form.elements.claimed.value.trim();
      if (form.elements.use.checked && claimed) cells.write([{ key: disputed.row.key, letter, value: claimed }]);
      dialog.close();
      toast(words.disputed, { tone: "done" });
      refresh([`${disputed.row.key}\n${letter}`]);
      if (view === "cards") cards.draw();
      sending.poll();
    } catch (error) {
      const wrong = dialog.querySelector("[data-error]");
      wrong.textContent = error instanceof TypeError ? words.failed : error.message;
      wrong.hidden = false;
    } finally { button.disabled = false; }
  });
  dialog?.addEventListener("close", () => { if (view === "grid") editor.focus(); });

  const changes = document.getElementById("fm-history");
  async function history(row, place) {
    const column = cells.columns[place];
    const list = changes.querySelector("[data-list]");
    changes.querySelector("[data-what]").textContent = [cells.name(row), column.name].filter(Boolean).join(" · ");
    list.replaceChildren(make("p", { class: "cb-quiet" }, "…"));
    changes.showModal();
    try {
      const { status: code, data } = await sending.json(`${box.dataset.history}?row=${encodeURIComponent(row.key)}&letter=${column.letter}`);
      if (code !== 200) throw new Error(words.failed);
      const line = (one) => make("li", { class: "fm-change" }, make("b", {}, one.value || words.empty), make("span", { class: "cb-quiet cb-small" }, `${one.who} · ${one.at}`), one.kept ? make("span", { class: "cb-small" }, one.kept) : "");
      list.replaceChildren(data.changes.length ? make("ol", { class: "fm-changes" }, ...data.changes.map(line)) : make("p", { class: "cb-quiet" }, words.nobody));
    } catch (error) { list.replaceChildren(make("p", { role: "alert" }, error instanceof TypeError ? words.failed : error.message)); }
  }
  changes?.addEventListener("close", () => { if (view === "grid") editor.focus(); });

  // --- signing ---

  const sign = document.getElementById("fm-submit");
  find("submit")?.addEventListener("click", async () => {
    editor.commit();
    await sending.flush();
    const lines = [];
    for (const row of cells.rows) for (const place of cells.columns.keys()) if (cells.columns[place].required && cells.isMissing(row, place)) lines.push([row, place]);
    const wait = sending.queue.size;
    const bad = cells.wrong.size + cells.clashes.size;
    const stop = sign.querySelector("[data-stop]");
    const told = [wait ? words.unsent(wait) : "", cells.clashes.size ? words.clashes(cells.clashes.size) : "", cells.wrong.size ? words.wrong(cells.wrong.size) : "", lines.length ? words.left(lines.length) : ""].filter(Boolean);
    stop.hidden = !told.length;
    stop.querySelector("p").textContent = told.join("；");
    stop.querySelector("ul").replaceChildren(...lines.slice(0, 8).map(([row, place]) => {
      const button = make("button", { type: "button", class: "cb-link" }, [cells.name(row) || words.row(row.number + 1), cells.columns[place].name].join(" · "));
      button.addEventListener("click", () => { sign.close(); go(row.key, cells.columns[place].letter); });
      return make("li", {}, button);
    }));
    for (const one of sign.querySelectorAll("[data-go]")) one.hidden = Boolean(wait || bad || lines.length);
    const held = { rows: cells.rows.length, data: 0, hand: 0 };
    for (const row of cells.rows) for (const place of cells.columns.keys()) {
      const { value, state, held: was } = cells.cell(row, place);
      if (value === "" || cells.columns[place].asks === "serial") continue;
      if (state === "edited") held.hand += 1;
      else if (was === "answered" || ["known", "stale", "conflict", "disputed"].includes(was)) held.data += 1;
    }
    sign.querySelector("[name=stamp]").value = cells.stamp;
    for (const [name, value] of Object.entries(held)) sign.querySelector(`[data-count-of="${name}"]`).textContent = value.toLocaleString("en-US");
    sign.showModal();
  });

  // --- beginning ---

  sending.load().then((from) => {
    find("wait").hidden = true;
    if (from === "none" || from === "gone") {
      find("failed").hidden = false;
      find("failed").textContent = from === "gone" ? words.closed : words.notKept;
      return;
    }
    find("work").hidden = false;
    const kept = sessionStorage.getItem("forms:view");
    choose(kept ?? (PHONE.matches || cells.rows.length < 2 ? "cards" : "grid"));
    if (PHONE.matches && cells.open && cells.rows.length > 1) {
      find("only-missing").checked = cells.rows.some((row) => cells.columns.some((_column, place) => cells.isMissing(row, place)));
      filters.missing = find("only-missing").checked;
      show();
    }
    const wanted = new URLSearchParams(location.search).get("row");
    if (wanted) go(wanted, new URLSearchParams(location.search).get("letter") ?? "");
    else if (view === "grid") begin();
    sending.start();
    box.dataset.ready = from;
  });
  box.fm = { cells, grid, sending, editor, acts };

  if ("serviceWorker" in navigator && box.dataset.worker) navigator.serviceWorker.register(box.dataset.worker).catch(() => {});
});

