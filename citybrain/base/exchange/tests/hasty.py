"""What developers in a hurry send to the door: method, address, body, headers, and the status and code they get."""

import gzip

from citybrain.base.exchange.tests import lending

KEY = lending.PEOPLE[0][0]
PATH = "/v1/ga_population"
ROWS, BY_KEY = f"{PATH}/rows", f"{PATH}/by-key"
OWN = {"Authorization": "OWN"}  # stands for the key of the grant
HOSTILE = "'; DROP TABLE catalogue_grant; --"
NAMED = {"field": "name", "op": "eq"}
THREE = {"field": "income", "op": "between", "value": [1, 2, 3]}
MUCH = {"where": [{"field": "income", "op": "gt", "value": "much"}]}
BEYOND = {"where": [{"field": "income", "op": "gt", "value": "1e40"}]}
ABSURD = {"where": [{"field": "income", "op": "gt", "value": "1e999999"}]}
CALLS = {
    "no key": ("POST", BY_KEY, {"key": KEY}, {}, 401, "no_key"),
    "a wrong key": ("POST", BY_KEY, {"key": KEY}, {"Authorization": "Bearer cbd_" + "x" * 43}, 401, "unknown_key"),
    "a key of another house": ("POST", BY_KEY, {}, {"Authorization": "Basic dTpw"}, 401, "unknown_key"),
    "a huge key": ("POST", BY_KEY, {}, {"Authorization": "Bearer cbd_" + "x" * 60_000}, 401, "unknown_key"),
    "a key not text": ("POST", BY_KEY, {}, {"Authorization": b"Bearer cbd_\xff\xe9"}, 401, "no_key"),
    "a huge header": ("POST", BY_KEY, {"key": KEY}, {**OWN, "X-Trace": "t" * 100_000}, 200, None),
    "broken JSON": ("POST", BY_KEY, b'{"key": "980', OWN, 400, "bad_json"),
    "no body": ("POST", BY_KEY, None, OWN, 400, "bad_json"),
    "a form": ("POST", BY_KEY, b"key=980101199001011234", OWN, 400, "bad_json"),
    "bytes that are no text": ("POST", BY_KEY, b'{"key": "\xff\xfe"}', OWN, 400, "bad_json"),
    "half a letter": ("POST", BY_KEY, b'{"key": "\\ud800"}', OWN, 400, "bad_json"),
    "a list": ("POST", BY_KEY, [KEY], OWN, 400, "bad_request"),
    "brackets without end": ("POST", BY_KEY, b"[" * 100_000, OWN, 400, "bad_json"),
    "too much": ("POST", BY_KEY, b'{"key": "' + b"9" * 300_000 + b'"}', OWN, 413, "too_long"),
    "packed": ("POST", BY_KEY, gzip.compress(b"{}"), {**OWN, "Content-Encoding": "gzip"}, 415, "packed_body"),
    "wants it packed": ("POST", BY_KEY, {"key": KEY}, {**OWN, "Accept-Encoding": "gzip, br"}, 200, None),
    "a misspelt member": ("POST", BY_KEY, {"key": KEY, "feilds": ["name"]}, OWN, 422, "unknown_member"),
    "a count": ("POST", ROWS, {"count": "income"}, OWN, 422, "unknown_member"),
    "parameters in the address": ("POST", f"{ROWS}?limit=5", {}, OWN, 400, "no_query"),
    "nothing by that key": ("POST", BY_KEY, {"key": "张三🙂é"}, OWN, 404, "no_row"),
    "SQL as key": ("POST", BY_KEY, {"key": HOSTILE}, OWN, 404, "no_row"),
    "a key of lists": ("POST", BY_KEY, {"key": [KEY]}, OWN, 422, "bad_key"),
    "an empty key": ("POST", BY_KEY, {"key": None}, OWN, 422, "bad_key"),
    "a long key": ("POST", BY_KEY, {"key": "9" * 5000}, OWN, 422, "bad_key"),
    "a field unknown": ("POST", BY_KEY, {"key": KEY, "fields": ["x"]}, OWN, 403, "field_not_granted"),
    "a field not granted": ("POST", BY_KEY, {"key": KEY, "fields": ["sex"]}, OWN, 403, "field_not_granted"),
    "SQL as field": ("POST", ROWS, {"fields": [HOSTILE]}, OWN, 403, "field_not_granted"),
    "fields as text": ("POST", BY_KEY, {"key": KEY, "fields": "name"}, OWN, 422, "bad_request"),
    "a filter on what isn't granted": (
        "POST", ROWS, {"where": [{"field": "sex", "op": "eq", "value": "1"}]}, OWN, 403, "field_not_granted",
    ),
    "sorted by what isn't granted": ("POST", ROWS, {"sort": "-sex"}, OWN, 403, "field_not_granted"),
    "SQL as sort": ("POST", ROWS, {"sort": "name; SELECT 1"}, OWN, 403, "field_not_granted"),
    "SQL as value": ("POST", ROWS, {"where": [{**NAMED, "value": HOSTILE}]}, OWN, 200, None),
    "a comparison unknown": ("POST", ROWS, {"where": [{**NAMED, "op": "like"}]}, OWN, 422, "bad_condition"),
    "conditions as text": ("POST", ROWS, {"where": "name = 1"}, OWN, 422, "bad_condition"),
    "nothing to compare with": ("POST", ROWS, {"where": [NAMED]}, OWN, 422, "bad_condition"),
    "a list for a value": ("POST", ROWS, {"where": [{**NAMED, "value": [1]}]}, OWN, 422, "bad_value"),
    "a truth for a text": ("POST", ROWS, {"where": [{**NAMED, "value": True}]}, OWN, 422, "bad_value"),
    "no number": ("POST", ROWS, MUCH, OWN, 422, "bad_value"),
    "a number beyond its type": ("POST", ROWS, BEYOND, OWN, 422, "bad_value"),
    "an absurd number": ("POST", ROWS, ABSURD, OWN, 422, "bad_value"),
    "a between of three": ("POST", ROWS, {"where": [THREE]}, OWN, 422, "bad_condition"),
    "in nothing": ("POST", ROWS, {"where": [{**NAMED, "op": "in", "value": []}]}, OWN, 422, "bad_condition"),
    "a million rows": ("POST", ROWS, {"limit": 1_000_000}, OWN, 422, "bad_limit"),
    "less than nothing": ("POST", ROWS, {"limit": -1}, OWN, 422, "bad_limit"),
    "a page invented": ("POST", ROWS, {"after": "AAAA"}, OWN, 422, "bad_cursor"),
    "a page in letters": ("POST", ROWS, {"after": "第二页"}, OWN, 422, "bad_cursor"),
    "another set": ("POST", "/v1/ga_vehicle/by-key", {"key": KEY}, OWN, 404, "not_here"),
    "a set in letters": ("POST", "/v1/%E4%BA%BA%00%ff/by-key", {"key": KEY}, OWN, 404, "not_here"),
    "no address": ("GET", "/", None, {}, 404, "not_here"),
    "an address too deep": ("GET", "/v1/" + "a/" * 2000, None, OWN, 404, "not_here"),
    "upwards": ("GET", "/v1/../../etc/passwd", None, OWN, 404, "not_here"),
    "the wrong way": ("GET", BY_KEY, None, OWN, 405, "method_not_allowed"),
    "another wrong way": ("DELETE", PATH, None, OWN, 405, "method_not_allowed"),
    "a way of their own": ("FETCH", ROWS, None, OWN, 405, "method_not_allowed"),
    "the ways": ("OPTIONS", BY_KEY, None, {}, 200, None),
    "a file's form": ("POST", f"{PATH}/files", {"form": "docx"}, OWN, 422, "bad_form"),
    "a file since never": ("POST", f"{PATH}/files", {"since": 2**70}, OWN, 422, "bad_since"),
    "no such file": ("GET", f"{PATH}/files/F1", None, OWN, 404, "not_here"),
    "no such link": ("GET", "/files/abc", None, {}, 404, "link_ended"),
    "what it opens": ("GET", PATH, None, OWN, 200, None),
}  # fmt: skip
