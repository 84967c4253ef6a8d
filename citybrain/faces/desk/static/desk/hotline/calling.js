// 来电弹屏: a call on one's own line opens the operator's screen. Nobody's typing is taken away: then it only rings.
import { make, mount } from "../../look/js/mount.js";
import { language } from "../../look/js/words.js";

const POPPED = "hotline:popped";
const SAID = language === "zh" ? { rings: "来电", take: "接这个来电", later: "稍后" } : { rings: "Incoming call", take: "Take this call", later: "Later" };

const typed = () => document.querySelector("dialog[open]") !== null
  || [...document.querySelectorAll("input:not([type=hidden]):not([type=search]), textarea")].some((one) => (one.type === "checkbox" || one.type === "radio" ? one.checked !== one.defaultChecked : one.value !== one.defaultValue));

function wasPopped(call) {
  try {
    if (sessionStorage.getItem(POPPED) === String(call)) return true;
    sessionStorage.setItem(POPPED, String(call));
  } catch { /* no store: ring once a page */ }
  return false;
}

function ring(told) {
  document.querySelector("[data-ring]")?.remove();
  const go = make("a", { class: "btn btn-primary", href: told.url, "data-fkey": "F7" }, `${SAID.take} F7`);
  const later = make("button", { class: "btn", type: "button" }, SAID.later);
  const box = make("div", { class: "hot-ring", role: "alert", "data-ring": told.call }, make("b", {}, SAID.rings), make("span", {}, told.who), make("div", { class: "cb-row" }, go, later));
  later.addEventListener("click", () => box.remove());
  document.body.append(box);
}

mount("[data-line]", (line) => {
  const form = document.querySelector("form[data-take]");
  const here = form?.elements.call;

  const show = (told) => {
    if (!told.call || told.written) {
      document.querySelector("[data-ring]")?.remove();
      return;
    }
    if (here?.value === String(told.call) || wasPopped(told.call)) return;
    const empty = form && !["text", "phone", "place_text", "answer"].some((name) => form.elements[name].value.trim());
    if (form ? empty : !typed()) {
      window.location.assign(told.url);
      return;
    }
    const banner = document.querySelector("[data-pop]");
    if (!banner) { ring(told); return; }
    banner.querySelector("[data-pop-who]").textContent = ` ${told.who}`;
    banner.querySelector("[data-pop-take]").href = told.url;
    banner.hidden = false;
  };

  const ask = async () => {
    try {
      const answer = await fetch(line.dataset.lineUrl, { headers: { Accept: "application/json" } });
      if (answer.ok) show(await answer.json());
    } catch { /* the next event asks again */ }
  };
  document.addEventListener("look:changed", (event) => {
    const { topics } = event.detail;
    if (topics.includes(line.dataset.line) || topics.includes("*")) ask();
  });
  document.querySelector("[data-pop-close]")?.addEventListener("click", () => { document.querySelector("[data-pop]").hidden = true; });
  if (!form) {
    document.addEventListener("keydown", (event) => {
      if (event.key !== "F7") return;
      const go = document.querySelector("[data-ring] a");
      if (go) { event.preventDefault(); go.click(); }
    });
  }
});
