// The cockpit: takes new figures without a jump, looks into areas without a reload, says when data is old,
// and on a wall goes round the districts by itself.
import { matches } from "../look/js/live.js";
import { withMaps } from "../look/js/mount.js";

const EVERY = 60_000;  // figures are fetched at least this often
const APART = 12_000;  // and after a change not more often than this
const JITTER = 5_000;  // walls do not all ask at once
const OLD = 120_000;
const STOP = 20_000;  // how long a wall stays with one area
const SLOW_HOLD = 3_000;  // nobody's reading is disturbed right after a touch

const top = () => document.getElementById("cockpit-top");
const show = (name, on) => { document.querySelector(`[data-cockpit-${name}]`).hidden = !on; };
const now = () => Date.now();

let asked = now();
let touched = 0;
let running = false;
let planned = 0;
let table = false;

// --- figures ---

function opened() {
  return [...document.querySelectorAll("#cockpit-below .cb-chart")].filter((one) => one.querySelector("[data-chart-switch][aria-expanded=true]")).map((one) => one.id);
}

function reopen(ids) {
  for (const id of ids) document.querySelector(`#${CSS.escape(id)} [data-chart-switch][aria-expanded=false]`)?.click();
  showTable(table);
}

function showTable(on) {
  table = on;
  const box = document.getElementById("cockpit-table");
  const button = document.querySelector("[data-cockpit-table]");
  if (!box || !button) return;
  box.hidden = !on;
  button.setAttribute("aria-expanded", on);
}

async function fetchParts(address) {
  running = true;
  asked = now();
  const before = top().dataset.cockpitAsOf;
  const kept = opened();
  try {
    await window.htmx.ajax("GET", address, { target: "#cockpit-top", swap: "none" });
  } catch { /* said below: nothing new came */ }
  running = false;
  show("failed", top().dataset.cockpitAsOf === before);
  reopen(kept);
  fit();
  age();
  stops();
  return top().dataset.cockpitAsOf !== before;
}

const isBusy = () => running || document.hidden || now() - touched < SLOW_HOLD || document.querySelector("dialog[open], .cb-menu[open]") !== null;

function refresh() {
  if (isBusy()) plan(2_000);
  else fetchParts(window.location.href);
}

function plan(delay) {
  if (planned) return;
  planned = setTimeout(() => { planned = 0; refresh(); }, delay + Math.random() * JITTER);
}

document.addEventListener("look:changed", (event) => {
  if (matches("cases", event.detail.topics)) plan(Math.max(0, APART - (now() - asked)));
});
setInterval(() => { if (now() - asked > EVERY) plan(0); }, 5_000);
document.addEventListener("visibilitychange", () => { if (!document.hidden && now() - asked > APART) plan(0); });
for (const name of ["pointerdown", "keydown"]) document.addEventListener(name, () => { touched = now(); }, { passive: true });

// A row that does not fit whole is not shown at all; the link above it leads to the rest.
function fit() {
  for (const body of document.querySelectorAll(".cockpit-right:not([data-listed]) .cb-panel-body")) {
    const end = body.getBoundingClientRect().bottom + 1;
    for (const row of body.querySelectorAll("li")) row.toggleAttribute("data-cut", row.getBoundingClientRect().bottom > end);
  }
}
new ResizeObserver(fit).observe(document.getElementById("cockpit-right"));

// Names of areas step aside where cases lie on them; where there is no room they go.
const ASIDE = [0, -24, 24];
const apart = (a, b) => a.right < b.left || a.left > b.right || a.bottom < b.top || a.top > b.bottom;
function aside(box) {
  const marks = [...box.querySelectorAll(".leaflet-marker-pane :is(.cb-cluster, .cb-pin)")].map((one) => one.getBoundingClientRect());
  const names = [...box.querySelectorAll(".cb-area-label:not([data-hidden])")];
  const taken = [...marks];
  for (const name of names) {
    name.style.translate = "";
    const rest = name.getBoundingClientRect();
    const free = ASIDE.find((by) => {
      const moved = { left: rest.left, right: rest.right, top: rest.top + by, bottom: rest.bottom + by };
      return taken.every((one) => apart(moved, one));
    });
    name.style.translate = free ? `0 ${free}px` : "";
    name.style.opacity = free === undefined ? 0 : "";
    if (free !== undefined) taken.push({ left: rest.left, right: rest.right, top: rest.top + free, bottom: rest.bottom + free });
  }
}
// The legend takes the lower corner where the least of the areas lies under it.
function corner(box) {
  const legend = box.querySelector(".cb-legend");
  if (!legend || !box.lookAreas) return;
  const { clientWidth: wide, clientHeight: high } = box;
  const { offsetWidth: w, offsetHeight: h } = legend;
  const under = (left) => {
    let hits = 0;
    for (const x of [0.1, 0.5, 0.9]) {
      for (const y of [0.1, 0.5, 0.9]) {
        const at = window.L.point(left + x * w, high - 12 - h + y * h);
        box.lookAreas.eachLayer((one) => { if (one._containsPoint?.(box.lookMap.containerPointToLayerPoint(at))) hits += 1; });
      }
    }
    return hits;
  };
  legend.toggleAttribute("data-right", under(12) > under(wide - 12 - w));
}
let arranging = 0;
function arrange(event) {
  clearTimeout(arranging);
  arranging = setTimeout(() => {
    const box = event.target.closest("[data-map]");
    aside(box);
    corner(box);
  }, 350);
}
document.addEventListener("look:points", arrange);
withMaps((map, box) => {
  map.on("zoomend moveend", () => arrange({ target: box }));
  arrange({ target: box });
});

// --- how old the data is ---

function age() {
  const at = Date.parse(top().dataset.cockpitAsOf);
  show("old", now() - at > OLD);
  const state = document.querySelector("[data-live-state]")?.dataset.state;
  show("lost", state === "down");
}
setInterval(age, 3_000);

// --- looking into an area, out of it, at another measure ---

let wanted = "";
async function go(address, keep = true) {
  wanted = address;
  if (keep) history.pushState({ cockpit: true }, "", address);
  const came = await fetchParts(address);
  if (!came && wanted === address) window.location.assign(address);  // the page itself says what is wrong
  document.title = document.title.replace(/^[^·]*·/, `${document.getElementById("cockpit-heading").dataset.name} ·`);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-cockpit-go]");
  if (link && !event.metaKey && !event.ctrlKey && !event.shiftKey && event.button === 0) {
    event.preventDefault();
    go(link.href);
    return;
  }
  if (event.target.closest("[data-cockpit-table]")) showTable(!table);
  if (event.target.closest("[data-cockpit-pause]")) hold(!held);
});
document.addEventListener("look:area", (event) => {
  const { url } = event.detail;
  if (!url?.startsWith(window.location.pathname)) return;
  event.preventDefault();
  go(new URL(url, window.location.href).href);
});
window.addEventListener("popstate", () => { go(window.location.href, false); });

// --- the wall ---

let held = false;
let stop = 0;
let turned = now();

const round = () => JSON.parse(top().dataset.cockpitStops ?? "[]");

function stops() {
  const all = round();
  const place = document.querySelector("[data-cockpit-stop]");
  if (place && all.length) place.textContent = `${stop + 1} / ${all.length}`;
  words();
}

function words() {
  const button = document.querySelector("[data-cockpit-pause]");
  if (!button) return;
  const [pause, on] = button.dataset.words.split("|");
  button.textContent = held ? on : pause;
  button.setAttribute("aria-pressed", held);
}

function hold(on) {
  held = on;
  turned = now();
  words();
}

setInterval(() => {
  const all = round();
  if (all.length < 2 || held || running || document.hidden || now() - turned < STOP) return;
  turned = now();
  stop = (stop + 1) % all.length;
  wanted = all[stop];
  history.replaceState({ cockpit: true }, "", wanted);
  fetchParts(wanted);
}, 1_000);

let still = 0;
function stir() {
  document.documentElement.toggleAttribute("data-cockpit-stirred", true);
  clearTimeout(still);
  still = setTimeout(() => document.documentElement.toggleAttribute("data-cockpit-stirred", false), 4_000);
}
for (const name of ["pointermove", "pointerdown", "keydown"]) document.addEventListener(name, stir, { passive: true });

const here = round().findIndex((one) => one === window.location.pathname + window.location.search);
stop = Math.max(0, here);
stops();
age();
