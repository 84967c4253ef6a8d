// Theme, elder mode and density without a reload; language with one. The server keeps the choice.
const root = document.documentElement;

const APPLY = {
  theme: (value) => {
    root.dataset.theme = value;
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.bsTheme = value === "auto" ? (dark ? "dark" : "light") : value;
    document.dispatchEvent(new CustomEvent("look:theme"));
  },
  elder: (value) => {
    root.toggleAttribute("data-elder", value === "1");
    document.dispatchEvent(new CustomEvent("look:theme"));
  },
  density: (value) => { root.dataset.density = value; },
  rail: (value) => { root.dataset.rail = value; },
};

export function keep(name, value) {
  const form = document.querySelector("form[data-choose]");
  if (!form) return Promise.resolve();
  const body = new FormData();
  body.set(name, value);
  body.set("csrfmiddlewaretoken", form.querySelector("[name=csrfmiddlewaretoken]").value);
  return fetch(form.action, { method: "POST", body, headers: { "X-Requested-With": "look" }, keepalive: true });
}

function mark(name, value) {
  for (const button of document.querySelectorAll(`form[data-choose] button[name="${name}"]`)) {
    if (name === "theme") {
      button.setAttribute("aria-pressed", button.value === value);
      continue;
    }
    const on = name === "elder" ? value === "1" : value === "compact";
    button.setAttribute("aria-pressed", on);
    button.value = name === "elder" ? (on ? "0" : "1") : on ? "normal" : "compact";
    const [standard, large] = button.dataset.words?.split("|") ?? [];
    if (large) button.querySelector("span").textContent = on ? standard : large;
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-choose]");
  const button = event.submitter;
  if (!form || !button) return;
  const { name, value } = button;
  if (!(name in APPLY)) return;  // language: the server paints the page anew
  event.preventDefault();
  APPLY[name](value);
  mark(name, value);
  keep(name, value);
});
