// Names on areas: below what lies there, the larger area first, and none over another or sticking out of its area.

const GAP = 4;
const PANE = "names";

// Returns the middle of the largest ring, weighted by area (a label inside most shapes).
export function middle(layer) {
  const rings = layer.getLatLngs().flat(layer.feature.geometry.type === "MultiPolygon" ? 1 : 0);
  let best = null;
  for (const ring of rings) {
    let area = 0;
    let x = 0;
    let y = 0;
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i, i += 1) {
      const cross = ring[j].lng * ring[i].lat - ring[i].lng * ring[j].lat;
      area += cross;
      x += (ring[j].lng + ring[i].lng) * cross;
      y += (ring[j].lat + ring[i].lat) * cross;
    }
    if (area && (!best || Math.abs(area) > best.area)) best = { area: Math.abs(area), lng: x / (3 * area), lat: y / (3 * area) };
  }
  return best;
}

// Returns "dark" or "light" for a fill (#rrggbb), so that the name on it can be read; "" for none.
export function over(fill) {
  if (!fill) return "";
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(fill.slice(at, at + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.22 ? "dark" : "light";
}

export function labels(map, layer, fillOf = () => "") {
  const { L } = window;
  if (!map.getPane(PANE)) map.createPane(PANE).classList.add("cb-area-names");
  const all = [];
  layer.eachLayer((one) => {
    const { name, short, label } = one.feature.properties;
    const at = name && one.getLatLngs ? middle(one) : null;
    if (!at) return;
    const text = document.createElement("span");
    text.className = "cb-area-label";
    text.append(short ?? name);
    if (label !== undefined && label !== null) {
      const figure = document.createElement("b");
      figure.textContent = label;
      text.append(figure);
    }
    const marker = L.marker(at, { icon: L.divIcon({ className: "", html: text, iconSize: [0, 0] }), pane: PANE, interactive: false, keyboard: false });
    all.push({ feature: one.feature, marker, text, bounds: one.getBounds(), area: at.area });
  });
  all.sort((a, b) => b.area - a.area);
  const group = L.layerGroup(all.map((one) => one.marker)).addTo(map);
  const sizes = new Map();
  const arrange = () => {
    const taken = [];
    for (const one of all) {
      if (!sizes.has(one)) sizes.set(one, { w: one.text.offsetWidth, h: one.text.offsetHeight });
      const { w, h } = sizes.get(one);
      const { x, y } = map.latLngToContainerPoint(one.marker.getLatLng());
      const box = [x - w / 2 - GAP, y - h / 2 - GAP, x + w / 2 + GAP, y + h / 2 + GAP];
      const wide = map.latLngToContainerPoint(one.bounds.getSouthEast()).x - map.latLngToContainerPoint(one.bounds.getNorthWest()).x;
      one.text.dataset.over = wide > w ? over(fillOf(one.feature)) : "";  // a name that sticks out lies on several shades
      const free = wide > w * 0.7 && taken.every((other) => box[2] < other[0] || box[0] > other[2] || box[3] < other[1] || box[1] > other[3]);
      one.text.toggleAttribute("data-hidden", !free);
      if (free) taken.push(box);
    }
  };
  arrange();
  map.on("zoomend", arrange);
  const again = () => { sizes.clear(); requestAnimationFrame(arrange); };
  document.addEventListener("look:theme", again);
  group.on("remove", () => {
    map.off("zoomend", arrange);
    document.removeEventListener("look:theme", again);
  });
  return group;
}
