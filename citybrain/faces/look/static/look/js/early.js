// What a hurried hand does before the scripts have come is kept, and done once as soon as they are there.
// Links and plain forms need no help: they go as the browser sends them. Runs before anything is painted.
(() => {
  const clicked = new Set();
  const touched = new Map();
  const sent = new Map();

  const click = (event) => {
    const target = event.target.closest('button[type="button"]');
    if (!target) return;
    clicked.add(target);  // pressed again because nothing happened: still once
    target.setAttribute("aria-busy", "true");
  };
  const touch = (event) => {
    if (event.target.type === "file") return;  // what takes files looks at them when it starts
    touched.set(event.target, (touched.get(event.target) ?? new Set()).add(event.type));
  };
  // A form that may have to wait for the network must not meet the browser's own error page.
  const submit = (event) => {
    if (!event.target.matches("form[data-queue-form]")) return;
    event.preventDefault();
    sent.set(event.target, event.submitter);
  };

  document.addEventListener("click", click, true);
  document.addEventListener("input", touch, true);
  document.addEventListener("change", touch, true);
  document.addEventListener("submit", submit, true);

  const again = () => {
    document.removeEventListener("click", click, true);
    document.removeEventListener("input", touch, true);
    document.removeEventListener("change", touch, true);
    document.removeEventListener("submit", submit, true);
    for (const [field, names] of touched) {
      for (const name of names) if (field.isConnected) field.dispatchEvent(new Event(name, { bubbles: true }));
    }
    for (const button of clicked) {
      button.removeAttribute("aria-busy");
      if (button.isConnected) button.click();
    }
    for (const [form, submitter] of sent) if (form.isConnected) form.requestSubmit(submitter);
  };
  // Deferred scripts and modules have all run by then, htmx's own start among them.
  document.addEventListener("DOMContentLoaded", () => setTimeout(again));
})();
