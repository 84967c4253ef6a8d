// Step forms: Ctrl+Enter sends; a short address for filters; scroll kept; a hint when the list has changed.
import { mount } from "../look/js/mount.js";

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  const form = event.target.closest("[data-step-form], [data-board-form]") ?? document.querySelector("dialog[open] [data-step-form]");
  if (!form) return;
  event.preventDefault();
  form.requestSubmit(form.querySelector("button[type=submit]"));
});

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-short]");
  if (!form) return;
  const off = [...form.elements].filter((input) => input.name && !input.value && !input.disabled);
  off.forEach((input) => { input.disabled = true; });
  setTimeout(() => off.forEach((input) => { input.disabled = false; }));
});

mount("dialog#desk-step", (dialog) => {
  const first = dialog.querySelector("[aria-invalid], [data-suggested] input:checked, textarea, input:not([type=hidden]):not([type=file]):not([data-picker-words]), select, button[type=submit]");
  setTimeout(() => first?.focus());
  if (dialog.hasAttribute("data-reload")) dialog.addEventListener("close", () => window.location.reload());
});

mount("[data-keep-scroll]", (box) => {
  const key = `scroll:${box.dataset.keepScroll}`;
  const kept = Number(sessionStorage.getItem(key));
  if (kept && window.location.search.includes("case=")) box.scrollTop = kept;
  box.querySelector('[aria-current="true"]')?.scrollIntoView({ block: "nearest" });
  box.addEventListener("scroll", () => sessionStorage.setItem(key, String(box.scrollTop)), { passive: true });
});

mount("[data-fresh]", (button) => {
  const shown = document.querySelector(`.desk-tabs [data-count="${CSS.escape(button.dataset.fresh)}"]`);
  if (!shown) return;
  const first = shown.textContent;
  const words = button.querySelector("[data-fresh-words]");
  words.textContent = words.dataset.words;
  new MutationObserver(() => { button.hidden = shown.textContent === first; }).observe(shown, { childList: true, characterData: true, subtree: true });
  button.addEventListener("click", () => window.location.reload());
});
