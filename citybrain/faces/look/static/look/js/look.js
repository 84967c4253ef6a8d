// What every page loads. Maps and charts come when a page has one.
import { mount } from "./mount.js";
import "./choose.js";
import "./dialogs.js";
import "./keyboard.js";
import "./lightbox.js";
import "./live.js";
import "./offline.js";
import "./photo.js";
import "./requests.js";
import "./shell.js";
import "./tables.js";
import "./times.js";
import "./toasts.js";

mount("[data-map]", (element) => { import("./map.js").then((module) => module.start(element)); });
mount("[data-chart]", (element) => { import("./chart.js").then((module) => module.start(element)); });
