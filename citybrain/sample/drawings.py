"""Photos for the made-up city: drawn, small, and marked 示例 so that nobody takes them for a real place."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageDraw

from citybrain.sample.plan import stream

WIDTH, HEIGHT = 640, 480
GROUND = 300
Pen = ImageDraw.ImageDraw
Box = tuple[float, float, float, float]

SKY, WALL, ROAD, GREEN, DARK, WARM, STEEL = (
    "#c8d8e6",
    "#d8cfc0",
    "#8a8f96",
    "#7fa06f",
    "#3b4048",
    "#c9743f",
    "#5b6670",
)

# 示 and 例 as strokes on a square of 10 × 10, so that no font has to be there.
SIGNS: tuple[tuple[tuple[float, float, float, float], ...], ...] = (
    ((2, 1.2, 8, 1.2), (1, 3.8, 9, 3.8), (5, 3.8, 5, 9), (5, 9, 4, 8.2), (3, 5.4, 1.6, 8), (7, 5.4, 8.6, 8)),
    (
        (2.4, 0.8, 0.8, 4.2), (1.8, 3, 1.8, 9.2), (3, 1.8, 6.6, 1.8), (4.4, 1.8, 3.2, 5.4), (4, 3.6, 6.2, 3.6),
        (6.2, 3.6, 3.2, 9), (3.8, 5, 5, 6.2), (7.4, 2.2, 7.4, 6.8), (9.2, 1, 9.2, 9), (9.2, 9, 8.2, 8.4),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a picture shows: a scene by name, whether the matter is solved in it, near or from afar."""

    scene: str
    solved: bool
    wide: bool


def scene_of(item: str) -> str:
    """Return the scene that suits an item's code."""
    return next((scene for code, scene in SCENE_OF.items() if item.startswith(code)), "notice")


SCENE_OF = {
    "0102": "poster", "0103": "tree", "0104": "water", "01": "rubbish", "020404": "lamp", "020405": "lamp",
    "0203": "lamp", "0205": "pipe", "0204": "bench", "02": "hole", "0302": "car", "0303": "bicycle", "0301": "stall",
    "0304": "car", "04": "house", "0501": "fire", "05": "notice", "08": "pipe", "09": "notice",
}  # fmt: skip


def drawing_for(item: str, kind: str) -> Drawing:
    """Return the drawing for a photo of an item: its kind says near or afar, before or after."""
    return Drawing(scene_of(item), solved=kind == "after", wide=kind == "wide")


def all_drawings() -> list[Drawing]:
    """Return every drawing there is, some forty."""
    scenes = dict.fromkeys([*SCENE_OF.values(), "notice"])
    return [Drawing(scene, solved, wide) for scene in scenes for solved, wide in VIEWS]


VIEWS = ((False, False), (False, True), (True, False))


@cache
def draw(drawing: Drawing) -> bytes:
    """Return the picture as JPEG bytes."""
    image = Image.new("RGB", (WIDTH, HEIGHT), SKY)
    pen = ImageDraw.Draw(image)
    rng = stream(1, f"{drawing}")
    _street(pen, rng, drawing.wide)
    scale, left = (0.55, 250) if drawing.wide else (1.0, 150)
    if drawing.solved:
        _tick(pen)
    else:
        THINGS[drawing.scene](pen, rng, lambda x, y: (left + x * scale, GROUND + 60 - y * scale))
    _label(pen)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=82)
    return out.getvalue()


Where = Callable[[float, float], tuple[float, float]]


def _street(pen: Pen, rng: np.random.Generator, wide: bool) -> None:
    """Draw houses, pavement and road."""
    for place in range(7 if wide else 4):
        width = WIDTH / (7 if wide else 4)
        top = float(rng.uniform(60, 190)) if wide else float(rng.uniform(10, 120))
        x = place * width
        pen.rectangle((x, top, x + width - 6, GROUND), fill=WALL, outline="#b9ae9c")
        for row in range(int((GROUND - top) // 45)):
            for column in range(3):
                at = (x + 12 + column * width / 3.2, top + 14 + row * 45)
                pen.rectangle((*at, at[0] + width / 6, at[1] + 22), fill="#9fb3c2")
    pen.rectangle((0, GROUND, WIDTH, GROUND + 70), fill="#bdb8ae")
    pen.rectangle((0, GROUND + 70, WIDTH, HEIGHT), fill=ROAD)
    for x in range(20, WIDTH, 90):
        pen.rectangle((x, GROUND + 120, x + 45, GROUND + 126), fill="#e6e2d6")


def _blobs(pen: Pen, rng: np.random.Generator, at: Where, colours: tuple[str, ...], size: float) -> None:
    for number in range(16):
        x, y = float(rng.uniform(20, 300)), float(rng.uniform(0, 60))
        box: Box = (*at(x, y + size), *at(x + size * 1.3, y))
        pen.ellipse(box, fill=colours[number % len(colours)], outline=DARK)


def _rubbish(pen: Pen, rng: np.random.Generator, at: Where) -> None:
    _blobs(pen, rng, at, ("#2f3237", "#e9e6df", "#5a7d52", "#a3533e"), 46)


def _poster(pen: Pen, rng: np.random.Generator, at: Where) -> None:
    for number in range(9):
        x, y = (number % 3) * 95 + float(rng.uniform(0, 20)), (number // 3) * 85 + 30
        pen.rectangle(
            (*at(x, y + 70), *at(x + 60, y)), fill=("#f3e7a8", "#f7f4ec", "#f0b7a4")[number % 3], outline=DARK
        )


def _tree(pen: Pen, rng: np.random.Generator, at: Where) -> None:
    pen.line((*at(10, 10), *at(320, 70)), fill="#6d4f37", width=16)
    _blobs(pen, rng, lambda x, y: at(x * 0.6 + 160, y + 30), (GREEN, "#5f8251", "#93b083"), 70)


def _water(pen: Pen, rng: np.random.Generator, at: Where) -> None:
    pen.rectangle((0, GROUND + 20, WIDTH, HEIGHT), fill="#7d98a8")
    _blobs(pen, rng, lambda x, y: at(x, y - 60), ("#d9d4c8", "#8c7b5c", "#6f8f63"), 26)


def _hole(pen: Pen, rng: np.random.Generator, at: Where) -> None:
    pen.ellipse((*at(20, 20), *at(320, -80)), fill="#2e3136", outline="#6b6f75", width=8)
    pen.polygon((*at(150, 120), *at(110, 10), *at(190, 10)), fill=WARM, outline=DARK)


def _lamp(pen: Pen, rng: np.random.Generator, at: Where) -> None:
    pen.line((*at(150, 0), *at(200, 310)), fill=STEEL, width=12)
    pen.line((*at(200, 310), *at(280, 320)), fill=STEEL, width=10)
    pen.ellipse((*at(265, 330), *at(310, 300)), fill="#45494f")


def _pipe(pen: Pen, rng: np.random.Generator, at: Where) -> None:
    pen.line((*at(0, 40), *at(330, 40)), fill=STEEL, width=34)
    for x in (120, 150, 185):
        pen.line((*at(x, 50), *at(x - 30 + float(rng.uniform(0, 60)), 190)), fill="#a9c6d8", width=10)
    pen.ellipse((*at(30, -10), *at(300, -50)), fill="#8fb0c4")


def _bench(pen: Pen, rng: np.random.Generator, at: Where) -> None:
    for y in (50, 75, 110):
        pen.line((*at(20, y), *at(300, y - (40 if y == 75 else 0))), fill="#8a6544", width=14)
    for x in (50, 270):
        pen.line((*at(x, 0), *at(x, 115)), fill=STEEL, width=10)


def _car(pen: Pen, rng: np.random.Generator, at: Where) -> None:
    pen.rounded_rectangle((*at(0, 80), *at(320, 15)), radius=24, fill="#7b8794", outline=DARK)
    pen.polygon((*at(60, 78), *at(105, 135), *at(225, 135), *at(275, 78)), fill="#a5bccb", outline=DARK)
    for x in (60, 235):
        pen.ellipse((*at(x, 40), *at(x + 50, -10)), fill=DARK)


def _bicycle(pen: Pen, rng: np.random.Generator, at: Where) -> None:
    for number in range(5):
        x, colour = number * 62.0, ("#d8a23a", "#5f9fb5", "#d8a23a")[number % 3]
        for wheel in (0, 62):
            pen.ellipse((*at(x + wheel, 56), *at(x + wheel + 52, 4)), outline=DARK, width=4)
        pen.line((*at(x + 26, 30), *at(x + 50, 84), *at(x + 88, 30)), fill=colour, width=7)


def _stall(pen: Pen, rng: np.random.Generator, at: Where) -> None:
    for number in range(6):
        colour = WARM if number % 2 else "#efe9dc"
        pen.polygon(
            (
                *at(number * 52, 170),
                *at(number * 52 + 52, 170),
                *at(number * 52 + 52, 120),
                *at(number * 52, 120),
            ),
            fill=colour,
        )
    pen.rectangle((*at(10, 70), *at(300, 5)), fill="#a98760", outline=DARK)
    _blobs(pen, rng, lambda x, y: at(x * 0.9, y * 0.4 + 60), ("#c2543d", "#d9a441", "#7fa06f"), 24)


def _house(pen: Pen, rng: np.random.Generator, at: Where) -> None:
    pen.rectangle((*at(20, 230), *at(310, 0)), fill="#cabba4", outline=DARK, width=3)
    crack = [at(120 + float(rng.uniform(-18, 18)), y) for y in range(225, 0, -22)]
    pen.line(crack, fill="#4a3f36", width=7)


def _fire(pen: Pen, rng: np.random.Generator, at: Where) -> None:
    pen.rectangle((*at(90, 210), *at(240, 0)), fill="#a9b0b6", outline=DARK, width=4)
    for number in range(6):
        x = float(rng.uniform(60, 240))
        pen.rectangle((*at(x, 50 + number * 18), *at(x + 70, number * 18)), fill="#9c7a53", outline=DARK)


def _notice(pen: Pen, rng: np.random.Generator, at: Where) -> None:
    pen.polygon((*at(160, 240), *at(40, 20), *at(280, 20)), fill="#e0b33c", outline=DARK, width=6)
    pen.line((*at(160, 180), *at(160, 95)), fill=DARK, width=18)
    pen.ellipse((*at(149, 72), *at(171, 50)), fill=DARK)


THINGS: dict[str, Callable[[Pen, np.random.Generator, Where], None]] = {
    "rubbish": _rubbish, "poster": _poster, "tree": _tree, "water": _water, "hole": _hole, "lamp": _lamp,
    "pipe": _pipe, "bench": _bench, "car": _car, "bicycle": _bicycle, "stall": _stall, "house": _house,
    "fire": _fire, "notice": _notice,
}  # fmt: skip


def _tick(pen: Pen) -> None:
    """Draw the sign of a matter that is solved."""
    pen.ellipse((260, 200, 400, 340), fill="#5f9468", outline="white", width=6)
    pen.line((292, 272, 322, 304, 372, 240), fill="white", width=16, joint="curve")


def _label(pen: Pen) -> None:
    """Write 示例 into the corner, on a plate."""
    size, left, top = 4.6, WIDTH - 128, HEIGHT - 66
    pen.rounded_rectangle(
        (left - 12, top - 8, WIDTH - 10, HEIGHT - 10), radius=8, fill="#ffffff", outline=DARK
    )
    for place, sign in enumerate(SIGNS):
        x = left + place * 56
        for a, b, c, d in sign:
            pen.line((x + a * size, top + b * size, x + c * size, top + d * size), fill=DARK, width=4)
