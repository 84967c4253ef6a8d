"""The same XML written otherwise, as other makers of workbooks do: prefixes, quotes, white space, encodings."""

import re
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from io import BytesIO
from xml.etree import ElementTree
from xml.parsers import expat

Infoset = tuple[str, tuple[tuple[str, str], ...], str, tuple["Infoset", ...], str]

REMARK = "<!-- <c r='A1'><f>F3</f></c> --><?maker of='rows'?>"


@dataclass
class Node:
    """An element as it was written, its attributes in their order."""

    tag: str
    attributes: dict[str, str]
    inside: list["Node | str"] = field(default_factory=list)

    @property
    def nodes(self) -> list["Node"]:
        return [one for one in self.inside if isinstance(one, Node)]

    @property
    def texts(self) -> str:
        return "".join(one for one in self.inside if isinstance(one, str))


def tree(xml: bytes) -> Node:
    top = Node("", {})
    around = [top]
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def start(tag: str, attributes: dict[str, str]) -> None:
        around.append(Node(tag, dict(attributes)))
        around[-2].inside.append(around[-1])

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: around.pop() and None
    parser.CharacterDataHandler = lambda text: around[-1].inside.append(text)
    parser.Parse(xml, True)
    return top.nodes[0]


def prefixed(node: Node, prefix: str = "", depth: int = 0) -> Node:
    """Give whatever stands in a default namespace a prefix: ns0, ns1 …"""
    known = dict(node.attributes)
    if "xmlns" in known:
        prefix = f"ns{depth}:"
        known = {f"xmlns:ns{depth}" if name == "xmlns" else name: told for name, told in known.items()}
    tag = node.tag if ":" in node.tag else prefix + node.tag
    told = [one if isinstance(one, str) else prefixed(one, prefix, depth + 1) for one in node.inside]
    return Node(tag, known, told)


def declared_late(root: Node) -> Node:
    """Declare namespaces where they are used: the root's own has a prefix there, cells of column C bring theirs."""
    told = {name[6:]: uri for name, uri in root.attributes.items() if name.startswith("xmlns:")}
    main = root.attributes.get("xmlns", "")
    ignored = root.attributes.get("mc:Ignorable", "").split()

    def late(node: Node, known: frozenset[str], *, top: bool) -> Node:
        used = {one.partition(":")[0] for one in (node.tag, *node.attributes) if ":" in one} - {
            "xml",
            "xmlns",
        }
        used |= set(ignored) if top else set()
        own = {name[6:] for name in node.attributes if name.startswith("xmlns:")} if not top else set()
        fresh = {one for one in used - known - own if one in told}
        declared = {f"xmlns:{one}": told[one] for one in sorted(fresh)}
        rest = {one: uri for one, uri in node.attributes.items() if not (top and one.startswith("xmlns"))}
        again = [
            one if isinstance(one, str) else late(one, known | own | fresh, top=False) for one in node.inside
        ]
        if top and main:
            for one in again:
                if isinstance(one, Node) and ":" not in one.tag:
                    one.attributes = {"xmlns": main} | one.attributes
        return _of_its_own(Node(node.tag, declared | rest, again), main)

    made = late(root, frozenset(), top=True)
    return Node(f"m:{made.tag}", {"xmlns:m": main} | made.attributes, made.inside) if main else made


def _of_its_own(node: Node, uri: str) -> Node:
    if node.tag != "c" or not uri or not node.attributes.get("r", "").startswith("C"):
        return node

    def again(one: Node) -> Node:
        inside = [told if isinstance(told, str) else again(told) for told in one.inside]
        return Node(f"own:{one.tag}", one.attributes, inside)

    made = again(node)
    return replace(made, attributes={"xmlns:own": uri} | made.attributes)


@dataclass(frozen=True)
class Way:
    """A way to write XML."""

    head: str = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    encoding: str = "utf-8"
    names: Callable[[Node], Node] = lambda root: root
    quote: str = '"'
    gap: str = " "
    equals: str = "="
    closes: str = ""
    empty: str = "/>"
    text: Callable[[str], str] = lambda text: plain(text)
    value: Callable[[str], str] = lambda text: plain(text)
    pretty: bool = False

    def __call__(self, xml: bytes) -> bytes:
        root = self.names(tree(xml))
        return (self.head + "".join(self._told(root, 0))).encode(self.encoding)

    def _told(self, node: Node, depth: int) -> Iterator[str]:
        yield f"<{node.tag}"
        for name, told in node.attributes.items():
            value = self.value(told).replace(self.quote, "&quot;" if self.quote == '"' else "&apos;")
            yield f"{self.gap}{name}{self.equals}{self.quote}{value}{self.quote}"
        if not node.inside and self.empty:
            yield self.empty
            return
        yield f"{self.closes}>"
        apart = self.pretty and bool(node.nodes) and not node.texts.strip()
        for one in node.inside:
            if apart:
                yield "\n" + "  " * depth + REMARK * (depth < 3)
            yield from [self.text(one)] if isinstance(one, str) else self._told(one, depth + 1)
        yield "\n" * apart + f"</{node.tag}{self.closes}>"


def plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("\r", "&#13;")


def referred(text: str) -> str:
    """Write all but plain letters and digits by their numbers."""
    return re.sub(r"[^A-Za-z0-9\s]|\r", _number, text)


def _number(found: re.Match[str]) -> str:
    return f"&#x{ord(found[0]):X};" if found.start() % 2 else f"&#{ord(found[0])};"


def cut(text: str) -> str:
    """Write a text as CDATA in two pieces with a remark between."""
    half = len(text) // 2
    if not text.strip() or "]]>" in text or "\r" in text:
        return plain(text)
    return f"<![CDATA[{text[:half]}]]><!-- F3:F5 --><![CDATA[{text[half:]}]]>"


WAYS = {
    "prefixed": Way(names=prefixed, quote="'", gap="\n\t ", equals=" = ", closes="\n", empty="\n/>"),
    "declared_late": Way(head="", names=declared_late, pretty=True),
    "utf16": Way("\ufeff<?xml version='1.0' encoding='UTF-16'?>", "utf-16-le", text=cut, empty=""),
    "utf16_be": Way('<?xml version="1.0" encoding="UTF-16"?>\r\n', "utf-16-be", names=prefixed, empty=" />"),
    "ascii": Way("<?xml version='1.0' encoding='US-ASCII'?>\n", "ascii", text=referred, value=referred),
    "marked": Way('\ufeff<?xml version="1.0"?>', names=prefixed, text=cut, pretty=True),
}  # fmt: skip


def rewritten(content: bytes, way: Way) -> bytes:
    """Return a package with all its XML parts written another way."""
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as was, zipfile.ZipFile(out, "w") as now:
        for name in was.namelist():
            part = was.read(name)
            now.writestr(name, way(part) if is_xml(name) else part)
    return out.getvalue()


def is_xml(name: str) -> bool:
    return name.endswith((".xml", ".rels", ".vml"))


def infoset(xml: bytes) -> Infoset:
    """Return what XML says, however it is written: names with their namespaces, attributes, texts."""
    return _infoset(ElementTree.fromstring(xml))


def _infoset(one: ElementTree.Element) -> Infoset:
    children = tuple(_infoset(child) for child in one)
    text = one.text or ""
    tail = one.tail or ""
    return (
        one.tag, tuple(sorted(one.items())), text if text.strip() or not children else "", children,
        tail if tail.strip() else "",
    )  # fmt: skip


def as_written(xml: bytes) -> dict[Infoset, set[bytes]]:
    """Return how the parts of a document are written, by what they say: the root's children, and cells."""
    root = ElementTree.fromstring(xml)
    told = list(root.iter())
    spans: list[tuple[int, int]] = []
    around: list[int] = []
    wanted: list[bool] = []
    xml = _utf8(xml)
    parser = expat.ParserCreate("utf-8")

    def start(tag: str, _: object) -> None:
        around.append(len(spans))
        wanted.append(len(around) == 2 or tag.rpartition(":")[2] == "c")
        spans.append((parser.CurrentByteIndex, 0))

    def end(_: str) -> None:
        at = around.pop()
        first = spans[at][0]
        here = parser.CurrentByteIndex
        alone = xml[here - 2 : here] == b"/>" and xml.count(b"<", first, here) == 1
        last = here if alone else xml.index(b">", here) + 1
        spans[at] = first, last

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.Parse(xml, True)
    found: dict[Infoset, set[bytes]] = defaultdict(set)
    for one, (first, last), asked in zip(told, spans, wanted, strict=True):
        if asked:
            found[(*_infoset(one)[:4], "")].add(xml[first:last])
    return found


def _utf8(xml: bytes) -> bytes:
    name = {b"\xff\xfe": "utf-16-le", b"\0<": "utf-16-be"}.get(xml[:2], "utf-8")
    return xml.decode(name).encode()
