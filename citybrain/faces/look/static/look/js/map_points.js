// Cases on a map: points that gather into clusters, or the server's own counts where there are too many.
import { matches } from "./live.js";
import { make } from "./mount.js";
import { amount, words } from "./words.js";

const PAUSE = 250;
const WIDER = 0.25;  // fetch a little more than is in sight

export const toneOf = ({ tone, urgent, late }) => tone ?? (urgent ? "urgent" : late ? "late" : "info");

function clusterIcon(number, tone) {
  const size = Math.round(28 + 6 * Math.min(4, Math.log10(Math.max(1, number)) * 1.5));
  const html = make("span", { class: "cb-cluster", "data-tone": tone }, amount(number));
  return window.L.divIcon({ className: "", html, iconSize: [size, size] });
}

function pointIcon(properties) {
  const pin = make("span", { class: "cb-spot" }, make("span", { class: "cb-pin", "data-tone": toneOf(properties) }));
  return window.L.divIcon({ className: "", html: pin, iconSize: [24, 24] });  // large enough for a finger
}

export function watchPoints(box, map) {
  const { L } = window;
  const near = L.markerClusterGroup({
    showCoverageOnHover: false,
    maxClusterRadius: 60,
    animate: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    chunkedLoading: true,
    iconCreateFunction: (cluster) => {
      const tones = cluster.getAllChildMarkers().map((one) => one.options.tone);
      const late = tones.filter((tone) => tone === "late").length;
      return clusterIcon(cluster.getChildCount(), tones.includes("urgent") ? "urgent" : late * 2 > tones.length ? "late" : "info");
    },
  }).addTo(map);
  const far = L.layerGroup().addTo(map);
  let running = null;
  let timer = 0;
  let seen = null;

  const draw = (data) => {
    near.clearLayers();
    far.clearLayers();
    const markers = [];
    for (const { geometry, properties } of data.features) {
      const at = [geometry.coordinates[1], geometry.coordinates[0]];
      if (properties.count !== undefined) far.addLayer(gathered(at, properties));
      else markers.push(single(at, properties));
    }
    near.addLayers(markers);
  };
  const gathered = (at, { count, late }) => {
    const marker = L.marker(at, { icon: clusterIcon(count, late * 2 > count ? "late" : "info"), title: words.cases(amount(count)) });
    return marker.on("click", () => map.setView(at, map.getZoom() + 2));
  };
  const single = (at, properties) => {
    const marker = L.marker(at, { icon: pointIcon(properties), tone: toneOf(properties), title: properties.title ?? properties.label ?? "", alt: properties.label ?? "" });
    marker.bindTooltip(() => make("span", {}, [properties.title, properties.label, properties.number].filter(Boolean).join(" · ")));
    return marker.on("click", () => {
      const stay = !box.dispatchEvent(new CustomEvent("look:point", { bubbles: true, cancelable: true, detail: properties }));
      const address = properties.url ?? box.dataset.pointHref?.replace("{number}", encodeURIComponent(properties.number));
      if (!stay && address) window.location.assign(address);
    });
  };
  const load = async () => {
    running?.abort();
    running = new AbortController();
    const sight = map.getBounds().pad(WIDER);
    const address = new URL(box.dataset.points, window.location.href);
    address.searchParams.set("box", [sight.getWest(), sight.getSouth(), sight.getEast(), sight.getNorth()].map((n) => n.toFixed(6)).join(","));
    try {
      const answer = await fetch(address, { signal: running.signal, headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      const data = await answer.json();
      draw(data);
      seen = data.clustered ? null : sight;
      box.dispatchEvent(new CustomEvent("look:points", { bubbles: true, detail: { clustered: Boolean(data.clustered), count: data.features.length } }));
    } catch { /* moved on, or no net: what is drawn stays */ }
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(load, PAUSE);
  };
  map.on("moveend", () => { if (!seen?.contains(map.getBounds())) soon(); });
  new MutationObserver(load).observe(box, { attributes: true, attributeFilter: ["data-points"] });
  if (box.dataset.mapTopic) {
    document.addEventListener("look:changed", (event) => { if (matches(box.dataset.mapTopic, event.detail.topics)) setTimeout(soon, Math.random() * 3000); });
  }
  load();
}
