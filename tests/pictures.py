"""A street lamp at dusk, drawn for the journeys."""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter


def lamp(path: Path, *, lit: bool) -> Path:
    """Draw a lamp over a path between houses, lit or not; return where it was saved."""
    width, height = 1200, 900
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    for row in range(height):
        shade = row / height
        draw.line(
            [(0, row), (width, row)], fill=(int(40 + 70 * shade), int(52 + 60 * shade), int(92 + 30 * shade))
        )
    for left, top, wide in ((0, 330, 260), (250, 420, 190), (820, 300, 230), (1040, 380, 160)):
        draw.rectangle([left, top, left + wide, 700], fill=(48, 52, 68))
        for column in range(left + 24, left + wide - 30, 52):
            for floor in range(top + 30, 660, 64):
                on = (column * 7 + floor * 3) % 5 < 2
                draw.rectangle(
                    [column, floor, column + 24, floor + 32], fill=(214, 186, 120) if on else (62, 66, 84)
                )
    draw.polygon([(420, 700), (780, 700), (1120, 900), (90, 900)], fill=(78, 80, 86))
    draw.rectangle([0, 696, width, 704], fill=(54, 66, 58))
    draw.rectangle([592, 210, 606, 720], fill=(24, 26, 32))
    draw.polygon([(545, 210), (655, 210), (632, 160), (568, 160)], fill=(28, 30, 38))
    if lit:
        glow = Image.new("RGB", (width, height))
        ImageDraw.Draw(glow).polygon([(560, 212), (640, 212), (880, 880), (320, 880)], fill=(120, 104, 60))
        ImageDraw.Draw(glow).ellipse([540, 175, 660, 265], fill=(255, 236, 170))
        glow = glow.filter(ImageFilter.GaussianBlur(28))
        image = Image.composite(
            Image.blend(image, Image.new("RGB", image.size, (255, 230, 160)), 0.55), image, glow.convert("L")
        )
        ImageDraw.Draw(image).ellipse([568, 196, 632, 232], fill=(255, 246, 214))
    image.save(path, "JPEG", quality=88)
    return path
