// The frame: the rail folds, the phone's drawer opens, the cockpit fills the screen; offline says so.
import { keep } from "./choose.js";

const root = document.documentElement;

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-rail-fold]")) {
    root.dataset.rail = root.dataset.rail === "narrow" ? "wide" : "narrow";
    keep("rail", root.dataset.rail);
    window.dispatchEvent(new Event("resize"));
  }
  if (event.target.closest("[data-rail-open-button]")) {
    root.toggleAttribute("data-rail-open", true);
    document.querySelector(".cb-rail a")?.focus();
  }
  if (event.target.closest("[data-rail-close], .cb-rail a")) root.toggleAttribute("data-rail-open", false);
  if (event.target.closest("[data-fullscreen]")) {
    if (document.fullscreenElement) document.exitFullscreen();
    else root.requestFullscreen?.();
  }
  if (event.target.closest("[data-split-back]")) {
    const split = event.target.closest(".cb-split");
    if (split) split.dataset.open = "list";
    split?.querySelector('.cb-split-list [aria-current="true"] a, .cb-split-list [data-row] a')?.focus();
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") root.toggleAttribute("data-rail-open", false);
});

function net() {
  for (const banner of document.querySelectorAll("[data-offline]")) banner.hidden = navigator.onLine;
}

net();
window.addEventListener("online", net);
window.addEventListener("offline", net);
