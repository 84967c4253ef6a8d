// The shape that goes with a tone, as look draws it (look/shapes.py): never colour alone.
const DRAWN = new Map();

export function shape(tone) {
  const kept = DRAWN.get(tone) ?? document.querySelector(`template#fm-shapes`)?.content.querySelector(`[data-shape="${tone}"] svg`);
  if (!kept) return "";
  DRAWN.set(tone, kept);
  return kept.cloneNode(true);
}
