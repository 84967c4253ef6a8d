// Where: the phone's own place, the photo's, a name, or the middle of a map of our own outlines.
import { loadScripts, loadStyles, make, token } from "../look/js/mount.js";
import { later, say, wrong } from "./said.js";

const CLOSE = 16;
const LABELS_FROM = 14;
const RECHECK_MS = 250;

export class Place {
  constructor(scope, form) {
    this.scope = scope;
    this.form = form;
    this.urls = form.dataset;
    this.box = scope.querySelector("[data-mapbox]");
    this.chosen = scope.querySelector("[data-chosen]");
    this.address = scope.querySelector("[data-address]");
    this.found = scope.querySelector("[data-found]");
    this.lon = form.elements.lon;
    this.lat = form.elements.lat;
    this.area = scope.querySelector("[data-area]");
    this.name = "";
    scope.querySelector("[data-here]").addEventListener("click", () => this.here());
    scope.querySelector("[data-open-map]").addEventListener("click", () => this.openMap());
    scope.querySelector("[data-from-photo]").addEventListener("click", () => this.point(this.photo.lon, this.photo.lat));
    this.address.addEventListener("input", () => wrong(scope, "place", ""));
    this.address.addEventListener("input", later(RECHECK_MS, () => this.search()));
    this.address.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.search();
    });
    this.check = later(RECHECK_MS, () => this.ask());
  }

  get isSet() {
    return Boolean((this.lon.value && this.lat.value) || this.area.value);
  }

  get words() {
    const detail = this.address.value.trim();
    return this.name.endsWith(detail) ? this.name : `${this.name} ${detail}`.trim();
  }

  offerPhoto(place) {
    this.photo = place;
    const button = this.scope.querySelector("[data-from-photo]");
    button.hidden = !place;
    button.querySelector("[data-photo-place]").textContent = place?.name ?? "";
  }

  tell(text, tone = "") {
    this.chosen.querySelector("span").textContent = text;
    this.chosen.dataset.tone = tone;
  }

  here() {
    const button = this.scope.querySelector("[data-here] span");
    const before = button.textContent;
    wrong(this.scope, "place", "");
    if (!navigator.geolocation) {
      wrong(this.scope, "place", say("no_place"));
      return;
    }
    button.textContent = say("locating");
    const ended = () => { button.textContent = before; };
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => { ended(); this.point(coords.longitude, coords.latitude); },
      (failure) => { ended(); wrong(this.scope, "place", say(failure.code === 1 ? "denied" : "no_place")); },
      { enableHighAccuracy: true, timeout: 12_000, maximumAge: 60_000 },
    );
  }

  async point(lon, lat) {
    this.set(lon, lat);
    await this.openMap();
    this.quiet = true;
    this.map?.setView([lat, lon], CLOSE, { animate: false });
    this.quiet = false;
    if ((await this.ask()) === false && this.shown?.has("city")) {
      this.quiet = true;
      this.map.fitBounds(this.shown.get("city").getBounds(), { animate: false });
      this.quiet = false;
    }
  }

  set(lon, lat) {
    this.lon.value = lon.toFixed(7);
    this.lat.value = lat.toFixed(7);
    this.area.value = "";
    this.pressed(null);
  }

  clearPoint() {
    this.lon.value = this.lat.value = "";
  }

  // Asks what the point is called; one outside the city is told and not kept.
  async ask() {
    const [lon, lat] = [this.lon.value, this.lat.value];
    if (!lon || !lat) return null;
    let answer;
    try {
      answer = await (await fetch(`${this.urls.locateUrl}?lon=${lon}&lat=${lat}`)).json();
    } catch {
      return null;  // no network: the server judges it when the report arrives
    }
    if (this.lon.value !== lon || this.lat.value !== lat) return null;
    wrong(this.scope, "place", "");
    if (answer.inside) {
      this.name = answer.name;
      this.tell(answer.name, "good");
      this.home = answer.area;
      this.outline(answer.district);
      this.paint();
    } else {
      this.clearPoint();
      this.name = "";
      this.tell(answer.detail, "bad");
    }
    this.form.dispatchEvent(new Event("portal:changed"));
    return answer.inside;
  }

  async search() {
    const text = this.address.value.trim();
    if (!text) {
      this.found.hidden = true;
      return [];
    }
    let places;
    try {
      const answer = await fetch(`${this.urls.placesUrl}?q=${encodeURIComponent(text)}`);
      ({ places = [] } = await answer.json());
    } catch {
      return null;
    }
    if (this.address.value.trim() !== text) return places;
    this.show(places, text);
    return places;
  }

  show(places, text) {
    this.found.hidden = false;
    const asked = places.map((place) => place.id).join(" ");
    if (places.length && this.found.dataset.asked === asked) return;  // not exchanged under a finger that is pressing
    this.found.dataset.asked = asked;
    const rows = places.map((place) => {
      const button = make("button", { type: "button", "aria-pressed": String(place.id) === this.area.value }, place.name, make("small", {}, place.where));
      button.addEventListener("click", () => this.take(place, this.address.value.trim(), button));
      return make("li", {}, button);
    });
    this.found.replaceChildren(...(rows.length ? rows : [make("li", {}, make("p", {}, say("none_found")))]));
    if (!rows.length && this.isSet) this.found.hidden = true;  // a detail of the place that is already chosen
  }

  take(place, text, button) {
    this.clearPoint();
    this.area.value = place.id;
    this.named = place;
    this.name = [place.where, place.name].filter(Boolean).join(" ");
    if (text.length <= place.name.length) this.address.value = place.name;
    this.pressed(button);
    wrong(this.scope, "place", "");
    this.tell(this.name, "good");
    if (this.map && place.lon !== null) {
      this.quiet = true;
      this.map.setView([place.lat, place.lon], CLOSE - 1, { animate: false });
      this.quiet = false;
    }
    this.form.dispatchEvent(new Event("portal:changed"));
  }

  pressed(button) {
    for (const one of this.found.querySelectorAll("button")) one.setAttribute("aria-pressed", one === button);
  }

  // Before the next question: a place must be there, or a name that means exactly one.
  async ready() {
    if (this.isSet) return true;
    if (this.scope.querySelector('[data-choices] :checked')) return true;
    if (!this.address.value.trim()) {
      wrong(this.scope, "place", say("place_missing"));
      return false;
    }
    const places = await this.search();
    if (places === null) return true;
    if (places.length === 1) {
      this.take(places[0], this.address.value.trim(), this.found.querySelector("button"));
      return true;
    }
    wrong(this.scope, "place", places.length ? say("which_place") : say("none_found"));
    return false;
  }

  async openMap() {
    this.scope.querySelector("[data-open-map]").hidden = true;
    this.box.hidden = false;
    if (this.map) {
      this.resize();
      return;
    }
    const element = this.box.querySelector("#map");
    element.setAttribute("aria-busy", "true");
    try {
      loadStyles([element.dataset.css]);
      await loadScripts([element.dataset.js]);
    } catch {
      this.box.hidden = true;
      wrong(this.scope, "place", say("no_map"));
      return;
    }
    this.draw(element);
    await this.outline(null);
    element.removeAttribute("aria-busy");
  }

  draw(element) {
    const map = L.map(element, { attributionControl: Boolean(element.dataset.tiles), zoomControl: true, preferCanvas: true, zoomSnap: 0.5 });
    this.map = map;
    map.setView([39, 117], 10);
    if (element.dataset.tiles) L.tileLayer(element.dataset.tiles, { maxZoom: 18, attribution: element.dataset.tilesCredit ?? "" }).addTo(map);
    this.bare = element.dataset.tiles ? 0 : 1;
    map.on("zoomend", () => this.paint());
    this.layers = L.layerGroup().addTo(map);
    this.labels = L.layerGroup().addTo(map);
    this.outlines = new Map();
    const pin = document.getElementById("pin").content.firstElementChild.cloneNode(true);
    element.append(pin);
    map.on("movestart", () => { if (!this.quiet) pin.dataset.up = ""; });
    map.on("moveend", () => {
      delete pin.dataset.up;
      this.write();
      if (this.quiet || !this.framed) return;
      const { lng, lat } = map.getCenter();
      this.set(lng, lat);
      this.check();
    });
    new ResizeObserver(() => this.resize()).observe(element);
    document.addEventListener("look:theme", () => this.paint());
  }

  // A map that changes its size has not been moved by anyone: the point stays.
  resize() {
    this.quiet = true;
    this.map.invalidateSize({ pan: false, animate: false });
    this.quiet = false;
  }

  // Districts to find one's way, communities of the district one is in. Each is fetched once.
  async outline(district) {
    if (!this.map) return;
    const key = district ?? "city";
    if (!this.outlines.has(key)) {
      const query = district ? `level=4&within=${district}&zoom=15` : "level=2&zoom=11";
      this.outlines.set(key, fetch(`${this.urls.outlineUrl}?${query}`).then((answer) => answer.json()).catch(() => null));
    }
    const shapes = await this.outlines.get(key);
    if (!shapes?.features?.length) {
      this.outlines.delete(key);
      return;
    }
    this.shown ??= new Map();
    if (this.shown.has(key)) return;
    this.shown.set(key, L.geoJSON(shapes, { interactive: false }));
    this.layers.addLayer(this.shown.get(key));
    this.paint();
    if (!this.framed) {
      this.quiet = true;
      if (this.lon.value) this.map.setView([Number(this.lat.value), Number(this.lon.value)], CLOSE, { animate: false });
      else if (this.area.value && this.named?.lon != null) this.map.setView([this.named.lat, this.named.lon], CLOSE - 1, { animate: false });
      else this.map.fitBounds(this.shown.get(key).getBounds(), { animate: false });
      this.quiet = false;
      this.framed = true;
    }
    this.write();
  }

  paint() {
    for (const [key, layer] of this.shown ?? []) {
      const fine = key !== "city";
      const near = this.map.getZoom() >= LABELS_FROM;
      layer.setStyle((feature) => {
        const mine = fine && feature.properties.id === this.home;
        return {
          color: token(mine ? "accent" : fine ? "outline" : "accent"),
          weight: mine ? 2.5 : fine ? 1 : 1.5,
          opacity: fine ? (mine ? 1 : 0.5) : near && this.shown.size > 1 ? 0 : 0.7,
          fillColor: token(mine ? "accent-soft" : "surface"),
          fillOpacity: fine ? (mine ? 0.9 : 0) : this.bare,
        };
      });
    }
  }

  // Names where they fit: larger areas first, none over another.
  write() {
    if (!this.shown) return;
    this.labels.clearLayers();
    const zoom = this.map.getZoom();
    const view = this.map.getBounds();
    const { x, y } = this.map.getSize().divideBy(2);
    const taken = [{ x, y: y - 14, half: 22 }, { x, y: y + 4, half: 22 }];  // the pin stands there; its place is said below
    for (const [key, layer] of this.shown) {
      if ((key === "city") === (zoom >= LABELS_FROM)) continue;
      layer.eachLayer(({ feature }) => this.label(feature.properties, view, taken));
    }
  }

  label({ label: [lon, lat], name, name_en: english }, view, taken) {
    if (!view.contains([lat, lon])) return;
    const text = document.documentElement.lang.startsWith("en") && english ? english : name;
    const { x, y } = this.map.latLngToContainerPoint([lat, lon]);
    const half = text.length * (text === english ? 4 : 7) + 4;
    if (taken.some((one) => Math.abs(one.x - x) < one.half + half && Math.abs(one.y - y) < 20)) return;
    taken.push({ x, y, half });
    const mark = make("span", { class: "cb-area-label" }, text);
    this.labels.addLayer(L.marker([lat, lon], { interactive: false, keyboard: false, icon: L.divIcon({ className: "", html: mark, iconSize: [0, 0] }) }));
  }
}
