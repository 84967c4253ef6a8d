// `/` search, `j k` move, Enter open, x pick, Esc back, `?` help; data-key="a" on a button presses it.
import { make } from "./mount.js";

const typing = (target) => target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
const shown = (element) => element.getClientRects().length > 0;

function rows() {
  const lists = [...document.querySelectorAll("[data-rows], .cb-table tbody")].filter(shown);
  return lists.length ? [...lists[0].querySelectorAll("[data-row]")] : [];
}

function move(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.hasAttribute("data-cursor"));
  const from = at >= 0 ? at : all.findIndex((row) => row.getAttribute("aria-current") === "true");
  const next = all[Math.max(0, Math.min(all.length - 1, from + by))] ?? all[0];
  all.forEach((row) => row.removeAttribute("data-cursor"));
  next.setAttribute("data-cursor", "");
  next.querySelector("a")?.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

function cursor() {
  return rows().find((row) => row.hasAttribute("data-cursor"));
}

function back() {
  const split = document.querySelector('.cb-split[data-open="detail"]');
  if (split) split.dataset.open = "list";
  const row = cursor() ?? document.querySelector('[data-row][aria-current="true"]');
  row?.querySelector("a")?.focus({ preventScroll: true });
}

function help() {
  const sheet = document.getElementById("look-keys");
  const list = sheet?.querySelector("[data-keys]");
  if (!list || sheet.open) return;
  list.querySelectorAll("[data-own]").forEach((line) => line.remove());
  const said = new Set();
  for (const button of document.querySelectorAll("[data-key]")) {
    const key = button.dataset.key;
    if (!shown(button) || said.has(key)) continue;
    said.add(key);
    const label = button.dataset.keyLabel ?? [...button.childNodes].filter((node) => node.nodeName !== "KBD").map((node) => node.textContent).join("").trim();
    list.append(make("div", { "data-own": true }, make("dt", {}, label), make("dd", {}, make("kbd", {}, key))));
  }
  sheet.showModal();
}

const ACTIONS = {
  "/": () => document.querySelector("[data-search]")?.focus(),
  j: () => move(1),
  k: () => move(-1),
  x: () => cursor()?.querySelector("[data-pick-one]")?.click(),
  "?": help,
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
  if (event.key === "Escape") {
    if (typing(event.target)) event.target.blur();
    else if (!document.querySelector("dialog[open]")) back();
    return;
  }
  if (typing(event.target) || document.querySelector("dialog[open]")) return;
  const key = event.key.length === 1 ? event.key : "";
  const button = key && [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)].find((one) => shown(one) && !one.disabled);
  if (button) {
    event.preventDefault();
    button.click();
  } else if (key in ACTIONS) {
    event.preventDefault();
    ACTIONS[key]();
  } else if (event.key === "Enter" && event.target === document.body) {
    cursor()?.querySelector("a")?.click();
  }
});

// The row that was opened keeps the mark.
document.addEventListener("click", (event) => {
  const row = event.target.closest("[data-rows] [data-row]");
  if (!row || !event.target.closest("a")) return;
  for (const one of rows()) {
    one.removeAttribute("data-cursor");
    one.toggleAttribute("aria-current", false);
  }
  row.setAttribute("aria-current", "true");
  const split = row.closest(".cb-split");
  if (split && row.querySelector("a[hx-get]")) split.dataset.open = "detail";
});
