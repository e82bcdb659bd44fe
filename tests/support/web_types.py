"""The API's bodies as the dashboard's TypeScript knows them. Written by ``python -m tests.support.web_types``.

They are made of the same description as `/openapi.json`, so that `tsc` holds the dashboard against the API.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import liontrack_stream.views
from liontrack_stream.views.openapi import document
from liontrack_stream.views.web import ROUTES

TYPES = Path(liontrack_stream.views.__path__[0]) / "web_app" / "src" / "api" / "bodies.ts"
HEAD = """\
/** Bodies of the API, as `/openapi.json` describes them. Made by `make web`; change `views/bodies`, not this. */
"""
_NAMES = {"string": "string", "number": "number", "integer": "number", "boolean": "boolean", "null": "null"}


def typescript() -> str:
    """What `TYPES` holds when it is current: an interface for each schema of what is read, by name."""
    schemas = document([route for route in ROUTES if route.reads])["components"]["schemas"]
    return "\n".join([HEAD, *(_interface(name, schema) for name, schema in sorted(schemas.items()))])


def _interface(name: str, schema: Mapping[str, Any]) -> str:
    fields = "".join(
        f"  {field}{'' if field in schema['required'] else '?'}: {_type(of)};\n"
        for field, of in schema["properties"].items()
    )
    return f"export interface {name} {{\n{fields}}}\n"


def _type(schema: Mapping[str, Any]) -> str:
    """The TypeScript of a schema as msgspec writes them; `unknown` where it says nothing."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(map(_type, schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(f"'{value}'" for value in schema["enum"])
    if schema.get("type") == "array":
        of = _type(schema.get("items", {}))
        return f"({of})[]" if "|" in of else f"{of}[]"
    if schema.get("type") == "object":
        return f"Record<string, {_type(schema.get('additionalProperties', {}))}>"
    return _NAMES[schema["type"]] if "type" in schema else "unknown"


def main() -> None:
    """Write the file, where it is not current."""
    text = typescript()
    if not TYPES.exists() or TYPES.read_text() != text:
        TYPES.write_text(text)
        print(f"wrote {TYPES}")


if __name__ == "__main__":
    main()
