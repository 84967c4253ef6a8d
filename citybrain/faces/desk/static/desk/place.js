// The phone: where I am, what is near, today's route, and the report's place and item.
import { make, mount, token, withMaps } from "../look/js/mount.js";

const EARTH = 6_371_008.8;
const PAUSE = 350;

function metres(a, b) {
  const rad = Math.PI / 180;
  const h = Math.sin((b.lat - a.lat) * rad / 2) ** 2
    + Math.cos(a.lat * rad) * Math.cos(b.lat * rad) * Math.sin((b.lon - a.lon) * rad / 2) ** 2;
  return 2 * EARTH * Math.asin(Math.sqrt(h));
}

const said = (m) => (m < 1000 ? `${Math.round(m / 10) * 10} m` : `${(m / 1000).toFixed(1)} km`);

function whereAmI() {
  return new Promise((resolve, reject) => {
    if (!navigator.geolocation) { reject(new Error("no geolocation")); return; }
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => resolve({ lon: coords.longitude, lat: coords.latitude, about: coords.accuracy }),
      reject, { enableHighAccuracy: true, timeout: 10_000, maximumAge: 30_000 });
  });
}

const spot = (row) => (row.dataset.lon ? { lon: Number(row.dataset.lon), lat: Number(row.dataset.lat) } : null);

function tell(rows, here) {
  for (const row of rows) {
    const place = spot(row);
    const words = row.querySelector("[data-metres]");
    if (place && words) words.textContent = `· ${said(metres(here, place))}`;
  }
}

function byNearness(list, here) {
  const rows = [...list.querySelectorAll("[data-row]")];
  const far = (row) => (spot(row) ? metres(here, spot(row)) : Infinity);
  rows.sort((a, b) => far(a) - far(b));
  list.append(...rows);
  tell(rows, here);
}

// From here always to the nearest that is left: good enough for a day's walk.
function byRoute(list, start) {
  const left = [...list.querySelectorAll("[data-row]")];
  let here = start;
  tell(left, here);
  while (left.length) {
    const far = (row) => (spot(row) ? metres(here, spot(row)) : Infinity);
    left.sort((a, b) => far(a) - far(b));
    const next = left.shift();
    list.append(next);
    here = spot(next) ?? here;
  }
}

let map = null;
let line = null;
let asked = null;  // a route may be asked for before the map is drawn
withMaps((drawn) => {
  map = drawn;
  if (asked) drawRoute(...asked);
});

function drawRoute(list, here) {
  asked = [list, here];
  if (!map) return;
  const stops = [...list.querySelectorAll("[data-row]")].map(spot).filter(Boolean);
  line?.remove();
  line = window.L.polyline([here, ...stops].map((one) => [one.lat, one.lon]), { color: token("accent"), weight: 3, dashArray: "6 6" }).addTo(map);
  map.fitBounds(line.getBounds(), { padding: [24, 24] });
}

document.addEventListener("click", async (event) => {
  const near = event.target.closest("[data-near]");
  const route = event.target.closest("[data-route]");
  if (!near && !route) return;
  try {
    const here = await whereAmI();
    if (near) {
      near.setAttribute("aria-pressed", "true");
      document.querySelectorAll("[data-near-list]").forEach((list) => byNearness(list, here));
    } else {
      document.querySelectorAll("[data-route-list]").forEach((list) => {
        byRoute(list, here);
        list.toggleAttribute("data-numbered", true);
        drawRoute(list, here);
      });
    }
  } catch { (near ?? route).disabled = true; }
});

mount("form[data-report]", (form) => {
  const words = form.querySelector("[data-place-words]");
  const lon = form.elements.lon;
  const lat = form.elements.lat;
  let own = null;
  let here = null;
  const move = () => { if (own && here) own.setView([here.lat, here.lon], 17); };
  withMaps((drawn) => { own = drawn; move(); }, form);

  const locate = async () => {
    words.textContent = words.dataset.waiting;
    try {
      here = await whereAmI();
      lon.value = here.lon.toFixed(6);
      lat.value = here.lat.toFixed(6);
      words.textContent = words.dataset.found.replace("{m}", Math.round(here.about));
      move();
    } catch {
      words.textContent = words.dataset.failed;
    }
  };
  form.querySelector("[data-locate]").addEventListener("click", locate);
  if (!lon.value) locate();

  const text = form.querySelector("[data-guess]");
  const shelf = form.querySelector("[data-guesses]");
  const item = form.querySelector("[data-item]");
  let chosen = Boolean(item.value);
  let timer = 0;
  const press = (button) => {
    item.value = button.value;
    shelf.querySelectorAll("button").forEach((one) => one.setAttribute("aria-pressed", String(one === button)));
  };
  const guess = async () => {
    if (text.value.trim().length < 2) return;
    const answer = await fetch(`${text.dataset.guess}?text=${encodeURIComponent(text.value)}`, { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    const { guesses } = await answer.json();
    if (!guesses.length) return;
    shelf.replaceChildren(...guesses.map((one) => {
      const button = make("button", { type: "button", class: "btn desk-guess", value: one.code, "aria-pressed": "false" }, one.name);
      button.addEventListener("click", () => { chosen = true; press(button); });
      return button;
    }));
    if (!chosen) press(shelf.querySelector("button"));
  };
  const soon = () => { clearTimeout(timer); timer = setTimeout(() => guess().catch(() => {}), PAUSE); };
  text.addEventListener("input", soon);
  if (text.value) soon();  // brought back by the browser, or by the server with an error
  form.addEventListener("desk:picked", () => {
    chosen = true;
    shelf.querySelectorAll("button").forEach((one) => one.setAttribute("aria-pressed", "false"));
  });
});
