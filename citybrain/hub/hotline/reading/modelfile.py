"""A model as one file: a first line, a line of JSON, the arrays, a digest. Nothing in it can run.

It holds hashes and weights, no text: what was trained on can't be read out of it.
"""

import hashlib
import os
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from citybrain.hub.hotline.reading.errors import ModelDamaged, ModelMissing, ModelOfAnotherVersion
from citybrain.hub.hotline.reading.features import BITS, SIZES
from citybrain.hub.hotline.reading.model import Calibration, Floats, Linear, Model

VERSION: Final = 2  # of the file and of normalisation and n-grams, which a model is only good with
_FIRST = b"citybrain hotline model\n"
_DIGEST = 32
_AGAIN = "train it anew (citybrain hotline train)"


def dump(model: Model) -> bytes:
    """Return a model's file."""
    used = np.flatnonzero(model.linear.rarity).astype(np.int32)
    arrays: dict[str, Floats] = {
        "used": used,
        "rarity": model.linear.rarity[used].astype(np.float32),
        "weights": model.linear.weights[used].astype(np.float32),
        "bias": model.linear.bias.astype(np.float32),
        "scale": model.calibration.scale.astype(np.float64),
        "shift": model.calibration.shift.astype(np.float64),
    }
    head = {
        "version": VERSION,
        "labels": list(model.labels),
        "sizes": list(SIZES),
        "bits": BITS,
        "opening": model.linear.opening,
        "thresholds": [[promise, threshold] for promise, threshold in model.thresholds.items()],
        "about": dict(model.about),
        "arrays": [[name, one.dtype.str, list(one.shape)] for name, one in arrays.items()],
    }
    body = _FIRST + orjson.dumps(head) + b"\n" + b"".join(one.tobytes() for one in arrays.values())
    return body + hashlib.sha256(body).digest()


def save(model: Model, path: Path) -> int:
    """Write a model beside its place and move it there, so that a reader sees a whole one; return its bytes."""
    content = dump(model)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return len(content)


def load(path: Path) -> Model:
    """Return the model of a file.

    Raises `ModelMissing`, `ModelDamaged` or `ModelOfAnotherVersion`, each naming the file and what to do.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ModelMissing(f"{path}: there is no such model; {_AGAIN}") from None
    except OSError as error:
        raise ModelMissing(f"{path}: can't be read: {error.strerror}") from error
    return parse(content, str(path))


def parse(content: bytes, name: str) -> Model:
    """Return the model of a file's bytes; `name` is what errors call it."""
    if not content.startswith(_FIRST):
        raise ModelDamaged(f"{name}: not a hotline model; {_AGAIN}")
    try:
        end = content.index(b"\n", len(_FIRST)) + 1
        head = orjson.loads(content[len(_FIRST) : end])
        version = head["version"]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelDamaged(f"{name}: damaged, its head can't be read; {_AGAIN}") from error
    if (version, head.get("sizes"), head.get("bits")) != (VERSION, list(SIZES), BITS):
        raise ModelOfAnotherVersion(
            f"{name}: of version {version}, this program reads version {VERSION}; {_AGAIN}"
        )
    body, digest = content[:-_DIGEST], content[-_DIGEST:]
    if hashlib.sha256(body).digest() != digest:
        raise ModelDamaged(f"{name}: damaged, its digest doesn't match what is in it; {_AGAIN}")
    return _built(head, body[end:])


def _built(head: dict[str, Any], body: bytes) -> Model:
    held: dict[str, Any] = {}
    at = 0
    for name, kind, shape in head["arrays"]:
        many = int(np.prod(shape))
        held[name] = np.frombuffer(body, kind, many, at).reshape(shape)
        at += held[name].nbytes
    labels = tuple(head["labels"])
    rarity = np.zeros(2**BITS, np.float32)
    weights = np.zeros((2**BITS, len(labels)), np.float32)
    rarity[held["used"]], weights[held["used"]] = held["rarity"], held["weights"]
    linear = Linear(rarity, weights, held["bias"], int(head["opening"]))
    thresholds = {float(one): threshold for one, threshold in head["thresholds"]}
    return Model(labels, linear, Calibration(held["scale"], held["shift"]), thresholds, head["about"])
