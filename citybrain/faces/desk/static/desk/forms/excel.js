// A workbook that was filled elsewhere, dropped on the sheet's page: shown what it changes, then saved.
import { mount } from "../../look/js/mount.js";
import { words } from "./words.js";

const box = document.querySelector("[data-sheet]");

mount("#fm-excel", (dialog) => {
  const form = dialog.querySelector("form");
  const input = form.elements.file;
  const came = dialog.querySelector("[data-came]");

  // The file is held as it is now: Excel may write it again while the reader looks.
  async function hold(file) {
    const held = new DataTransfer();
    held.items.add(new File([await file.arrayBuffer()], file.name, { type: file.type }));
    input.files = held.files;
  }

  dialog.addEventListener("look:files", async ({ detail }) => {
    came.replaceChildren();
    const [file] = detail.files;
    if (!file) return;
    await hold(file);
    box.fm?.editor.commit();
    await box.fm?.sending.flush();
    form.requestSubmit();
  });
  dialog.addEventListener("close", () => { form.reset(); came.replaceChildren(); });

  const carries = (event) => event.dataTransfer?.types.includes("Files") && !document.querySelector("dialog[open]");
  const page = box.closest("main") ?? box;
  page.addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    box.toggleAttribute("data-over", true);
  });
  page.addEventListener("dragleave", (event) => { if (!page.contains(event.relatedTarget)) box.toggleAttribute("data-over", false); });
  page.addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    box.toggleAttribute("data-over", false);
    dialog.showModal();
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change"));
  });

  dialog.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-claim]");
    if (!button) return;
    const { cells, acts } = box.fm;
    const row = cells.byKey.get(button.dataset.row);
    const place = cells.places.get(button.dataset.letter);
    if (!row || place === undefined) return;
    acts.dispute(row, place, button.dataset.claim);
    document.getElementById("fm-dispute").addEventListener("close", () => {
      if (row.marks[place]?.[2] !== "disputed") return;
      button.textContent = words.states.disputed;
      button.disabled = true;
    }, { once: true });
  });
});

mount("[data-brought]", () => box.fm?.sending.again());
