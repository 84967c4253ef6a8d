// The page of one person: which value is disputed goes into the one dialog there is.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-dispute]");
  const dialog = document.getElementById("fm-person-dispute");
  if (!button || !dialog) return;
  const form = dialog.querySelector("form");
  form.reset();
  form.elements.field.value = button.dataset.field;
  dialog.querySelector("[data-what]").textContent = button.dataset.name;
  dialog.querySelector("[data-held]").textContent = button.dataset.value;
  dialog.showModal();
  form.elements.claimed.focus();
});
