// A short word at the foot of the page, with a way back where there is one.
import { csrf, make, mount } from "./mount.js";
import { words } from "./words.js";

const STAY = 5000;
const STAY_UNDO = 10000;

export function toast(text, { undo = "", tone = "info" } = {}) {
  const box = document.querySelector("[data-toasts]");
  const element = make("div", { class: "cb-toast", "data-toast": tone, "data-undo": undo || false },
    make("span", { class: "cb-toast-text" }, text));
  if (tone === "failed") element.setAttribute("role", "alert");
  box?.append(element);
  dress(element);
  return element;
}

function dress(element) {
  if (element.dataset.dressed) return;
  element.dataset.dressed = "1";
  const { undo } = element.dataset;
  if (undo && undo.startsWith("/")) {
    const back = make("button", { type: "button", class: "cb-toast-undo" }, words.undo);
    back.addEventListener("click", () => takeBack(undo, element));
    element.append(back);
  }
  const close = make("button", { type: "button", "aria-label": words.close }, "×");
  close.addEventListener("click", () => element.remove());
  element.append(close);
  let timer = 0;
  const arm = () => { timer = setTimeout(() => element.remove(), undo ? STAY_UNDO : STAY); };
  element.addEventListener("pointerenter", () => clearTimeout(timer));
  element.addEventListener("pointerleave", arm);
  element.addEventListener("focusin", () => clearTimeout(timer));
  if (element.dataset.toast !== "failed") arm();
}

async function takeBack(address, element) {
  element.remove();
  try {
    const answer = await fetch(address, { method: "POST", headers: { "X-CSRFToken": csrf(), "HX-Request": "true" } });
    if (!answer.ok) throw new Error(String(answer.status));
    toast(words.undone, { tone: "done" });
    const trigger = answer.headers.get("HX-Redirect");
    if (trigger) window.location.assign(trigger);
    else document.dispatchEvent(new CustomEvent("look:changed", { detail: { topics: ["*"], own: true } }));
  } catch {
    toast(navigator.onLine ? words.failed : words.offline, { tone: "failed" });
  }
}

mount(".cb-toast", dress);

document.addEventListener("look:toast", (event) => {
  const detail = event.detail?.value ?? event.detail ?? {};
  if (detail.text) toast(detail.text, detail);
});
