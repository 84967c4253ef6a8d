"""What the browser loads from npm packages, copied to static files: no CDN, no build step.

Only the files in `FILES` are copied, without their source-map comments (the maps are not shipped, and hashed
static names would look for them). Icons come as one sprite of just the icons that the faces list in
`faces/*/icons.txt`. Run by set-up as `python -m citybrain.site.vendor`.
"""

import difflib
import os
import re
import sys
from pathlib import Path

import click

PACKAGE = Path(__file__).resolve().parent.parent
NODE_MODULES = PACKAGE.parent / "node_modules"
TARGET = PACKAGE / "faces" / "look" / "static" / "vendor"

FILES: dict[str, str] = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx.org/dist/ext/hx-alpine-compat.min.js": "hx-alpine-compat.min.js",
    "htmx.org/dist/ext/hx-csp.min.js": "hx-csp.min.js",
    "htmx.org/dist/ext/hx-head.min.js": "hx-head.min.js",
    "htmx.org/dist/ext/hx-preload.min.js": "hx-preload.min.js",
    "htmx.org/dist/ext/hx-upsert.min.js": "hx-upsert.min.js",
    "@alpinejs/csp/dist/cdn.min.js": "alpine-csp.min.js",
    "@tabler/core/dist/css/tabler.min.css": "tabler.min.css",
    "@tabler/core/dist/js/tabler.min.js": "tabler.min.js",
    "echarts/dist/echarts.min.js": "echarts.min.js",
    "echarts/i18n/langZH.js": "echarts-zh.js",
    "echarts/i18n/langEN.js": "echarts-en.js",
    "leaflet/dist/leaflet.js": "leaflet/leaflet.js",
    "leaflet/dist/leaflet.css": "leaflet/leaflet.css",
    "leaflet/dist/images/layers.png": "leaflet/images/layers.png",
    "leaflet/dist/images/layers-2x.png": "leaflet/images/layers-2x.png",
    "leaflet/dist/images/marker-icon.png": "leaflet/images/marker-icon.png",
    "leaflet/dist/images/marker-icon-2x.png": "leaflet/images/marker-icon-2x.png",
    "leaflet/dist/images/marker-shadow.png": "leaflet/images/marker-shadow.png",
    "leaflet.markercluster/dist/leaflet.markercluster.js": "leaflet/leaflet.markercluster.js",
    "leaflet.markercluster/dist/MarkerCluster.css": "leaflet/MarkerCluster.css",
}

SOURCE_MAP = re.compile(rb"\n?(//|/\*)# sourceMappingURL=[^\n*]*(\*/)?")
SVG_BODY = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)
OUTER_BOX = '<path stroke="none" d="M0 0h24v24H0z" fill="none" />'
PAINT = {  # the stroke's width is left to CSS
    "outline": 'fill="none" stroke="currentColor" stroke-linecap="round" stroke-linejoin="round"',
    "filled": 'fill="currentColor" stroke="none"',
}


class MissingPackageError(RuntimeError):
    """An npm package, or a file or icon of one, is not there."""


def write_changed(path: Path, content: bytes) -> None:
    """Write a file whose content differs, whole or not at all."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_bytes(content)
    fresh.rename(path)


def copy_files(modules: Path, target: Path) -> int:
    """Copy `FILES` from `modules` into `target`, which then holds nothing else; return their bytes.

    A file that is there already isn't touched, so that a city that runs meanwhile finds it.
    Raises MissingPackageError naming the first file that is not there, before anything is written.
    """
    for source in FILES:
        if not (modules / source).is_file():
            raise MissingPackageError(f"{modules / source} is not there; run `npm ci` in {modules.parent}")
    for path in target.rglob("*"):
        if path.is_file() and path.relative_to(target).as_posix() not in {
            *FILES.values(),
            "icons.svg",
            ".stamp",
        }:
            path.unlink()
    total = 0
    for source, name in FILES.items():
        content = (modules / source).read_bytes()
        if name.endswith((".js", ".css")):
            content = SOURCE_MAP.sub(b"", content)
        write_changed(target / name, content)
        total += len(content)
    return total


def icon_names(faces: Path) -> list[str]:
    """Return the icons that the faces list, sorted and each once; lines starting with # are comments."""
    lines = [line.strip() for page in faces.glob("*/icons.txt") for line in page.read_text().splitlines()]
    return sorted({line for line in lines if line and not line.startswith("#")})


def symbol(modules: Path, name: str) -> str:
    """Return one icon as an SVG symbol with id `name`; a name ending in -filled is the filled drawing.

    Raises MissingPackageError with near names when there is no such icon.
    """
    style = "filled" if name.endswith("-filled") else "outline"
    folder = modules / "@tabler" / "icons" / "icons" / style
    drawing = folder / f"{name.removesuffix('-filled')}.svg"
    if not drawing.is_file():
        near = difflib.get_close_matches(drawing.stem, [path.stem for path in folder.glob("*.svg")], 4)
        raise MissingPackageError(
            f"icons.txt: there is no icon {name!r}; near names: {', '.join(near) or 'none'}"
        )
    body = SVG_BODY.search(drawing.read_text())
    if body is None:
        raise MissingPackageError(f"{drawing} is no drawing")
    lines = "".join(line.strip() for line in body[1].replace(OUTER_BOX, "").splitlines())
    return f'<symbol id="{name}" viewBox="0 0 24 24" {PAINT[style]}>{lines}</symbol>'


def write_sprite(modules: Path, faces: Path, target: Path) -> int:
    """Write `target`/icons.svg with every listed icon; return how many.

    Use one as `<svg class="icon"><use href="…/icons.svg#camera"/></svg>`; colour and stroke width
    come from CSS (`color`, `stroke-width`).
    """
    names = icon_names(faces)
    symbols = "\n".join(symbol(modules, name) for name in names)
    text = f'<svg xmlns="http://www.w3.org/2000/svg">\n{symbols}\n</svg>\n'
    write_changed(target / "icons.svg", text.encode())
    return len(names)


def main() -> None:
    """Copy everything; say what was done."""
    try:
        total = copy_files(NODE_MODULES, TARGET)
        icons = write_sprite(NODE_MODULES, PACKAGE / "faces", TARGET)
    except MissingPackageError as error:
        sys.exit(f"static files: {error}")
    click.echo(f"static files: {len(FILES)} files, {total / 1e6:.1f} MB, {icons} icons")


if __name__ == "__main__":
    main()
