// A photo strip opens large: ← → move, Esc closes, the words of the photo are said.
import { make } from "./mount.js";
import { words } from "./words.js";

let strip = [];
let at = 0;
let box = null;

function build() {
  const button = (label, sign, act) => {
    const one = make("button", { type: "button", "aria-label": label }, sign);
    one.addEventListener("click", act);
    return one;
  };
  const image = make("img", { alt: "" });
  const caption = make("span", { "aria-live": "polite" });
  const place = make("span");
  box = make("dialog", { class: "cb-lightbox" },
    make("div", { class: "cb-lightbox-bar" }, place, button(words.close, "×", () => box.close())),
    image,
    make("div", { class: "cb-lightbox-foot" }, button(words.previous, "‹", () => show(at - 1)), caption, button(words.next, "›", () => show(at + 1))));
  box.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") show(at - 1);
    if (event.key === "ArrowRight") show(at + 1);
  });
  box.addEventListener("click", (event) => { if (event.target === image) show(at + 1); });
  box.addEventListener("close", () => strip[at]?.focus());
  document.body.append(box);
  Object.assign(box, { image, caption, place });
}

function show(index) {
  at = (index + strip.length) % strip.length;
  const button = strip[at];
  const alt = button.querySelector("img")?.alt ?? "";
  box.image.src = button.dataset.photo;
  box.image.alt = alt;
  box.caption.textContent = button.dataset.caption || alt;
  box.place.textContent = words.photoOf(at + 1, strip.length);
  box.setAttribute("aria-label", alt);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-photo]");
  if (!button) return;
  event.preventDefault();
  strip = [...(button.closest("[data-photos]") ?? button.parentElement).querySelectorAll("[data-photo]")];
  if (!box) build();
  show(strip.indexOf(button));
  box.showModal();
});
