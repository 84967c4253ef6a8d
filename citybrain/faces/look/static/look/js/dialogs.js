// Native dialogs: data-open="id", data-close; hx-confirm asks in one; fetched ones open by themselves. Menus close.
import { make, mount } from "./mount.js";
import { words } from "./words.js";

export function ask(question, { yes = words.confirm, danger = false } = {}) {
  const accept = make("button", { class: danger ? "btn btn-danger" : "btn btn-primary", value: "yes" }, yes);
  const dialog = make("dialog", { class: "cb-dialog", "aria-label": words.sure },
    make("form", { method: "dialog" },
      make("div", { class: "cb-dialog-head" }, make("h2", {}, words.sure)),
      make("div", { class: "cb-dialog-body" }, question),
      make("div", { class: "cb-dialog-foot" }, make("button", { class: "btn", value: "" }, words.cancel), accept)));
  document.body.append(dialog);
  dialog.showModal();
  accept.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes");
      dialog.remove();
    });
  });
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open]");
  if (opener && opener.tagName === "BUTTON") document.getElementById(opener.dataset.open)?.showModal?.();
  const closer = event.target.closest("[data-close]");
  if (closer) closer.closest("dialog")?.close();
  if (event.target instanceof HTMLDialogElement && event.target.classList.contains("cb-dialog")) event.target.close();
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  if (event.target.closest("[data-print]")) window.print();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details[data-menu][open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
  event.stopImmediatePropagation();
}, true);

mount("#look-dialog-slot dialog", (dialog) => {
  if (!dialog.open) dialog.showModal();
  dialog.addEventListener("close", () => dialog.remove());
});

document.addEventListener("htmx:confirm", (event) => {
  const { ctx, issueRequest, dropRequest } = event.detail;
  if (!ctx.confirm) return;
  event.preventDefault();
  const danger = ctx.sourceElement.classList.contains("btn-danger");
  ask(ctx.confirm, { danger }).then((yes) => (yes ? issueRequest() : dropRequest()));
});
