// Which columns are shown is kept per table in this browser; picked rows raise the batch bar.
import { mount } from "./mount.js";

function kept(key) {
  try {
    return JSON.parse(localStorage.getItem(`columns:${key}`)) ?? {};
  } catch {
    return {};
  }
}

mount("[data-table]", (box) => {
  const { table: key } = box.dataset;
  const table = box.querySelector("table");
  if (!table) return;
  const choice = kept(key);
  const show = (index, on) => {
    for (const row of table.rows) if (row.cells[index]) row.cells[index].hidden = !on;
  };
  for (const input of box.querySelectorAll("[data-column]")) {
    const { column } = input.dataset;
    const early = input.checked !== input.defaultChecked;  // chosen before this script was there
    if (column in choice && !input.disabled && !early) input.checked = choice[column];
    show(Number(input.value), input.checked);
    input.addEventListener("change", () => {
      choice[column] = input.checked;
      show(Number(input.value), input.checked);
      try {
        localStorage.setItem(`columns:${key}`, JSON.stringify(choice));
      } catch { /* a full or closed store: the choice lasts as long as the page */ }
    });
  }
});

export function count() {
  const all = [...document.querySelectorAll("[data-pick-one]")];
  const picked = all.filter((one) => one.checked);
  for (const bar of document.querySelectorAll("[data-batch]")) {
    bar.hidden = picked.length === 0;
    for (const number of bar.querySelectorAll("[data-batch-count]")) number.textContent = picked.length;
  }
  for (const box of document.querySelectorAll("[data-pick-all]")) {
    box.checked = all.length > 0 && picked.length === all.length;
    box.indeterminate = picked.length > 0 && picked.length < all.length;
  }
}

let last = null;
document.addEventListener("click", (event) => {
  const one = event.target.closest("[data-pick-one]");
  if (!one) return;
  if (event.shiftKey && last?.isConnected) {
    const all = [...document.querySelectorAll("[data-pick-one]")];
    const [from, to] = [all.indexOf(last), all.indexOf(one)].sort((a, b) => a - b);
    all.slice(from, to + 1).forEach((box) => { box.checked = one.checked; });
  }
  last = one;
  count();
});
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-pick-all]")) {
    document.querySelectorAll("[data-pick-one]").forEach((one) => { one.checked = event.target.checked; });
  }
  if (event.target.matches("[data-pick-all], [data-pick-one]")) count();
});
mount("[data-pick-all]", (box) => {
  if (box.checked) document.querySelectorAll("[data-pick-one]").forEach((one) => { one.checked = true; });
});
mount("[data-pick-one], [data-batch]", count);
