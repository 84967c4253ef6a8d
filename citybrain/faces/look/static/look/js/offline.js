// What a form sends is never lost: without net it waits in this browser and goes out later, once.
// The server knows a submission by its key, so that a repeated one is answered with the first answer.
import { csrf, mount } from "./mount.js";
import { toast } from "./toasts.js";
import { words } from "./words.js";

const NAME = "look";
const STORE = "queue";
const EVERY = 60_000;
const LATER = new Set([408, 425, 429]);
const owner = document.documentElement.dataset.me ?? "";

const others = "BroadcastChannel" in window ? new BroadcastChannel("look:queue") : null;
let opened = null;

function open() {
  opened ??= new Promise((resolve, reject) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "key" });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
  return opened;
}

async function store(mode, act) {
  const database = await open();
  return new Promise((resolve, reject) => {
    const change = database.transaction(STORE, mode);
    const asked = act(change.objectStore(STORE));
    change.oncomplete = () => resolve(asked.result);
    change.onerror = () => reject(change.error);
    change.onabort = () => reject(change.error);
  });
}

export const waiting = async () => (await store("readonly", (all) => all.getAll())).filter((one) => one.owner === owner);
const put = (entry) => store("readwrite", (all) => all.put(entry));
export async function discard(key) {
  await store("readwrite", (all) => all.delete(key));
  await showQueue();
  others?.postMessage("changed");
}

function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Sends one entry. Returns {kind: "sent" | "later" | "refused", …}; "later" keeps it.
async function send(entry) {
  const body = new FormData();
  for (const [name, value] of entry.fields) body.append(name, value);
  body.set("csrfmiddlewaretoken", csrf());
  let answer;
  try {
    answer = await fetch(entry.action, { method: "POST", body, headers: { Accept: "application/json", "X-CSRFToken": csrf(), "X-Requested-With": "look" } });
  } catch {
    return { kind: "later" };
  }
  const text = await answer.text();
  let data = null;
  try { data = JSON.parse(text); } catch { /* a page, not data */ }
  if (answer.ok) return { kind: "sent", data, url: answer.redirected ? answer.url : data?.url ?? "" };
  if (answer.status >= 500 || LATER.has(answer.status)) return { kind: "later", status: answer.status };
  return { kind: "refused", status: answer.status, data, text };
}

function announce(name, form, detail) {
  return (form?.isConnected ? form : document).dispatchEvent(new CustomEvent(name, { bubbles: true, cancelable: true, detail }));
}

// Takes over a form: see the manual. `look:sent`, `look:queued` and `look:refused` can be cancelled to do it yourself.
export function queueForm(form) {
  form.addEventListener("submit", async (event) => {
    if (event.defaultPrevented) return;
    event.preventDefault();
    if (!form.noValidate && !form.reportValidity()) return;
    const fields = new FormData(form, event.submitter);
    fields.delete("csrfmiddlewaretoken");
    const key = fields.get("submission_key") || newKey();
    fields.set("submission_key", key);
    if (form.elements.submission_key) form.elements.submission_key.value = key;
    const kept = [...fields].filter(([, value]) => !(value instanceof File) || value.size > 0);
    const entry = { key, owner, action: form.action, kind: form.dataset.queueForm, fields: kept, at: Date.now(), title: document.title };
    const buttons = [...form.querySelectorAll("button")].filter((one) => !one.disabled);
    buttons.forEach((one) => { one.disabled = true; });
    form.setAttribute("aria-busy", "true");
    try {
      await finish(form, entry, await send(entry));
    } finally {
      form.removeAttribute("aria-busy");
      buttons.forEach((one) => { one.disabled = false; });
    }
  });
}

async function finish(form, entry, result) {
  if (result.kind === "sent") {
    if (!announce("look:sent", form, { ...result, key: entry.key })) return;
    if (result.url) window.location.assign(result.url);
    else toast(words.sent, { tone: "done" });
    return;
  }
  if (result.kind === "refused") {
    if (!announce("look:refused", form, { ...result, key: entry.key })) return;
    toast(result.data?.detail ?? result.data?.error ?? words.refused, { tone: "failed" });
    return;
  }
  try {
    await put(entry);
  } catch {
    toast(words.offline, { tone: "failed" });
    return;
  }
  await showQueue();
  others?.postMessage("changed");
  if (announce("look:queued", form, { key: entry.key })) {
    toast(words.queued);
    form.reset();
    if (form.elements.submission_key) form.elements.submission_key.value = "";
  }
}

let flushing = false;

export async function flush() {
  if (flushing || !navigator.onLine) return;
  flushing = true;
  const all = async () => {
    for (const entry of await waiting()) {
      if (entry.refused) continue;
      const result = await send(entry);
      if (result.kind === "later") break;
      if (result.kind === "sent") {
        await discard(entry.key);
        if (announce("look:sent", null, { ...result, key: entry.key, queued: true })) toast(words.sent, { tone: "done" });
      } else {
        await put({ ...entry, refused: result.status });
        toast(result.data?.detail ?? words.refused, { tone: "failed" });
      }
    }
  };
  try {
    if (navigator.locks) await navigator.locks.request("look:queue", { ifAvailable: true }, (lock) => (lock ? all() : null));
    else await all();
  } catch { /* no store in this browser: nothing waits */ } finally {
    flushing = false;
    await showQueue();
  }
}

async function showQueue() {
  let number = 0;
  try { number = (await waiting()).length; } catch { /* private mode without a store */ }
  for (const banner of document.querySelectorAll("[data-queue]")) {
    banner.hidden = number === 0;
    const said = banner.querySelector("[data-queue-words]");
    if (said) said.textContent = said.dataset.words.replace("{n}", number);
  }
}

mount("form[data-queue-form]", queueForm);
if (document.querySelector("[data-queue], form[data-queue-form]")) {
  showQueue();
  flush();
  others?.addEventListener("message", showQueue);
  window.addEventListener("online", flush);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) flush(); });
  document.addEventListener("click", (event) => { if (event.target.closest("[data-queue-now]")) flush(); });
  setInterval(flush, EVERY);
}
