// Batch steps: the chosen cases go into the form's address; Shift takes a stretch.
let last = null;

document.addEventListener("click", (event) => {
  const box = event.target.closest("[data-pick-one]");
  if (box) {
    const all = [...document.querySelectorAll("[data-pick-one]")];
    if (event.shiftKey && last && all.includes(last)) {
      const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
      all.slice(from, to + 1).forEach((one) => { one.checked = box.checked; });
      box.dispatchEvent(new Event("change", { bubbles: true }));
    }
    last = box;
    return;
  }
  const button = event.target.closest("[data-batch-get]");
  if (!button) return;
  const ids = [...document.querySelectorAll("[data-pick-one]:checked")].map((one) => one.value);
  if (ids.length) window.htmx.ajax("GET", `${button.dataset.batchGet}?ids=${ids.join(",")}`, { target: "#look-dialog-slot", swap: "innerHTML" });
});
