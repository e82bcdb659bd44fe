"""The dashboard's files: all of them, nothing but them, kept by browsers as long as they may be."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from liontrack_stream.views.web_files import FOLDER, file_names
from tests.views.conftest import Client
from tests.views.tokens import REFUSED

ROOT = Path(__file__).parents[2]
NEVER_AGAIN, ASK_AGAIN = "public, max-age=31536000, immutable", "no-cache"
PAGES = {
    "/": ("index.html", "text/html"),
    "/manifest.webmanifest": ("manifest.webmanifest", "application/manifest+json"),
    "/sw.js": ("sw.js", "text/javascript"),
}


def content(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


@pytest.mark.parametrize("path", PAGES)
async def test_pages(client: Client, path: str) -> None:
    name, content_type = PAGES[path]
    response = await client.get(path)
    assert (response.status, response.content_type) == (200, content_type)
    assert await response.read() == content(name)
    assert response.headers["Cache-Control"] == ASK_AGAIN
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "script-src" not in policy, "no inline script, no eval, no other host"
    assert "http" not in policy
    assert response.headers.get("Service-Worker-Allowed") == ("/" if path == "/sw.js" else None)


async def test_every_file_is_served(client: Client) -> None:
    assert {"index.html", "sw.js"} < file_names()
    for name in file_names():
        response = await client.get(f"/static/{name}")
        assert response.status == 200, name
        assert await response.read() == content(name)
        assert response.content_type != "application/octet-stream", name
        assert response.headers["Cache-Control"] == (NEVER_AGAIN if name.startswith("assets/") else ASK_AGAIN)
        assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_the_etag_saves_the_body(client: Client) -> None:
    first = await client.get("/")
    again = await client.get("/", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, await again.read(), again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert again.headers["Cache-Control"] == ASK_AGAIN
    other = await client.get("/sw.js", headers={"If-None-Match": first.headers["ETag"]})
    assert other.status == 200


@pytest.mark.parametrize(
    ("accepted", "coded"),
    [("gzip, deflate, br", True), ("br;q=1, GZIP; q=0.5", True), ("", False), ("gzip;q=0, br", False)],
)
async def test_gzip_for_those_who_take_it(client: Client, accepted: str, coded: bool) -> None:
    [script] = [name for name in file_names() if name.startswith("assets/") and name.endswith(".js")][:1]
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        response = await session.get(client.make_url(f"/static/{script}"), headers={"Accept-Encoding": accepted})
        body = await response.read()
    assert response.headers.get("Content-Encoding") == ("gzip" if coded else None)
    assert (gzip.decompress(body) if coded else body) == content(script)
    assert "Accept-Encoding" in response.headers["Vary"]


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/assets",
        "/static/nothing.js",
        "/static/../web_files.py",
        "/static/..%2fweb_files.py",
        "/static/%2e%2e/web_files.py",
        "/static/assets/..%2f..%2f..%2fweb_files.py",
        "/static//etc/passwd",
        "/static/%2fetc/passwd",
        "/static/index.html%00.js",
        "/static/..%5cweb_files.py",
        "/index.html",
    ],
)
async def test_no_path_leads_elsewhere(client: Client, path: str) -> None:
    async with aiohttp.ClientSession() as session:  # the test client would tidy the path up
        response = await session.get(URL(str(client.make_url("/"))[:-1] + path, encoded=True))
        assert (response.status, set(await response.json())) == (404, {"error", "detail"})


async def test_queries_and_tokens_are_not_looked_at(client: Client) -> None:
    response = await client.get("/?utm_source=mail", headers=REFUSED["expired"])
    assert response.status == 200


async def test_the_manifest_leads_to_files(client: Client) -> None:
    manifest = json.loads(content("manifest.webmanifest"))
    assert manifest["start_url"].startswith("/")
    for icon in manifest["icons"]:
        assert (await client.get(icon["src"])).status == 200


def test_a_wheel_holds_every_file(tmp_path: Path) -> None:
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(ROOT / file, tmp_path)
    for folder in ("liontrack_stream", "agents", "tables", "sql"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
    build = "from setuptools.build_meta import build_wheel; build_wheel('.')"
    subprocess.run([sys.executable, "-c", build], cwd=tmp_path, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name: archive.read(name) for name in archive.namelist()}
    for name in file_names():
        assert packed[f"liontrack_stream/views/static/{name}"] == content(name)
    assert not [name for name in packed if "node_modules" in name or "web_app" in name]
