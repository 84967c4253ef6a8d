// Reads a screen's question aloud with the device's own voice: nothing leaves the phone.
import { make } from "../look/js/mount.js";

const voice = globalThis.speechSynthesis;

export function offerSpeech(scope, text) {
  if (!voice || !globalThis.SpeechSynthesisUtterance) return;
  document.documentElement.setAttribute("data-speech", "");
  const shelf = document.getElementById("said")?.content.querySelector('[data-word="speak"]');
  const heading = scope.querySelector("h1");
  if (!heading || !shelf) return;
  const button = make("button", { type: "button", class: "pt-speak" });
  button.append(...shelf.cloneNode(true).childNodes);
  button.addEventListener("click", () => {
    voice.cancel();
    const words = new SpeechSynthesisUtterance(text());
    words.lang = document.documentElement.lang.startsWith("en") ? "en-US" : "zh-CN";
    words.rate = 0.9;
    voice.speak(words);
  });
  heading.after(button);
}
