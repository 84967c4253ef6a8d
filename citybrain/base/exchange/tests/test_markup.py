"""Elements, attributes and texts are found and changed in XML however it is written; all else stays as it is."""

import pytest

from citybrain.base.exchange.reading import Unreadable
from citybrain.base.exchange.reading.markup import changed, elements, in_its_own, in_utf8, spliced, told


def test_elements_are_told_by_local_name_with_what_they_say() -> None:
    xml = (
        b"<!-- <f>no</f> --><?f no?><x:c r='A1'>"
        b"<f-g:f\n t = \"a>b\"\n>1 &lt; <![CDATA[2 <f/>]]><!-- - -->&#x33;&#52;</f-g:f\n>"
        b"</x:c><f a='x&#10;y\tz &quot;'/><fx>no</fx>"
    )  # fmt: skip
    found = [
        (one.name, one.prefix, one.inside, one.leaf, dict(one.attributes))
        for one in elements(xml, {"f", "c"})
    ]
    assert found == [
        ("f", "f-g:", "c", True, {"t": "a>b"}),
        ("c", "x:", "", False, {"r": "A1"}),
        ("f", "", "", True, {"a": 'x\ny z "'}),
    ]
    assert next(elements(xml, {"f"})).text == "1 < 2 <f/>34"


def test_what_is_not_closed_is_passed_over() -> None:
    xml = b"</row><xml><div>a<br>b</div><Row>5</Row><Row>6</xml>"
    assert [one.text for one in elements(xml, {"Row", "row", "br"})] == ["5"]


def test_attributes_and_texts_are_changed_in_their_own_quotes() -> None:
    xml = b"<a ref='A1' href=\"A1\"\n t = 'x'  si='0'><b>old</b><c/><b>same</b></a>"
    found = {(one.name, one.start): one for one in elements(xml, {"a", "b", "c"})}
    root, first, empty, other = (found[key] for key in sorted(found, key=lambda key: key[1]))
    edits = [
        *root.set({"ref": lambda _: "it's <\"B2\"> & more", "t": None, "si": None, "none": None}),
        *first.say("1 < 2 & 3"), *empty.say("new"), *other.say("same"),
    ]  # fmt: skip
    assert spliced(xml, edits) == (
        b'<a ref=\'it&apos;s &lt;"B2"> &amp; more\' href="A1"><b>1 &lt; 2 &amp; 3</b><c>new</c><b>same</b></a>'
    )
    assert spliced(xml, []) is xml


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ("", "utf-8"),
        ("\ufeff", "utf-8"),
        ("\ufeff<?xml version='1.0' encoding='UTF-16'?>", "utf-16-le"),
        ('\ufeff<?xml version="1.0"?>', "utf-16-be"),
        ("<?xml version='1.0' encoding='utf-16'?>", "utf-16-be"),
        ("<?xml version='1.0' encoding = \"us-ascii\" standalone='yes'?>", "ascii"),
    ],
)
def test_a_part_comes_back_in_its_own_encoding(head: str, encoding: str) -> None:
    was = f"{head}<a>b</a>".encode(encoding)
    now = changed(was, lambda xml: xml.replace(b"b", "\u7532".encode()))
    text = "&#30002;" if encoding == "ascii" else "\u7532"
    assert now == f"{head}<a>{text}</a>".encode(encoding)
    assert changed(was, lambda xml: xml) is was
    assert in_its_own(in_utf8(was), was) == was


def test_an_encoding_that_is_unknown_or_wrong_is_told() -> None:
    for content, params in (
        (b"<?xml version='1.0' encoding='klingon'?><a/>", {"encoding": "klingon", "at": 1}),
        (b"<?xml version='1.0' encoding='ascii'?><a>\xe7</a>", {"encoding": "ascii", "at": 42}),
        (b"\xff\xfe<\0a", {"encoding": "utf-16-le", "at": 5}),
    ):
        with pytest.raises(Unreadable) as refused:
            in_utf8(content)
        assert (refused.value.key, refused.value.params) == ("encoding", params)


def test_line_ends_and_references_are_read_as_xml_means_them() -> None:
    assert told(b"a\r\nb\rc&#13;&amp;lt;<?pi?>\xe7\x94\xb2") == "a\nb\nc\r&lt;\u7532"
