"""The dashboard's committed files were built from its committed sources. Needs no Node."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import liontrack_stream.views
from tests.support import web_types

VIEWS = Path(liontrack_stream.views.__path__[0])
SOURCE, BUILT = VIEWS / "web_app", VIEWS / "static"


def sources_hash(names: list[str]) -> str:
    """SHA-256 over names and contents of the sources, as `web_app/build/stamp.ts` makes it."""
    files = [path for name in names for path in (SOURCE / name, *(SOURCE / name).rglob("*")) if path.is_file()]
    digest = hashlib.sha256()
    for name, path in sorted((path.relative_to(SOURCE).as_posix(), path) for path in files):
        digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def test_the_build_is_of_these_sources() -> None:
    build = json.loads((BUILT / "build.json").read_text())
    assert sources_hash(build["sources"]) == build["sources_sha256"], "the dashboard's sources changed: run `make web`"


def test_every_source_counts() -> None:
    counted = set(json.loads((BUILT / "build.json").read_text())["sources"])
    there = {path.name for path in SOURCE.iterdir()} - {"node_modules", "test", ".test", ".npmrc", "tsconfig.test.json"}
    assert there == counted


def test_the_types_are_those_of_the_api() -> None:
    assert web_types.TYPES.read_text() == web_types.typescript(), "the API's bodies changed: run `make web`"


def test_what_the_page_loads_is_there() -> None:
    page = (BUILT / "index.html").read_text()
    loaded = re.findall(r'(?:src|href)="/static/([^"]+)"', page)
    assert any(name.endswith(".js") for name in loaded) and any(name.endswith(".css") for name in loaded)
    [cached] = re.findall(r"""[`'"](/[^`'"]* /static/[^`'"]*)[`'"]\.split""", (BUILT / "sw.js").read_text())
    for name in (*loaded, *(address.removeprefix("/static/") for address in cached.split() if address != "/")):
        assert (BUILT / name.removeprefix("/")).is_file(), name
    assert "<script>" not in page and "style=" not in page, "the policy stops what is inline"


def test_the_manifest_can_be_installed() -> None:
    manifest = json.loads((BUILT / "manifest.webmanifest").read_text())
    assert (manifest["start_url"], manifest["scope"], manifest["display"]) == ("/", "/", "standalone")
    assert {"192x192", "512x512"} <= {icon["sizes"] for icon in manifest["icons"]}
    for icon in manifest["icons"]:
        assert (BUILT / icon["src"].removeprefix("/static/")).is_file(), icon


def test_the_lock_names_no_registry_and_has_hashes() -> None:
    lock = json.loads((SOURCE / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages and all("integrity" in package for package in packages.values())
    assert not [name for name, package in packages.items() if "resolved" in package]


def test_licences_of_what_is_bundled_are_told() -> None:
    told = (BUILT / "licenses.txt").read_text()
    for name in json.loads((SOURCE / "package.json").read_text())["dependencies"]:
        assert re.search(rf"^Name: {re.escape(name)}$", told, re.MULTILINE), name
