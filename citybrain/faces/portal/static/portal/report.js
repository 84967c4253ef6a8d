// 随手拍: moves between the questions, keeps the answers, asks for guesses, and sends once.
import { csrf, make } from "../look/js/mount.js";
import * as draft from "./draft.js";
import { Place } from "./place.js";
import { later, say, wrong } from "./said.js";
import { Shots } from "./shots.js";

const form = document.getElementById("report");
const steps = ["photo", "place", "words", "contact"];
const screen = (name) => document.getElementById(name);
const words = form.querySelector("[data-description]");
const item = form.querySelector("[data-item]");
const keep = later(300, () => draft.save(form, shots.kept(), place.name));

const place = new Place(screen("place"), form);
const shots = new Shots(form.querySelector("[data-shots]"), { url: form.dataset.photoUrl, most: Number(form.dataset.mostPhotos), changed: photosChanged });

function photosChanged(all) {
  place.offerPhoto(all.find((shot) => shot.place)?.place ?? null);
  screen("photo").querySelector("[data-skip]").hidden = all.length > 0;
  screen("photo").querySelector(".btn-primary").hidden = all.length === 0;
  keep();
}

// --- what was not sent last time
const kept = form.dataset.error ? null : draft.load();
if (kept) {
  draft.fill(form, kept);
  shots.restore(kept.photos ?? []);
  place.name = kept.place ?? "";
  if (place.name) place.tell(place.name, "good");
  document.getElementById("resume").hidden = false;
}
form.querySelector("[data-start-over]").addEventListener("click", () => {
  draft.drop();
  location.assign(location.pathname);
});
form.addEventListener("input", keep);
form.addEventListener("portal:changed", keep);

// --- from one question to the next
document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-go]");
  if (!link) return;
  event.preventDefault();
  if (link.dataset.go === "place" && !(await place.ready())) return;
  if (link.dataset.go === "words" && !hasSomething()) return;
  location.hash = link.hash;
});

function hasSomething() {
  const missing = !words.value.trim() && !shots.all.length;
  wrong(form, "description", missing ? say("say_something") : "");
  if (missing) words.focus();
  return !missing;
}

function arrived() {
  const name = location.hash.slice(1);
  if (!steps.includes(name)) return;
  window.scrollTo(0, 0);
  const heading = screen(name).querySelector("h1");
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
  document.getElementById("resume").hidden = true;
  if (name === "place" && (place.lon.value || place.photo) && place.lon.value) place.openMap().then(() => place.ask());
  if (name === "words") guess();
  if (name === "contact") sum();
}
window.addEventListener("hashchange", arrived);

function sum() {
  const shown = { photo: shots.all.length ? `${shots.all.length} ${say("photos")}` : say("no_photo"), place: place.words, words: words.value.trim() || say("no_words") };
  for (const [name, text] of Object.entries(shown)) form.querySelector(`[data-sum="${name}"]`).textContent = text;
  form.querySelector("[data-summary]").hidden = false;
}

// --- what it may be
const box = form.querySelector("[data-guess]");
const shelf = form.querySelector("[data-guesses]");
let asked = "";

async function guess() {
  const text = words.value.trim();
  if (text === asked) return;
  asked = text;
  if (text.length < 4) {
    box.hidden = true;
    form.querySelector("[data-examples]").hidden = false;
    return;
  }
  const body = new FormData();
  body.set("text", text.slice(0, 500));
  let guesses = [];
  try {
    const answer = await fetch(form.dataset.guessUrl, { method: "POST", body, headers: { "X-CSRFToken": csrf() } });
    ({ guesses = [] } = await answer.json());
  } catch {
    return;
  }
  if (text !== asked) return;
  draw(guesses);
}

function draw(guesses) {
  const none = form.dataset.none;
  const choices = [...guesses, { code: none, name: say("none_of_these") }];
  if (item.value && item.value !== none && !guesses.some((one) => one.code === item.value)) item.value = "";
  shelf.replaceChildren(...choices.map(({ code, name }) => {
    const input = make("input", { type: "radio", name: "guess", value: code, checked: code === item.value });
    return make("label", {}, input, name);
  }));
  box.hidden = !guesses.length;
  form.querySelector("[data-examples]").hidden = guesses.length > 0;
}

shelf.addEventListener("change", (event) => { item.value = event.target.value; });
words.addEventListener("input", later(450, guess));
words.addEventListener("input", () => wrong(form, "description", ""));
form.querySelector("[data-examples]").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const before = words.value.trim();
  words.value = before ? `${before}${/[。！？.!?，,]$/.test(before) ? "" : "，"}${button.textContent}` : button.textContent;
  words.dispatchEvent(new Event("input", { bubbles: true }));
  words.focus();
});

// --- sending: offline.js takes the form, keeps it without a network, and sends it once
form.addEventListener("formdata", (event) => {
  shots.fill(event.formData);
  event.formData.delete("guess");
});
form.addEventListener("submit", () => sending(true));

function sending(on) {
  const button = form.querySelector("[data-send] span");
  button.textContent = say(on ? "sending" : "send");
}

form.addEventListener("look:sent", (event) => {
  event.preventDefault();
  draft.drop();
  location.replace(event.detail.data.next);
});

form.addEventListener("look:queued", (event) => {
  event.preventDefault();
  draft.drop();
  form.hidden = true;
  const panel = document.getElementById("queued");
  panel.hidden = false;
  panel.querySelector("h1").focus();
});

form.addEventListener("look:refused", (event) => {
  event.preventDefault();
  sending(false);
  const errors = event.detail.data?.errors ?? { "": event.detail.data?.detail ?? say("failed") };
  for (const line of form.querySelectorAll("[data-wrong]")) line.textContent = "";
  let first = "contact";
  for (const [name, text] of Object.entries(errors).reverse()) {
    const line = form.querySelector(`[data-wrong="${AT[name] ?? name}"]`) ?? form.querySelector('[data-wrong=""]');
    line.textContent = text;
    first = line.closest(".pt-step").id;
  }
  if (errors.place && event.detail.data.choices) place.show(event.detail.data.choices, place.address.value);
  location.hash = `#${first}`;
});

const AT = { item_code: "description", address: "place", lon: "place" };

if (location.hash && location.hash === document.documentElement.dataset.cameAt && !kept && !form.dataset.error) history.replaceState(null, "", location.pathname);
arrived();
if (words.value.trim()) guess();
if (place.address.value.trim() && !place.isSet && !form.querySelector("[data-choices]")) place.search();
