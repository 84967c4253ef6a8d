// Paints the theme before the first frame: the server can't know what the system prefers.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const paint = () => {
    const chosen = root.dataset.theme;
    root.dataset.bsTheme = chosen === "auto" ? (dark.matches ? "dark" : "light") : chosen;
  };
  paint();
  dark.addEventListener("change", () => {
    paint();
    document.dispatchEvent(new CustomEvent("look:theme"));
  });
})();
