// Runs a function once for each element that matches, now and whenever htmx brings new ones.
const mounts = [];

export function mount(selector, start) {
  const seen = new WeakSet();
  const run = (root) => {
    const found = [...root.querySelectorAll(selector)];
    if (root instanceof Element && root.matches(selector)) found.unshift(root);
    for (const element of found) {
      if (seen.has(element)) continue;
      seen.add(element);
      start(element);
    }
  };
  mounts.push(run);
  run(document);
}

export function mountAll(root = document) {
  for (const run of mounts) run(root);
}

document.addEventListener("htmx:after:process", () => mountAll());

// Calls `use(map, box)` for every map of ours: those that are drawn already, and those that will be.
export function withMaps(use, root = document) {
  root.addEventListener("look:map", (event) => use(event.detail.map, event.target));
  for (const box of root.querySelectorAll("[data-map]")) if (box.lookMap) use(box.lookMap, box);
}

const loading = new Map();

// Loads classic scripts one after the other, each once.
export function loadScripts(addresses) {
  return addresses.reduce((before, address) => before.then(() => loadOne(address)), Promise.resolve());
}

function loadOne(address) {
  if (!loading.has(address)) {
    loading.set(address, new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = address;
      script.onload = resolve;
      script.onerror = () => {
        loading.delete(address);
        script.remove();
        reject(new Error(`${address} did not load`));
      };
      document.head.append(script);
    }));
  }
  return loading.get(address);
}

export function loadStyles(addresses) {
  for (const address of addresses) {
    if (document.querySelector(`link[href="${CSS.escape(address)}"]`)) continue;
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = address;
    document.head.prepend(link);  // ours stay behind it and win
  }
}

export const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--cb-${name}`).trim();

export const csrf = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

// An icon of the sprite. `name` must be in an icons.txt.
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "cb-icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${document.documentElement.dataset.icons}#${name}`);
  svg.append(use);
  return svg;
}

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}
