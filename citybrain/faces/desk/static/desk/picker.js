// Type to find, arrows and Enter to take. The form sends the hidden value; the words are for the eye.
import { make, mount } from "../look/js/mount.js";

const PAUSE = 120;

mount("[data-picker]", (picker) => {
  const words = picker.querySelector("[data-picker-words]");
  const value = picker.querySelector("[data-picker-value]");
  const field = picker.closest("fieldset");
  const list = make("ul", { class: "desk-options", role: "listbox", hidden: true, id: `options-${Math.random().toString(36).slice(2, 8)}` });
  let choices = [];
  let at = -1;
  let timer = 0;
  let asked = 0;
  picker.append(list);
  words.setAttribute("aria-controls", list.id);

  const show = (open) => {
    list.hidden = !open;
    words.setAttribute("aria-expanded", String(open));
    if (!open) { at = -1; words.removeAttribute("aria-activedescendant"); return; }
    const box = words.getBoundingClientRect();
    list.toggleAttribute("data-up", window.innerHeight - box.bottom < 280 && box.top > 280);
  };

  const mark = (next) => {
    at = next;
    [...list.children].forEach((line, place) => line.setAttribute("aria-selected", String(place === at)));
    const line = list.children[at];
    if (!line) return;
    words.setAttribute("aria-activedescendant", line.id);
    line.scrollIntoView({ block: "nearest" });
  };

  const take = (choice) => {
    words.value = choice.label;
    value.value = choice.value;
    field?.querySelectorAll("[data-suggested] input").forEach((radio) => { radio.checked = false; });
    show(false);
    picker.dispatchEvent(new CustomEvent("desk:picked", { bubbles: true, detail: choice }));
  };

  const draw = () => {
    list.replaceChildren(...choices.map((choice, place) => {
      const line = make("li", { role: "option", id: `${list.id}-${place}`, "aria-selected": "false" }, choice.label, make("small", {}, choice.note));
      line.addEventListener("pointerdown", (event) => { event.preventDefault(); take(choice); });
      return line;
    }));
    show(choices.length > 0 && document.activeElement === words);
    if (choices.length) mark(0);
  };

  const ask = async () => {
    asked += 1;
    const mine = asked;
    const address = new URL(picker.dataset.picker, window.location.origin);
    address.searchParams.set("q", words.value);
    const answer = await fetch(address, { headers: { Accept: "application/json" } });
    if (!answer.ok || mine !== asked) return;
    choices = (await answer.json()).choices;
    draw();
  };

  words.addEventListener("input", () => {
    value.value = "";
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  });
  words.addEventListener("focus", () => { if (!value.value) ask(); });
  words.addEventListener("blur", () => {
    show(false);
    if (!value.value) words.value = "";
  });
  words.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      mark((at + (event.key === "ArrowDown" ? 1 : choices.length - 1)) % choices.length);
    } else if (event.key === "Enter" && choices[at]) {
      event.preventDefault();
      take(choices[at]);
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      show(false);
    }
  });
  field?.querySelector("[data-suggested]")?.addEventListener("change", () => { words.value = ""; value.value = ""; });
});
