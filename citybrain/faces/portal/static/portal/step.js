// One thing asked of the reporter: photos are sent ahead, the rest is a plain form.
import { Shots } from "./shots.js";

const form = document.getElementById("step");
const shots = new Shots(form.querySelector("[data-shots]"), { url: form.dataset.photoUrl, most: Number(form.dataset.mostPhotos) });

// A form sent by the browser itself can't carry files from the shelf: those go in by this event.
form.addEventListener("formdata", (event) => shots.fill(event.formData));
form.addEventListener("submit", () => { form.querySelector("[data-send]").setAttribute("aria-busy", "true"); });
