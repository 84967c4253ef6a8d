// A chart's table, one click away: works before the chart itself has been drawn.
import { words } from "./words.js";

export function flip(figure, on) {
  const button = figure.querySelector("[data-chart-switch]");
  figure.querySelector("[data-chart-table]").hidden = !on;
  figure.querySelector("[data-chart-body]").hidden = on;
  if (!button) return;
  button.textContent = on ? words.showChart : words.showTable;
  button.setAttribute("aria-expanded", on);
}

document.addEventListener("click", (event) => {
  const figure = event.target.closest("[data-chart-switch]")?.closest("[data-chart]");
  if (figure) flip(figure, figure.querySelector("[data-chart-table]").hidden);
});
