"""ETags, gzip, CORS, limits and headers: what holds whatever the route."""

from __future__ import annotations

import asyncio
import gzip
import json
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientResponse

from liontrack_stream.settings import Settings, SettingsError, load_settings
from liontrack_stream.views import compression
from liontrack_stream.views.database import Busy, Database
from liontrack_stream.views.http_server import LINE_MAX_BYTES
from liontrack_stream.views.responses import etag
from tests.views.conftest import NOW, Client, Serve
from tests.views.tokens import RANGER

LIONS = "/api/analytics/lions"
PAGE = "https://maps.example.org"


def vary(response: ClientResponse) -> set[str]:
    return {part.strip() for part in response.headers.get("Vary", "").split(",") if part.strip()}


async def test_the_same_answer_is_sent_once(client: Client) -> None:
    first = await client.get(LIONS)
    tag = first.headers["ETag"]
    assert tag.startswith('W/"')
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert "Authorization" in vary(first)
    for named in (tag, f'"other", {tag}', tag.removeprefix("W/"), "*"):
        again = await client.get(LIONS, headers={"If-None-Match": named})
        assert (again.status, await again.read()) == (304, b"")
        assert again.headers["ETag"] == tag
        assert again.headers["X-Position-Precision"] == first.headers["X-Position-Precision"]
        assert "Content-Type" not in again.headers
    for other in ('"other"', "nonsense", ""):
        assert (await client.get(LIONS, headers={"If-None-Match": other})).status == 200
    exact = await client.get(LIONS, headers={**RANGER, "If-None-Match": tag})
    assert exact.status == 200
    assert exact.headers["ETag"] != tag
    refused = await client.get(LIONS, headers={"Authorization": "Bearer a.b.c", "If-None-Match": "*"})
    assert (refused.status, refused.headers["Cache-Control"]) == (401, "no-store")
    assert "ETag" not in refused.headers


def test_a_validator_leaves_out_when_the_body_was_made_and_nothing_else() -> None:
    later = NOW + timedelta(seconds=1, microseconds=1)
    body = '{{"lions":[{lion}],"timestamp":"{now}"}}'
    first, same = (
        body.format(lion=1, now="2026-03-10T12:00:00Z"),
        body.format(lion=1, now="2026-03-10T12:00:01.000001Z"),
    )
    assert etag(first.encode(), NOW) == etag(same.encode(), later)
    assert etag(first.encode(), NOW) != etag(first.replace("1]", "2]").encode(), NOW)


@pytest.mark.parametrize(
    ("accepted", "zipped"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("*", True),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("", False),
    ],
)
async def test_gzip_where_it_is_accepted(client: Client, accepted: str, zipped: bool) -> None:
    plain = await (await client.get("/openapi.json", headers={"Accept-Encoding": "identity"})).read()
    response = await client.get("/openapi.json", headers={"Accept-Encoding": accepted}, auto_decompress=False)
    body = await response.read()
    assert ("Content-Encoding" in response.headers) == zipped
    assert response.headers["Content-Length"] == str(len(body))
    assert "Accept-Encoding" in vary(response)
    assert (gzip.decompress(body) if zipped else body) == plain
    assert len(body) * 3 < len(plain) or not zipped


async def test_small_bodies_are_sent_as_they_are(client: Client) -> None:
    assert "Content-Encoding" not in (await client.get("/health", headers={"Accept-Encoding": "gzip"})).headers


async def test_a_body_is_compressed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    real = gzip.compress

    def count(body: bytes, *rest: Any, **more: Any) -> bytes:
        calls.append(len(body))
        return real(body, *rest, **more)

    monkeypatch.setattr(compression.gzip, "compress", count)
    monkeypatch.setattr(compression, "KEPT_BYTES", 400)
    compressor = compression.Compressor()
    large = [bytes([number]) * compression.LARGE_BYTES for number in range(9)]
    for body in (large[0], large[0]):
        assert gzip.decompress(await compressor.compress(body)) == body
    assert len(calls) == 1
    for body in (*large, large[0]):
        assert gzip.decompress(await compressor.compress(body)) == body
    assert len(calls) == 10  # the first had to make room


async def test_pages_of_other_origins_read_only_where_they_are_named(serve: Serve, client: Client) -> None:
    ask = {"Origin": PAGE, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    closed = await client.options(LIONS, headers=ask)
    assert (closed.status, set(await closed.json())) == (405, {"error", "detail"})
    assert not [name for name in (await client.get(LIONS, headers={"Origin": PAGE})).headers if "Access-C" in name]

    open_to = await serve(cors_origins=(PAGE,))
    preflight = await open_to.options(LIONS, headers=ask)
    assert preflight.status == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == PAGE
    assert preflight.headers["Access-Control-Allow-Headers"].lower() == "authorization"
    response = await open_to.get(LIONS, headers={"Origin": PAGE})
    assert response.headers["Access-Control-Allow-Origin"] == PAGE
    assert "Access-Control-Allow-Credentials" not in response.headers
    exposed = response.headers["Access-Control-Expose-Headers"].split(",")
    assert {"Link", "ETag", "X-Position-Precision", "Retry-After"} <= set(exposed)
    assert {"Origin", "Authorization"} <= vary(response)
    unknown = await open_to.get(f"{LIONS}/nobody", headers={"Origin": PAGE})
    assert (unknown.status, unknown.headers["Access-Control-Allow-Origin"]) == (404, PAGE)

    for origin in ("https://evil.example", "null", f"{PAGE}.evil.example", PAGE.replace("https", "http")):
        other = await open_to.get(LIONS, headers={"Origin": origin})
        assert (other.status, "Access-Control-Allow-Origin" in other.headers) == (200, False)
        assert "Origin" in vary(other)
        refused = await open_to.options(LIONS, headers={**ask, "Origin": origin})
        assert (refused.status, set(await refused.json())) == (403, {"error", "detail"})
        assert "Access-Control-Allow-Origin" not in refused.headers
    posting = await open_to.options(LIONS, headers={**ask, "Access-Control-Request-Method": "POST"})
    assert posting.status == 403


async def test_every_response_tells_browsers_to_be_careful(client: Client) -> None:
    for path, status in ((LIONS, 200), (f"{LIONS}/nobody", 404), ("/nowhere", 404), ("/metrics", 200), ("/", 200)):
        response = await client.get(path)
        assert response.status == status
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert "default-src" in response.headers["Content-Security-Policy"]
        assert response.headers["Cache-Control"]
        assert "ython" not in response.headers["Server"]


async def test_bodies_are_not_taken(client: Client) -> None:
    async def chunks() -> Any:
        yield b"x" * 10

    for body in (b"x" * 2_000, chunks()):
        response = await client.request("GET", LIONS, data=body)
        assert (response.status, set(await response.json())) == (413, {"error", "detail"})
    assert (await client.request("GET", LIONS, data=b"{}")).status == 200
    response = await client.post(LIONS, data=b"{}")
    assert (response.status, response.headers["Allow"]) == (405, "GET,HEAD")


async def test_endless_addresses_are_not_read(client: Client) -> None:
    for length in (9_000, 100_000):
        response = await client.get(f"{LIONS}?after={'x' * length}")
        assert (response.status, set(await response.json())) == (414, {"error", "detail"})
    assert (await client.get(f"{LIONS}?after={'x' * LINE_MAX_BYTES}")).status == 400
    assert (await client.get(f"/nowhere/{'x' * 9_000}")).status == 404


@pytest.mark.parametrize("line", [b"Authorization: Bearer sec\x00ret", b"Authorization: Bearer " + b"secret" * 9_000])
async def test_a_malformed_request_is_not_logged(client: Client, line: bytes, caplog: pytest.LogCaptureFixture) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\n" + line + b"\r\n\r\n")
    assert b" 400 " in await reader.readline()
    writer.close()
    assert "sec" not in caplog.text
    assert not caplog.records


async def test_a_query_that_takes_too_long_is_ended(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("liontrack_stream.views.database.query", lambda name: "SELECT pg_sleep(30)")
    client = await serve(api_statement_timeout_s=0.2)
    response = await client.get(LIONS)
    assert (response.status, response.headers["Retry-After"]) == (503, "2")


async def test_a_flood_is_told_at_once_that_it_is_too_much(
    web_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liontrack_stream.views.database.WAITING_MAX", 0)
    database = Database(web_settings)
    await database.open()
    with pytest.raises(Busy):
        await database.rows("ping")
    monkeypatch.undo()
    assert await database.rows("ping")
    await database.close()


@pytest.mark.parametrize("origins", ["*", "https://*.example.org", "example.org", "https://a.example/", "null"])
def test_an_origin_is_named_in_full(origins: str, monkeypatch: pytest.MonkeyPatch, stack_settings: Settings) -> None:
    monkeypatch.setenv("CORS_ORIGINS", f"{PAGE},{origins}")
    with pytest.raises(SettingsError, match=r"CORS_ORIGINS: (name each origin|an origin is)"):
        load_settings(**stack_settings.model_dump(exclude={"cors_origins"}))


def test_lists_in_settings(monkeypatch: pytest.MonkeyPatch, stack_settings: Settings) -> None:
    monkeypatch.setenv("CORS_ORIGINS", f" {PAGE} , http://localhost:5173,")
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8, ::1")
    settings = load_settings(**stack_settings.model_dump(exclude={"cors_origins", "trusted_proxies"}))
    assert settings.cors_origins == (PAGE, "http://localhost:5173")
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.0/8", "::1/128"]


async def test_openapi_is_json(client: Client) -> None:
    assert json.loads(await (await client.get("/openapi.json")).read())["openapi"]
