// Carries edits to the server, once each, and brings back what others changed. Without net edits wait on this device.
import { csrf } from "../../look/js/mount.js";
import { dropEdits, dropSheet, editsOf, keepEdits, keepSheet, sheetOf } from "./keep.js";

const SOON = 500;
const EVERY = 6000;
const RETRY = 15_000;
const MOST = 300;
const COPY_SOON = 1500;

export class Sending {
  constructor(cells, box) {
    this.cells = cells;
    this.sheet = box.dataset.sheet;
    this.cellsUrl = box.dataset.cells;
    this.editsUrl = box.dataset.edits;
    this.queue = new Map();
    this.state = "ready";
    this.at = null;
    this.others = "BroadcastChannel" in window ? new BroadcastChannel(`forms:${this.sheet}`) : null;
    cells.addEventListener("written", (event) => this.add(event.detail.edits));
  }

  async json(address, options = {}) {
    const answer = await fetch(address, { ...options, headers: { Accept: "application/json", "X-CSRFToken": csrf(), ...options.headers } });
    if (answer.redirected && !answer.headers.get("Content-Type")?.includes("json")) return { status: 401, data: {} };
    let data = {};
    try { data = await answer.json(); } catch { /* a page, not data */ }
    return { status: answer.status, data };
  }

  // Loads the sheet: from the server, or as this device last saw it. Returns "live", "kept" or "none".
  async load() {
    const kept = await editsOf(this.sheet).catch(() => []);
    let from = "none";
    try {
      const { status, data } = await this.json(this.cellsUrl);
      if (status === 200) {
        this.cells.load(data);
        this.copy();
        from = "live";
      } else if (status === 401) {
        this.say("signedOut");
      } else if (status === 403 || status === 404) {
        await dropSheet(this.sheet).catch(() => {});
        return "gone";
      }
    } catch { /* no net */ }
    if (from === "none") {
      const copy = await sheetOf(this.sheet).catch(() => null);
      if (!copy) return "none";
      this.cells.load(copy.data);
      from = "kept";
      if (this.state === "ready") this.say("offline");
    }
    for (const edit of kept) if (!edit.refused && !edit.clash) this.queue.set(edit.client, edit);
    this.cells.restore(kept);
    this.cells.tell("changed", { spots: [] });
    if (this.queue.size) this.flush();
    return from;
  }

  start() {
    window.addEventListener("online", () => { this.flush(); this.poll(); });
    window.addEventListener("offline", () => this.say("offline"));
    document.addEventListener("visibilitychange", () => { if (!document.hidden) { this.flush(); this.poll(); } });
    document.addEventListener("look:changed", (event) => { if (event.detail.topics.includes(`sheet:${this.sheet}`)) this.poll(); });
    this.others?.addEventListener("message", () => this.poll());
    setInterval(() => { if (!document.hidden) this.poll(); }, EVERY);
    setInterval(() => { if (this.queue.size) this.flush(); }, RETRY);
  }

  say(state) {
    this.state = state;
    if (state === "saved") this.at = new Date();
    this.cells.tell("status", { state, waiting: this.queue.size });
  }

  async add(edits) {
    for (const edit of edits) this.queue.set(edit.client, edit);
    const settled = this.cells.settled?.splice(0) ?? [];
    try {
      if (edits.length) await keepEdits(this.sheet, edits);
      if (settled.length) await dropEdits(settled);
    } catch { /* no store in this browser: they go out now or not at all */ }
    this.say(navigator.onLine ? "saving" : "offline");
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.flush(), SOON);
  }

  // The edits that may go now: none whose cell has an older one on its way.
  ready() {
    return [...this.queue.values()].filter((edit) => !edit.after || !this.queue.has(edit.after)).slice(0, MOST);
  }

  async flush() {
    if (this.flushing) return this.flushing;
    if (!this.queue.size) return null;
    this.flushing = this.send().finally(() => { this.flushing = null; });
    return this.flushing;
  }

  async send() {
    let sent = 0;
    while (this.queue.size) {
      const batch = this.ready();
      for (const edit of batch) edit.tried = true;
      await keepEdits(this.sheet, batch).catch(() => {});
      this.say("saving");
      let told;
      try {
        const body = JSON.stringify({ edits: batch.map(({ client, row, letter, value, base }) => ({ client, row, letter, value, base })) });
        told = await this.json(this.editsUrl, { method: "POST", body, headers: { "Content-Type": "application/json" } });
      } catch {
        this.say("offline");
        return;
      }
      if (told.status === 401) { this.say("signedOut"); return; }
      if (told.status !== 200) {
        if (told.status === 409 || told.status === 403) { this.cells.open = false; this.say("closed"); } else this.say("offline");
        return;
      }
      await this.settle(batch, told.data);
      sent += batch.filter((edit) => Date.now() - edit.at > 20_000).length;
    }
    if (sent) this.cells.tell("arrived", { count: sent });
    this.say("saved");
    this.others?.postMessage("changed");
  }

  async settle(batch, data) {
    const results = new Map(data.results.map((one) => [one.client, one]));
    const gone = [];
    const kept = [];
    for (const edit of batch) {
      const result = results.get(edit.client) ?? { outcome: "refused", message: "" };
      this.queue.delete(edit.client);
      const word = this.cells.answered(edit, result);
      if (word === "done") gone.push(edit.client);
      else if (word === "clash") kept.push({ ...edit, clash: { theirs: result.value ?? "", who: result.by ?? "", stamp: result.stamp ?? 0 } });
      else kept.push({ ...edit, refused: result.message || "!" });
    }
    await dropEdits(gone).catch(() => {});
    await keepEdits(this.sheet, kept).catch(() => {});
    if (data.open !== undefined) this.cells.open = data.open;
    this.cells.tell("changed", { spots: batch.map((edit) => `${edit.row}\n${edit.letter}`) });
    this.copy();
  }

  // Brings what others changed since.
  async poll() {
    if (!this.cells.columns.length || this.polling) return;
    this.polling = true;
    try {
      const { status, data } = await this.json(`${this.cellsUrl}?since=${this.cells.stamp}`);
      if (status === 401) { this.say("signedOut"); return; }
      if (status !== 200) return;
      const was = this.cells.open;
      if (data.stamp > this.cells.stamp && !data.rows.length && !data.removed.length && !this.queue.size) { await this.again(); return; }
      const spots = data.rows.length || data.removed?.length ? this.cells.took(data) : [];
      this.cells.stamp = Math.max(this.cells.stamp, data.stamp);
      this.cells.open = data.open;
      if (this.state === "offline" && !this.queue.size) this.say("saved");
      if (spots.length || was !== data.open) {
        this.cells.tell("changed", { spots, others: true });
        this.copy();
      }
    } catch {
      if (!navigator.onLine) this.say("offline");
    } finally {
      this.polling = false;
    }
  }

  // The sheet was filled anew from data: all of it is fetched again.
  async again() {
    const { status, data } = await this.json(this.cellsUrl);
    if (status !== 200) return;
    const spots = this.cells.took(data);
    this.cells.tell("changed", { spots, others: false });
  }

  // Keeps the sheet on this device for filling without net; not one that is closed.
  copy() {
    clearTimeout(this.copying);
    this.copying = setTimeout(() => {
      const done = this.cells.open ? keepSheet(this.sheet, this.cells.dump()) : dropSheet(this.sheet);
      done.catch(() => {});
    }, COPY_SOON);
  }
}
