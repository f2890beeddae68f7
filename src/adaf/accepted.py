"""What a parameter or a field of a body accepts, in words, for the sentence of a refusal.

It is read from the types: the values of a `Literal`, else the description that stands beside the type.
"""

from __future__ import annotations

import re
from typing import Any, Literal, get_args, get_origin

import msgspec
from msgspec import Meta


def told(annotation: Any, path: str = "") -> str:
    """What `annotation` accepts, or its field at `path` (`kind`, `bars[3].close`); empty if nothing tells."""
    for name in re.findall(r"\w+", re.sub(r"\[\d*\]|\[\.\.\.\]", "", path)):
        annotation = _field(annotation, name)
    if values := _values(annotation):
        return f"One of {', '.join(values)}."
    return next(
        (str(part.description) for part in _parts(annotation) if getattr(part, "description", None)), ""
    )


def _values(annotation: Any) -> list[str]:
    return [
        str(value) for part in _parts(annotation) if get_origin(part) is Literal for value in get_args(part)
    ]


def _field(annotation: Any, name: str) -> Any:
    """The type of the field `name` in the first struct within `annotation`."""
    for part in _parts(annotation):
        if isinstance(part, type) and issubclass(part, msgspec.Struct):
            return next((field.type for field in msgspec.structs.fields(part) if field.name == name), None)
    return None


def _parts(annotation: Any) -> list[Any]:
    """`annotation` and everything that it is made of, outermost first."""
    found, inner = [annotation], [] if isinstance(annotation, Meta | str) else get_args(annotation)
    for part in inner:
        found += _parts(part)
    return found
