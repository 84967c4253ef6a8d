// 答复草稿: a sentence of a draft goes into the answer with one press; nothing is sent by itself.
document.addEventListener("click", (event) => {
  const use = event.target.closest("[data-draft-text]");
  if (!use) return;
  const form = document.querySelector("form[data-step-form] textarea[name=reply]") ?? document.querySelector("textarea[name=reply]");
  if (!form) return;
  form.value = form.value.trim() ? `${form.value.trim()}\n${use.dataset.draftText}` : use.dataset.draftText;
  form.dispatchEvent(new Event("input", { bubbles: true }));
  form.focus();
});
