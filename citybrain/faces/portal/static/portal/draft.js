// What is not sent yet survives a closed tab or a camera that needed the memory: a day, in this browser only.
// A phone number is never kept.
const NAME = "citybrain.report";
const KEEP_MS = 24 * 3600 * 1000;
const FIELDS = ["description", "address", "lon", "lat", "area_id", "item_code"];

export function load() {
  try {
    const kept = JSON.parse(localStorage.getItem(NAME));
    return kept && Date.now() - kept.at < KEEP_MS ? kept : null;
  } catch {
    return null;
  }
}

export function save(form, photos, place) {
  const fields = Object.fromEntries(FIELDS.map((name) => [name, field(form, name)?.value ?? ""]));
  const empty = !photos.length && !Object.values(fields).some(Boolean);
  try {
    if (empty) localStorage.removeItem(NAME);
    else localStorage.setItem(NAME, JSON.stringify({ at: Date.now(), fields, photos, place }));
  } catch { /* no store in this browser: then nothing is kept */ }
}

export function fill(form, kept) {
  for (const name of FIELDS) {
    const input = field(form, name);
    if (kept.fields?.[name] && !input.value) input.value = kept.fields[name];  // what is written already stays
  }
}

export function drop() {
  try { localStorage.removeItem(NAME); } catch { /* nothing was kept */ }
}

const field = (form, name) => form.querySelector(`[name="${name}"]`);
