"""The API explained on one page, drawn from its own OpenAPI description: no script, no CDN."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from citybrain.faces.gateway.api import api


@dataclass(frozen=True, slots=True)
class Operation:
    """One line of the reference."""

    method: str
    path: str
    summary: str
    parameters: tuple[tuple[str, str, bool], ...]
    body: tuple[tuple[str, str, str], ...]
    answers: tuple[str, ...]


def operations() -> list[Operation]:
    """Return every operation of the API in the order of its description."""
    described: dict[str, Any] = api.get_openapi_schema()
    types = described["components"]["schemas"]
    return [
        _operation(method, address, one, types)
        for address, methods in described["paths"].items()
        for method, one in methods.items()
    ]


def _operation(method: str, address: str, one: dict[str, Any], types: dict[str, Any]) -> Operation:
    parameters = tuple(
        (each["name"], _type(each["schema"]), bool(each.get("required")))
        for each in one.get("parameters", ())
    )
    content = one.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    body = types.get(content.get("$ref", "").rpartition("/")[2], {})
    fields = tuple(
        (name, _type(value), str(value.get("description", "")))
        for name, value in body.get("properties", {}).items()
    )
    said = " ".join(str(one.get("description", "")).split())
    return Operation(method.upper(), address, said, parameters, fields, tuple(map(str, one["responses"])))


def _type(value: dict[str, Any]) -> str:
    if "anyOf" in value:
        return " | ".join(_type(each) for each in value["anyOf"])
    if "$ref" in value:
        return str(value["$ref"]).rpartition("/")[2]
    if value.get("type") == "array":
        return f"{_type(value.get('items', {}))}[]"
    return str(value.get("format") or value.get("type") or "object")


def reference(request: HttpRequest) -> HttpResponse:
    """Show the API to whoever builds against it."""
    return render(request, "gateway/reference.html", {"operations": operations()})
