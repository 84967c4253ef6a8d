// One stream of changes per browser: one page holds it (Web Locks), the others hear it (BroadcastChannel).
// A stream says only what changed ("case:12"); each page fetches that again through its own rights.
import { mount } from "./mount.js";
import { count } from "./tables.js";
import { toast } from "./toasts.js";
import { words } from "./words.js";

const TICKET = "/push/ticket";
const RETRY_FIRST = 2000;
const RETRY_MOST = 60_000;
const JITTER = 1200;
const APART = 3000;  // a list is not fetched more often than this
const PROMPT = 1500;  // a page whose stream opens later than this may have missed something: its counts are asked again

const root = document.documentElement;
const channel = "BroadcastChannel" in window ? new BroadcastChannel("look") : null;
const wait = (time) => new Promise((resolve) => { setTimeout(resolve, time); });

function show(state) {
  for (const element of document.querySelectorAll("[data-live-state]")) {
    const [live, down] = element.dataset.words.split("|");
    element.dataset.state = state;
    element.textContent = state === "live" ? live : down;
    element.hidden = false;
  }
}

function tell(message) {
  hear(message);
  channel?.postMessage(message);
}

function hear(message) {
  if (message.state) show(message.state);
  if (message.topics) document.dispatchEvent(new CustomEvent("look:changed", { detail: { topics: message.topics } }));
  if (message.signedOut) toast(words.signedOut, { tone: "failed" });
}

// Holds the stream for as long as this page lives, or until the session ends.
async function hold() {
  let pause = RETRY_FIRST;
  let first = true;
  for (;;) {
    const ended = await once(first);
    if (ended === "signed-out") {
      tell({ state: "down", signedOut: true });
      return;
    }
    if (ended === "lived") pause = RETRY_FIRST;
    first = false;
    tell({ state: "down" });
    await wait(pause * (0.5 + Math.random()));
    pause = Math.min(pause * 2, RETRY_MOST);
  }
}

async function once(first) {
  let address;
  try {
    const answer = await fetch(TICKET, { headers: { Accept: "application/json" } });
    if (answer.status === 401 || answer.status === 403) return "signed-out";
    if (!answer.ok) return "failed";
    address = (await answer.json()).url;
  } catch {
    return "failed";
  }
  return new Promise((resolve) => {
    const source = new EventSource(address);
    let lived = false;
    source.onopen = () => {
      lived = true;
      if (!first) tell({ state: "live", topics: ["*"] });  // something may have been missed
      else if (performance.now() > PROMPT) tell({ state: "live", topics: ["cases"] });
      else tell({ state: "live" });
    };
    source.addEventListener("changed", (event) => tell({ topics: event.data.split(",").filter(Boolean) }));
    source.addEventListener("signed-out", () => { source.close(); resolve("signed-out"); });
    source.onerror = () => { source.close(); resolve(lived ? "lived" : "failed"); };  // a ticket is good once
  });
}

if (root.dataset.push) {
  channel?.addEventListener("message", (event) => {
    if (event.data.asks) channel.postMessage({ state: document.querySelector("[data-live-state]")?.dataset.state });
    else hear(event.data);
  });
  channel?.postMessage({ asks: true });
  if (navigator.locks) navigator.locks.request("look:stream", hold);
  else hold();
}

// --- what the page does with a topic ---

export function matches(wanted, topics) {
  if (topics.includes("*")) return true;
  return wanted.split(/\s+/).some((one) => topics.includes(one) || (one === "cases" && topics.some((topic) => topic.startsWith("case:"))));
}

const planned = new WeakMap();
const fetched = new WeakMap();

function plan(element, act) {
  if (planned.has(element)) return;
  const since = Date.now() - (fetched.get(element) ?? 0);
  const delay = Math.max(Math.random() * JITTER, APART - since);
  planned.set(element, setTimeout(() => {
    planned.delete(element);
    if (!element.isConnected) return;
    if (document.hidden || isUsed(element)) {
      plan(element, act);
      return;
    }
    fetched.set(element, Date.now());
    act(element);
  }, delay));
}

// Nobody's typing or open menu is taken from under their hands.
function isUsed(element) {
  const focused = document.activeElement;
  return element.querySelector("dialog[open], details[open]") !== null
    || (element.contains(focused) && focused.matches("input:not([type=checkbox]), textarea, select"));
}

function essence(element) {
  const copy = element.cloneNode(true);
  copy.querySelectorAll("time, .cb-deadline").forEach((part) => part.remove());
  return copy.textContent.replace(/\s+/g, " ");
}

const marked = (element) => (element.querySelector("[data-row][id]") ? [...element.querySelectorAll("[data-row][id]")] : [element]);

async function refresh(element) {
  const before = new Map(marked(element).map((one) => [one.id, essence(one)]));
  const picked = [...element.querySelectorAll("[data-pick-one]:checked")].map((one) => one.value);
  const { id } = element;
  if (!element.dataset.liveUrl) {
    window.htmx.trigger(element, "look:live");
    return;
  }
  await window.htmx.ajax("GET", element.dataset.liveUrl, {
    source: element, target: element, swap: element.dataset.liveSwap ?? "outerMorph", headers: { "HX-Live": "true" },
  });
  const now = element.isConnected ? element : document.getElementById(id);
  if (!now) return;
  for (const one of marked(now)) {
    if (before.get(one.id) === essence(one)) continue;
    one.classList.remove("cb-softmark");
    void one.offsetWidth;
    one.classList.add("cb-softmark");
  }
  for (const box of now.querySelectorAll("[data-pick-one]")) box.checked = picked.includes(box.value);
  count();
}

async function recount(element) {
  const answer = await fetch(element.dataset.liveCount, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  for (const [key, value] of Object.entries(await answer.json())) {
    const said = typeof value === "number" ? value.toLocaleString("en-US") : value;
    const selector = `[data-count="${CSS.escape(key)}"], [data-stat="${CSS.escape(key)}"] [data-stat-value]`;
    for (const place of document.querySelectorAll(selector)) {
      if (place.textContent === said) continue;
      place.textContent = said;
      place.classList.remove("cb-softmark");
      void place.offsetWidth;
      place.classList.add("cb-softmark");
    }
  }
}

document.addEventListener("look:changed", (event) => {
  const { topics } = event.detail;
  for (const element of document.querySelectorAll("[data-live]")) {
    if (matches(element.dataset.live, topics)) plan(element, refresh);
  }
  for (const element of document.querySelectorAll("[data-live-count]")) {
    if (matches(element.dataset.live ?? "cases", topics)) plan(element, recount);
  }
});

mount(".cb-softmark", (element) => element.addEventListener("animationend", () => element.classList.remove("cb-softmark")));
