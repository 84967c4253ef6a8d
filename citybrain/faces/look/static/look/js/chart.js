// Draws what charts.Chart holds with ECharts: direct labels, honest zero, our colours, the table one click away.
import { flip } from "./chart_switch.js";
import { loadScripts, make, token } from "./mount.js";
import { amount, short, words } from "./words.js";

const CALM = matchMedia("(prefers-reduced-motion: reduce)");
const FEW = 3;  // up to so many series are labelled directly, more get a legend
const MANY_BARS = 14;

function palette() {
  return [1, 2, 3, 4, 5, 6].map((n) => token(`series-${n}`));
}

function base(data) {
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  return {
    color: palette(),
    animationDuration: CALM.matches ? 0 : 250,
    animation: !CALM.matches,
    textStyle: { fontFamily: token("font"), fontSize: rem * 0.75, color: token("ink-2") },
    grid: { left: 4, right: 12, top: 16, bottom: 4, containLabel: true },
    tooltip: tooltip(data),
  };
}

function tooltip(data) {
  return {
    trigger: "axis",
    confine: true,
    backgroundColor: token("raised"),
    borderColor: token("line"),
    borderWidth: 1,
    padding: 0,
    axisPointer: { type: data.kind === "bar" || data.kind === "bar_h" ? "shadow" : "line", lineStyle: { color: token("line-strong") }, shadowStyle: { color: token("ink"), opacity: 0.05 } },
    formatter: (given) => {
      const rows = Array.isArray(given) ? given : [given];
      const lines = rows.map((row) => {
        const value = Array.isArray(row.value) ? row.value[2] : row.value;
        const name = data.kind === "heat" ? data.series[row.value[1]].name : row.seriesName;
        return make("div", {}, `${name} `, make("b", {}, `${amount(value ?? null, data.digits)} ${data.unit}`));
      });
      const title = data.kind === "heat" ? data.categories[rows[0].value[0]] : rows[0].axisValueLabel ?? rows[0].name;
      return make("div", { class: "cb-tip" }, make("div", { class: "cb-faint" }, title), ...lines);
    },
  };
}

function axes(data) {
  const small = parseFloat(getComputedStyle(document.documentElement).fontSize) * 0.75;
  const names = {
    type: "category",
    data: data.categories,
    axisTick: { show: false },
    axisLine: { lineStyle: { color: token("line-strong") } },
    axisLabel: { color: token("ink-2"), fontSize: small, hideOverlap: true },
  };
  const values = {
    type: "value",
    min: data.kind === "line" || data.kind === "area" ? undefined : 0,
    scale: data.kind === "line",
    splitNumber: 4,
    minInterval: data.digits ? 0 : 1,
    axisLabel: { color: token("ink-3"), fontSize: small, formatter: short },
    splitLine: { lineStyle: { color: token("line") } },
  };
  return { names, values };
}

function threshold(data) {
  if (data.threshold === null) return undefined;
  const axis = data.kind === "bar_h" ? "xAxis" : "yAxis";
  return {
    silent: true,
    symbol: "none",
    lineStyle: { color: token("late"), type: "dashed", width: 1 },
    label: { position: "insideEndTop", color: token("late-ink"), formatter: `${data.thresholdLabel} ${amount(data.threshold, data.digits)}`.trim() },
    data: [{ [axis]: data.threshold }],
  };
}

// About how wide a text is, in its own font size.
const wide = (text) => [...text].reduce((sum, sign) => sum + (sign.charCodeAt(0) > 0x2e7f ? 1 : 0.6), 0);

function lines(data) {
  const { names, values } = axes(data);
  const direct = data.series.length > 1 && data.series.length <= FEW;
  const common = base(data);
  const longest = Math.max(...data.series.map((one) => wide(one.name))) * common.textStyle.fontSize;
  return {
    ...common,
    grid: { ...common.grid, right: direct ? 16 + longest : 16, top: data.series.length > FEW ? 36 : 16 },
    legend: data.series.length > FEW ? { top: 0, left: 0, icon: "roundRect", itemWidth: 12, itemHeight: 3, textStyle: { color: token("ink-2") } } : undefined,
    xAxis: { ...names, boundaryGap: false },
    yAxis: values,
    series: data.series.map((one, index) => ({
      name: one.name,
      type: "line",
      data: one.values,
      showSymbol: one.values.length === 1,
      symbolSize: 6,
      lineStyle: { width: 2, type: index === 1 ? [6, 3] : index === 2 ? [2, 3] : "solid" },
      areaStyle: data.kind === "area" ? { opacity: 0.12 } : undefined,
      endLabel: direct ? { show: true, formatter: "{a}", color: palette()[index % 6], fontWeight: 500 } : undefined,
      labelLayout: direct ? { moveOverlap: "shiftY" } : undefined,
      markLine: index === 0 ? threshold(data) : undefined,
    })),
  };
}

function bars(data) {
  const { names, values } = axes(data);
  const flat = data.kind === "bar_h";
  const single = data.series.length === 1;
  const labelled = single && data.categories.length <= MANY_BARS;
  const common = base(data);
  const category = flat ? { ...names, inverse: true, axisLine: { show: false } } : names;
  const value = labelled ? { ...values, axisLabel: { show: false }, splitLine: { show: false } } : values;
  return {
    ...common,
    grid: { ...common.grid, top: single ? 20 : 36, left: flat ? 12 : 4, right: flat && labelled ? 48 : 12 },
    legend: single ? undefined : { top: 0, left: 0, icon: "roundRect", itemWidth: 10, itemHeight: 10, textStyle: { color: token("ink-2") } },
    xAxis: flat ? value : category,
    yAxis: flat ? category : value,
    series: data.series.map((one, index) => ({
      name: one.name,
      type: "bar",
      data: one.values,
      barMaxWidth: flat ? 18 : 36,
      itemStyle: { borderRadius: flat ? [0, 3, 3, 0] : [3, 3, 0, 0] },
      label: labelled ? { show: true, position: flat ? "right" : "top", color: token("ink"), formatter: ({ value: n }) => amount(n, data.digits) } : undefined,
      cursor: data.urls.length || one.urls?.length ? "pointer" : "default",
      markLine: index === 0 ? threshold(data) : undefined,
    })),
  };
}

function heat(data) {
  const { names } = axes(data);
  const points = data.series.flatMap((one, y) => one.values.map((value, x) => [x, y, value ?? 0]));
  const common = base(data);
  return {
    ...common,
    tooltip: { ...common.tooltip, trigger: "item" },
    xAxis: { ...names, axisLine: { show: false }, splitArea: { show: false } },
    yAxis: { type: "category", data: data.series.map((one) => one.name), inverse: true, axisTick: { show: false }, axisLine: { show: false }, axisLabel: { color: token("ink-2") } },
    visualMap: { show: false, min: 0, max: Math.max(1, ...points.map((point) => point[2])), inRange: { color: [1, 2, 3, 4, 5].map((n) => token(`shade-${n}`)) } },
    series: [{ type: "heatmap", data: points, itemStyle: { borderColor: token("surface"), borderWidth: 2, borderRadius: 3 } }],
  };
}

const DRAW = { line: lines, area: lines, bar: bars, bar_h: bars, heat };

export async function start(figure) {
  const body = figure.querySelector("[data-chart-body]");
  const table = figure.querySelector("[data-chart-table]");
  try {
    await loadScripts([figure.dataset.js]);
  } catch {
    if (table) flip(figure, true);
    figure.querySelector("[data-chart-switch]")?.remove();
    table?.before(make("p", { class: "cb-small cb-quiet" }, words.chartFailed));
    return;
  }
  const drawn = window.echarts.init(body, null, { renderer: "canvas" });
  let data = JSON.parse(figure.dataset.chart);
  const paint = () => drawn.setOption(DRAW[data.kind](data), true);
  paint();
  drawn.on("click", (point) => {
    const address = data.series[point.seriesIndex]?.urls?.[point.dataIndex] ?? data.urls[point.dataIndex];
    if (address) window.location.assign(address);
  });
  document.addEventListener("look:theme", () => requestAnimationFrame(paint));
  new ResizeObserver(() => { if (body.clientWidth) drawn.resize(); }).observe(body);
  new MutationObserver(() => {
    if (!figure.dataset.chart) return;
    data = JSON.parse(figure.dataset.chart);
    paint();
  }).observe(figure, { attributes: true, attributeFilter: ["data-chart"] });
  figure.dispatchEvent(new CustomEvent("look:chart", { bubbles: true, detail: { chart: drawn } }));
}
