// Every page of the portal: codes can be copied, screens read aloud, and what waited for the network is shown.
import { offerSpeech } from "./speak.js";

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const label = button.querySelector("span");
    const before = label.textContent;
    label.textContent = (await copy(button.dataset.copy)) ? button.dataset.copied : button.dataset.copy;
    setTimeout(() => { label.textContent = before; }, 2500);
  });
}

// Without HTTPS browsers keep the clipboard shut: then the old way by a selection.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "visually-hidden";
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

const plain = (scope) => [...scope.querySelectorAll("h1, .cb-lead")].map((part) => part.textContent.trim().replace(/\s+/g, " ")).join("。");
const screens = document.querySelectorAll(".pt-step");
for (const screen of screens.length ? screens : document.querySelectorAll("main")) offerSpeech(screen, () => plain(screen));

// A report that waited for the network has arrived: its number and code are shown, unless another is being written.
document.addEventListener("look:sent", (event) => {
  const form = document.getElementById("report");
  if (!event.detail.queued || !event.detail.data?.next || (form && !form.hidden)) return;
  event.preventDefault();
  location.assign(event.detail.data.next);
});
