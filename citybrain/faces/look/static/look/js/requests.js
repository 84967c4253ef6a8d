// htmx: the CSRF header, a thin line while something loads, and plain words when it fails.
import { csrf } from "./mount.js";
import { toast } from "./toasts.js";
import { words } from "./words.js";

const SAID = { 401: words.signedOut, 403: words.forbidden, 404: words.gone, 410: words.gone, 429: words.busy };
let running = 0;

function busy(change) {
  running = Math.max(0, running + change);
  document.querySelector("[data-busy]")?.toggleAttribute("data-on", running > 0);
}

document.addEventListener("htmx:config:request", (event) => {
  const { request } = event.detail.ctx;
  if (!/GET|HEAD/.test(request.method)) request.headers["X-CSRFToken"] = csrf();
});
document.addEventListener("htmx:before:request", () => busy(1));
document.addEventListener("htmx:finally:request", () => busy(-1));

document.addEventListener("htmx:response:error", (event) => {
  const { ctx } = event.detail;
  const { status } = ctx.response;
  const page = /^\s*<!doctype/i.test(ctx.text ?? "");  // a whole page never goes into a piece of one
  if (page) ctx.swap = "none";
  if (page || status >= 500 || status === 429 || status === 401) toast(SAID[status] ?? words.failed, { tone: "failed" });
});
document.addEventListener("htmx:error", (event) => {
  if (event.detail.error instanceof TypeError) toast(words.offline, { tone: "failed" });
  busy(0);
});

// Filters go into the address by themselves; the button stays where there is text to type.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-filters]");
  if (!form || form.hasAttribute("hx-get") || event.target.type === "search") return;
  form.requestSubmit();
});
document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-filters]");
  if (!form) return;
  for (const input of form.elements) if (input.name && !input.value) input.disabled = true;  // a short address
  setTimeout(() => { for (const input of form.elements) input.disabled = false; });
});
