"""Finding areas by what people type: a code, a name, pinyin or its initials, English."""

from citybrain.base.areas.tree import AreaTree, Node


def find_areas(
    areas: AreaTree, text: str, *, level: int | None = None, within_id: int | None = None, limit: int = 20
) -> list[Node]:
    """Return areas in force that fit, best first: exact, then beginning with the text, then holding it.

    Digits are read as a code (its beginning), letters as pinyin, initials or English in any case. Of equal fits
    the higher level comes first, then the lower code. An empty text fits nothing.
    """
    wanted = "".join(text.lower().split())
    if not wanted or limit < 1:
        return []
    ranked = [
        (rank, node.level, node.code, node)
        for node in areas.in_force(level)
        if (within_id is None or within_id in node.lineage) and (rank := _rank(node, wanted)) is not None
    ]
    ranked.sort(key=lambda entry: entry[:3])
    return [node for *_, node in ranked[:limit]]


def _rank(node: Node, wanted: str) -> int | None:
    """Return 0 for exact, 1 for a beginning, 2 for somewhere inside, None for no fit."""
    if wanted.isdigit() and node.code.startswith(wanted):
        return 0 if node.code == wanted else 1
    full, _, initials = node.pinyin.partition(" ")
    texts = (node.name.lower(), full, initials, node.name_en.lower().replace(" ", ""))
    if wanted in texts:
        return 0
    if any(held.startswith(wanted) for held in texts):
        return 1
    return 2 if wanted in texts[0] or wanted in texts[1] or wanted in texts[3] else None
