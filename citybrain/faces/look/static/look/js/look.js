// What every page loads. Maps and charts come when a page has one.
import { make, mount } from "./mount.js";
import { flip } from "./chart_switch.js";
import "./choose.js";
import "./dialogs.js";
import "./keyboard.js";
import "./lightbox.js";
import "./leaving.js";
import "./live.js";
import "./offline.js";
import "./photo.js";
import "./requests.js";
import "./shell.js";
import "./tables.js";
import "./times.js";
import "./toasts.js";
import { words } from "./words.js";

mount("[data-map]", (element) => {
  import("./map.js").then((module) => module.start(element), () => element.replaceChildren(make("p", { class: "cb-note", role: "alert" }, words.mapFailed)));
});
mount("[data-chart]", (element) => { import("./chart.js").then((module) => module.start(element), () => flip(element, true)); });
