// The words that these pages say by script: kept in the page, so that they are translated where all words are.
const shelf = document.getElementById("said")?.content;

export function say(name) {
  return shelf?.querySelector(`[data-word="${name}"]`)?.textContent.trim() ?? "";
}

export function wrong(scope, name, text) {
  const line = scope.querySelector(`[data-wrong="${name}"]`);
  if (line) line.textContent = text;
  return Boolean(line);
}

export function later(wait, run) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => run(...given), wait);
  };
}
