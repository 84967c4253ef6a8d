// 接听登记: looks things up while the operator types, keeps every word, and works by keys alone.
import { csrf, mount } from "../../look/js/mount.js";
import { ask } from "../../look/js/dialogs.js";
import { language } from "../../look/js/words.js";

const LOOK_PAUSE = 220;
const LOOK_EVERY = 700;  // while typing goes on without a pause
const KEEP_PAUSE = 500;
const KEEP_EVERY = 2000;
const RETRY = 4000;
const WATCHED = ["text", "phone", "place_text", "item", "area", "agency", "lon", "lat"];
const SURE = language === "zh" ? "不登记这次来电？写的内容会删除。" : "Discard this call? What you typed is deleted.";

// Runs `act` after a pause, at the latest `every` ms after the first call; one at a time, the last one wins.
function paced(act, pause, every) {
  let timer = 0;
  let first = 0;
  let running = false;
  let again = false;
  const go = async () => {
    clearTimeout(timer);
    first = 0;
    if (running) { again = true; return; }
    running = true;
    try { await act(); } finally {
      running = false;
      if (again) { again = false; go(); }
    }
  };
  const soon = () => {
    const now = Date.now();
    first ||= now;
    clearTimeout(timer);
    timer = setTimeout(go, Math.max(0, Math.min(pause, first + every - now)));
  };
  return { soon, go };
}

mount("form[data-take]", (form) => {
  const { elements } = form;
  const looked = form.querySelector("[data-looked]");
  const saved = form.querySelector("[data-saved]");
  const [wordSaved, wordSaving, wordFailed, wordIdle] = saved.dataset.words.split("|");
  const touched = new Set();
  let dirty = false;
  let sending = false;
  let composing = false;

  const state = () => {
    const told = {};
    for (const [name, value] of new FormData(form)) if (name !== "csrfmiddlewaretoken" && name !== "then") told[name] = value;
    return told;
  };
  const isEmpty = () => !["text", "phone", "place_text", "answer", "name"].some((name) => elements[name].value.trim());

  // --- nothing lost ---
  const keep = paced(async () => {
    if (sending || isEmpty()) return;
    dirty = false;
    say(wordSaving, "saving");
    try {
      const answer = await fetch(form.dataset.keep, { method: "POST", headers: { "X-CSRFToken": csrf(), "Content-Type": "application/json" }, body: JSON.stringify(state()) });
      if (!answer.ok) throw new Error(String(answer.status));
      if (!dirty) say(`${wordSaved} ${new Date().toLocaleTimeString("zh-CN", { hour12: false })}`, "saved");
      const here = new URL(window.location.href);
      if (here.searchParams.get("key") !== elements.key.value) {
        window.history.replaceState(window.history.state, "", `${here.pathname}?key=${elements.key.value}`);
      }
    } catch {
      dirty = true;
      say(wordFailed, "failed");
      setTimeout(keep.soon, RETRY);
    }
  }, KEEP_PAUSE, KEEP_EVERY);

  const say = (text, kind) => { saved.textContent = text; saved.dataset.state = kind; };
  const changed = () => { dirty = true; keep.soon(); };

  window.addEventListener("pagehide", () => {
    if (!dirty || sending || isEmpty()) return;
    fetch(form.dataset.keep, { method: "POST", keepalive: true, headers: { "X-CSRFToken": csrf(), "Content-Type": "application/json" }, body: JSON.stringify(state()) }).catch(() => {});
  });
  window.addEventListener("beforeunload", (event) => {
    if (dirty && !sending && saved.dataset.state === "failed") event.preventDefault();
  });

  // --- looked up while typing ---
  let latest = "";
  const look = paced(async () => {
    const told = state();
    const asked = JSON.stringify(WATCHED.map((name) => told[name] ?? ""));
    if (asked === latest) return;
    const body = new FormData();
    for (const name of WATCHED) if (told[name]) body.set(name, told[name]);
    looked.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(form.dataset.look, { method: "POST", headers: { "X-CSRFToken": csrf(), "HX-Request": "true" }, body });
      if (!answer.ok) return;
      latest = asked;
      draw(await answer.text());
    } catch { /* the next key asks again */ } finally { looked.removeAttribute("aria-busy"); }
  }, LOOK_PAUSE, LOOK_EVERY);

  function draw(text) {
    const parsed = new DOMParser().parseFromString(text, "text/html");
    for (const part of parsed.querySelectorAll("[data-part]")) {
      const old = looked.querySelector(`[data-part="${part.dataset.part}"]`);
      if (!old || essence(old) === essence(part) || old.contains(document.activeElement)) continue;
      old.replaceWith(document.adoptNode(part));
    }
    for (const wanted of parsed.querySelectorAll("template[data-for]")) {
      const slot = form.querySelector(`[data-slot="${wanted.dataset.for}"]`);
      if (slot && !slot.contains(document.activeElement) && essence(wanted.content) !== essence(slot)) slot.replaceChildren(document.adoptNode(wanted.content));
    }
    mark();
  }

  const essence = (node) => {
    const box = document.createElement("div");
    box.append(...[...node.childNodes].map((one) => one.cloneNode(true)));
    box.querySelectorAll("time").forEach((one) => one.remove());
    return box.innerHTML;
  };

  // The first suggestion stands until a person chooses; what they chose stays.
  function mark() {
    for (const name of ["item", "area", "agency"]) {
      const chips = [...form.querySelectorAll(`[data-set="${name}"]`)];
      if (touched.has(name)) chips.forEach((chip) => chip.setAttribute("aria-pressed", String(chip.dataset.value === elements[name].value)));
      else {
        const best = chips.find((chip) => chip.getAttribute("aria-pressed") === "true");
        elements[name].value = best?.dataset.value ?? "";
      }
    }
  }

  form.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-set]");
    if (chip) {
      touched.add(chip.dataset.set);
      elements[chip.dataset.set].value = chip.dataset.value;
      if (chip.dataset.set === "item") itemWords("", "");
      mark();
      changed();
      look.soon();
    }
    const radio = event.target.closest("[data-set-radio]");
    if (radio) {
      const wanted = [...form.querySelectorAll(`[name="${radio.dataset.setRadio}"]`)].find((one) => one.value === radio.dataset.value);
      if (wanted) { wanted.checked = true; wanted.dispatchEvent(new Event("change", { bubbles: true })); }
    }
    const use = event.target.closest("[data-use-answer]");
    if (use) {
      openAnswer();
      const box = elements.answer;
      box.value = box.value.trim() ? `${box.value.trim()}\n${use.dataset.useAnswer}` : use.dataset.useAnswer;
      changed();
      box.focus();
    }
    if (event.target.closest("[data-map-toggle]")) toggleMap();
    if (event.target.closest("[data-map-clear]")) clearMap();
  });

  const picker = form.querySelector("[data-item-picker]");
  function itemWords(words, value) {
    picker.querySelector("[data-picker-words]").value = words;
    picker.querySelector("[data-picker-value]").value = value;
  }
  picker.addEventListener("desk:picked", (event) => {
    touched.add("item");
    elements.item.value = event.detail.value;
    mark();
    changed();
    look.soon();
  });

  // --- the map, only when it is asked for ---
  const box = form.querySelector("#call-map-box");
  const toggle = form.querySelector("[data-map-toggle]");
  function toggleMap(open = box.hidden) {
    box.hidden = !open;
    toggle.setAttribute("aria-expanded", String(open));
    const template = box.querySelector("template");
    if (open && template) {
      template.replaceWith(template.content);
      document.dispatchEvent(new CustomEvent("htmx:after:process"));
    }
  }
  function clearMap() {
    elements.lon.value = "";
    elements.lat.value = "";
    toggleMap(false);
    changed();
    look.soon();
  }
  if (!box.hidden) toggleMap(true);

  // --- typing ---
  form.addEventListener("compositionstart", () => { composing = true; });
  form.addEventListener("compositionend", () => { composing = false; changed(); look.soon(); });
  for (const kind of ["input", "change"]) {
    form.addEventListener(kind, (event) => {
      if (composing || event.isComposing || event.target.closest("[data-item-picker]")) return;
      changed();
      if (WATCHED.includes(event.target.name)) look.soon();
    });
  }

  // --- the answer, and sending ---
  const details = form.querySelector("[data-answer]");
  function openAnswer() { details.open = true; elements.answer.focus(); }
  form.addEventListener("submit", (event) => {
    const then = event.submitter?.value;
    if (!elements.text.value.trim()) { event.preventDefault(); elements.text.focus(); elements.text.setAttribute("aria-invalid", "true"); return; }
    if (then === "answer" && !elements.answer.value.trim()) { event.preventDefault(); openAnswer(); return; }
    if (sending) { event.preventDefault(); return; }
    sending = true;
    window.addEventListener("pageshow", () => { sending = false; }, { once: true });
  });
  form.querySelector("[data-drop-button]").addEventListener("click", async () => {
    if (!isEmpty() && !(await ask(SURE, { danger: true }))) return;
    sending = true;
    const body = new FormData();
    body.set("key", elements.key.value);
    await fetch(form.dataset.discard, { method: "POST", headers: { "X-CSRFToken": csrf() }, body }).catch(() => {});
    window.location.assign(form.getAttribute("action"));
  });

  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]") || event.isComposing) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) press(event, form.querySelector('[data-fkey="F9"]'));
    else if (event.key === "F8") { event.preventDefault(); openAnswer(); }
    else if (event.key === "F4") { event.preventDefault(); (form.querySelector('[data-set="item"][aria-pressed="true"]') ?? form.querySelector('[data-set="item"]') ?? picker.querySelector("[data-picker-words]")).focus(); }
    else if (/^F\d+$/.test(event.key)) press(event, [...document.querySelectorAll(`[data-fkey="${event.key}"]`)].find((one) => one.getClientRects().length));
  });
  function press(event, button) {
    if (!button) return;
    event.preventDefault();
    button.click();
  }
  // Arrow keys walk along the suggestions.
  form.addEventListener("keydown", (event) => {
    const chip = event.target.closest("[data-set]");
    if (!chip || !/^Arrow/.test(event.key)) return;
    event.preventDefault();
    const chips = [...chip.parentElement.querySelectorAll("[data-set]")];
    const by = /Down|Right/.test(event.key) ? 1 : -1;
    chips[(chips.indexOf(chip) + by + chips.length) % chips.length].focus();
  });
  form.addEventListener("focusout", () => setTimeout(look.soon));

  if (elements.item.value) touched.add("item");
  if (elements.area.value) touched.add("area");
  if (elements.agency.value) touched.add("agency");
  say(wordIdle, "idle");
  if (!isEmpty()) look.go();
  form.dataset.ready = "1";
});

