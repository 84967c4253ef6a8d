// A map of our own area shapes with Leaflet: shades, labels that don't collide, clusters, and picking a place.
import { watchPoints } from "./map_points.js";
import { labels } from "./map_labels.js";
import { loadScripts, loadStyles, make, token } from "./mount.js";
import { toast } from "./toasts.js";
import { amount, words } from "./words.js";

const STEPS = 5;
const CLOSE = 16;
const split = (text) => (text ?? "").split(" ").filter(Boolean);

export async function start(box) {
  loadStyles(split(box.dataset.css));
  try {
    await loadScripts(split(box.dataset.js));
  } catch {
    box.replaceChildren(make("p", { class: "cb-note", role: "alert" }, words.mapFailed));
    return;
  }
  const canvas = make("div");
  canvas.className = "cb-map-canvas";
  box.append(canvas);
  const map = build(box, canvas);
  box.querySelector("[data-map-wait]")?.remove();
  const centred = box.dataset.lon !== undefined;
  if (centred) map.setView([box.dataset.lat, box.dataset.lon], Number(box.dataset.zoom) || CLOSE);
  else map.setView([39.1, 117.2], 9);
  if (centred && !box.dataset.pick) pin(map, box);
  let moved = false;
  map.once("dragstart", () => { moved = true; });
  if (box.dataset.areas) await shapes(box, map, !centred && !moved);
  if (box.dataset.points) watchPoints(box, map);
  if (box.dataset.pick) picker(box, map, moved);
  box.lookMap = map;
  new ResizeObserver(() => map.invalidateSize({ animate: false, pan: false })).observe(box);
  box.dispatchEvent(new CustomEvent("look:map", { bubbles: true, detail: { map } }));
}

function build(box, canvas) {
  const { L } = window;
  const map = L.map(canvas, {
    zoomControl: false,
    attributionControl: Boolean(box.dataset.tiles),
    preferCanvas: true,
    maxZoom: 18,
    zoomSnap: 0.25,
    zoomDelta: 1,
    scrollWheelZoom: box.dataset.still === undefined,
    fadeAnimation: false,
  });
  L.control.zoom({ position: "topright", zoomInTitle: words.zoomIn, zoomOutTitle: words.zoomOut }).addTo(map);
  if (box.dataset.tiles) {
    map.attributionControl.setPrefix(false);
    L.tileLayer(box.dataset.tiles, { attribution: box.dataset.tilesCredit ?? "", maxZoom: 18 }).addTo(map);
  }
  return map;
}

function pin(map, box) {
  const { L } = window;
  const icon = L.divIcon({ className: "", html: make("span", { class: "cb-pin", "data-tone": box.dataset.tone || "info" }), iconSize: [20, 20] });
  L.marker([box.dataset.lat, box.dataset.lon], { icon, keyboard: false, interactive: false }).addTo(map);
}

// Limits of the shades: equal counts of areas in each, so that one extreme area doesn't wash out the rest.
export function limits(values) {
  const sorted = [...new Set(values)].sort((a, b) => a - b);
  if (sorted.length <= STEPS) return sorted;
  return Array.from({ length: STEPS }, (_, step) => sorted[Math.floor((step * sorted.length) / STEPS)]);
}

// Draws the areas, and draws them again when their address changes: other figures, or other areas.
async function shapes(box, map, fit) {
  let drawn = null;
  let latest = 0;
  const load = async () => {
    latest += 1;
    const mine = latest;
    const data = await outlines(box);
    if (!data || mine !== latest) return;
    const before = drawn?.ids;
    drawn?.remove();
    drawn = draw(box, map, data);
    const bounds = drawn.layer.getBounds();
    if (fit && drawn.ids !== before && bounds.isValid()) map.fitBounds(bounds, { padding: [12, 12], animate: false });
    drawn.label();
  };
  await load();
  new MutationObserver(() => { if (box.dataset.areas) load(); }).observe(box, { attributes: true, attributeFilter: ["data-areas"] });
}

// Fewer steps than shades are spread over all of them, so that they can be told apart.
const shadeOf = (at, of) => (of < 2 ? 1 : 1 + Math.round(((Math.max(1, at) - 1) * (STEPS - 1)) / (of - 1)));

async function outlines(box) {
  try {
    const answer = await fetch(box.dataset.areas, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const data = await answer.json();
    box.querySelector("[data-map-failed]")?.remove();
    return data;
  } catch {
    if (!box.querySelector("[data-map-failed]")) box.append(make("p", { class: "cb-banner cb-map-note", "data-kind": "failed", "data-map-failed": true, role: "alert" }, words.mapFailed));
    return null;
  }
}

const isNothing = (value) => value === null || value === undefined;

function draw(box, map, data) {
  const { L } = window;
  const { shade } = box.dataset;
  const values = shade ? data.features.map((one) => one.properties[shade]).filter((value) => !isNothing(value)) : [];
  const steps = limits(values);
  const digits = values.every(Number.isInteger) ? 0 : 1;
  const bare = box.dataset.tiles ? 0.35 : 1;
  const fill = ({ properties }) => {
    if (!shade) return token(properties.mine ? "accent-soft" : "surface");
    if (isNothing(properties[shade])) return token("sunken");
    return token(`shade-${shadeOf(steps.filter((limit) => properties[shade] >= limit).length, steps.length)}`);
  };
  const style = (feature) => ({
    color: token(shade ? "surface" : "line-strong"),
    weight: feature.properties.mine ? 3 : 1,
    fillColor: fill(feature),
    fillOpacity: shade ? 0.9 * bare + 0.1 : bare * 0.85,
  });
  const tip = ({ properties }) => {
    const value = shade && !isNothing(properties[shade]) ? `${amount(properties[shade], digits)} ${box.dataset.unit ?? ""}` : "";
    const said = properties.said ? make("span", { class: "cb-map-said" }, properties.said) : "";
    return make("span", {}, properties.name ?? "", value ? make("b", {}, ` ${value}`) : "", said);
  };
  const layer = L.geoJSON(data, {
    style,
    filter: (feature) => feature.geometry?.type !== "Point",
    onEachFeature: (feature, one) => {
      if (feature.properties.name) one.bindTooltip(() => tip(feature), { sticky: true });
      one.on("mouseover", () => one.setStyle({ weight: 2.5, color: token("accent") }).bringToFront());
      one.on("mouseout", () => layer.resetStyle(one));
      one.on("click", () => {
        const stay = !box.dispatchEvent(new CustomEvent("look:area", { bubbles: true, cancelable: true, detail: feature.properties }));
        if (!stay && feature.properties.url && !box.dataset.pick) window.location.assign(feature.properties.url);
      });
    },
  }).addTo(map);
  const repaint = () => requestAnimationFrame(() => layer.setStyle(style));
  document.addEventListener("look:theme", repaint);
  box.querySelector(".cb-legend")?.remove();
  if (steps.length > 1) legend(box, steps, digits);
  box.lookAreas = layer;
  let names = null;
  return {
    layer,
    ids: data.features.map((one) => one.properties.id).join(" "),
    label: () => { names = labels(map, layer, (feature) => (shade ? fill(feature) : "")); },
    remove: () => {
      document.removeEventListener("look:theme", repaint);
      names?.remove();
      layer.remove();
    },
  };
}

function legend(box, steps, digits) {
  const marks = make("div", { class: "cb-legend-steps" }, ...steps.map((step, at) => make("span", { "data-shade": shadeOf(at + 1, steps.length) }, amount(step, digits))));
  box.append(make("div", { class: "cb-legend", "aria-hidden": "true" }, box.dataset.legend ?? box.dataset.unit ?? "", marks));
}

// The middle of the map is the place: move the map under the cross. Works by finger, mouse and arrow keys.
function picker(box, map, moved) {
  const [lon, lat] = split(box.dataset.pick).map((id) => document.getElementById(id));
  const cross = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  cross.setAttribute("viewBox", "0 0 24 24");
  cross.setAttribute("class", "cb-crosshair");
  const drop = document.createElementNS("http://www.w3.org/2000/svg", "path");
  drop.setAttribute("d", "M12 23s7-7.2 7-13a7 7 0 1 0-14 0c0 5.8 7 13 7 13zm0-10.2a2.8 2.8 0 1 1 0-5.6a2.8 2.8 0 0 1 0 5.6z");
  drop.setAttribute("fill", "currentColor");
  cross.append(drop);
  box.append(cross);
  const write = () => {
    const { lng, lat: north } = map.getCenter();
    if (lon) lon.value = lng.toFixed(6);
    if (lat) lat.value = north.toFixed(6);
    lon?.dispatchEvent(new Event("change", { bubbles: true }));
    box.dispatchEvent(new CustomEvent("look:pick", { bubbles: true, detail: { lon: lng, lat: north } }));
  };
  if (lon?.value && lat?.value) map.setView([lat.value, lon.value], CLOSE);
  map.on("moveend", write);
  if (moved && !lon?.value) write();  // moved before this was listening
  const locate = make("button", { type: "button", class: "btn btn-sm cb-map-note" }, words.locate);
  locate.addEventListener("click", () => {
    locate.textContent = words.locating;
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => { locate.textContent = words.locate; map.setView([coords.latitude, coords.longitude], 17); },
      () => { locate.textContent = words.locate; toast(words.notLocated); },
      { enableHighAccuracy: true, timeout: 10_000, maximumAge: 30_000 },
    );
  });
  if (navigator.geolocation) box.append(locate);
}
