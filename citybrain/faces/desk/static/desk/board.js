// Boards: keys choose, one key files, and the next case comes by itself. New rows are added below, never in between.
import { mount } from "../look/js/mount.js";

const EVERY = 15_000;
const SOON = 1500;

const board = () => document.querySelector("[data-board]");
const rows = () => [...document.querySelectorAll("[data-board-queue] [data-row]")];

function current() {
  return rows().find((row) => row.getAttribute("aria-current") === "true");
}

function openNext(after) {
  const all = rows();
  const from = after ? all.indexOf(after) : -1;
  const next = [...all.slice(from + 1), ...all.slice(0, Math.max(from, 0))].find((row) => !row.classList.contains("desk-taken"));
  document.querySelector("[data-board-empty]").hidden = Boolean(next);
  if (next) {
    next.querySelector("a").click();
    next.scrollIntoView({ block: "nearest" });
  } else {
    document.getElementById("detail").replaceChildren();
  }
}

document.addEventListener("desk-taken", (event) => {
  if (!board()) return;
  const number = event.detail?.number;
  const row = rows().find((one) => one.querySelector("a")?.dataset.number === number) ?? current();
  row?.classList.add("desk-taken");
  const done = document.querySelector("[data-board-done]");
  done.textContent = String(Number(done.textContent) + 1);
  document.getElementById("look-dialog-slot").replaceChildren();
  openNext(row);
});

document.addEventListener("keydown", (event) => {
  if (!/^[1-5]$/.test(event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("textarea, select, input:not([type=radio]):not([type=checkbox])")) return;
  const scope = document.querySelector("dialog[open]") ?? document;
  const radio = scope.querySelector(`[data-number="${event.key}"]`);
  if (!radio) return;
  event.preventDefault();
  radio.checked = true;
  radio.dispatchEvent(new Event("change", { bubbles: true }));
  radio.focus();
});

async function refresh() {
  const root = board();
  if (!root || document.hidden) return;
  const answer = await fetch(root.dataset.board, { headers: { Accept: "text/html", "HX-Request": "true" } });
  if (!answer.ok) return;
  const parsed = new DOMParser().parseFromString(`<ul>${await answer.text()}</ul>`, "text/html");
  const fresh = new Map([...parsed.querySelectorAll("[data-row]")].map((row) => [row.id, row]));
  for (const row of rows()) {
    if (!fresh.has(row.id)) row.classList.add("desk-taken");
    fresh.delete(row.id);
  }
  const list = document.querySelector("[data-board-queue]");
  for (const row of fresh.values()) {
    row.classList.add("cb-softmark");
    list.append(document.adoptNode(row));
    window.htmx.process(row);
  }
  if (fresh.size) {
    document.querySelector("[data-board-empty]").hidden = true;
    if (!document.querySelector("#detail [data-case]")) openNext(null);
  }
}

mount("[data-board]", () => {
  let timer = 0;
  const plan = () => { clearTimeout(timer); timer = setTimeout(refresh, SOON); };
  document.addEventListener("look:changed", plan);
  setInterval(refresh, EVERY);
});

