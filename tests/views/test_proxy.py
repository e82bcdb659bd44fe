"""The API by TLS of its own, and behind a real nginx with the committed configuration."""

from __future__ import annotations

import asyncio
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from liontrack_stream.local.processes import free_ports, port_answers
from liontrack_stream.local.unprivileged import ServerUser
from liontrack_stream.secure_links import web_context
from liontrack_stream.settings import Settings
from liontrack_stream.views.certificate import renew_certificate
from tests.support.needs import needs_command
from tests.support.secure_servers import Certificates
from tests.support.worker_process import REPOSITORY
from tests.views.conftest import Client, Serve
from tests.views.tokens import RANGER

CONFIGURATION = REPOSITORY / "deploy" / "proxy" / "nginx.conf"
HERE = (ip_network("127.0.0.1/32"),)
HSTS = "Strict-Transport-Security"


# -- nginx


@contextmanager
def _nginx(folder: Path, certificates: Certificates, upstream: int) -> Iterator[tuple[int, int]]:
    """Ports of http and https of the committed configuration, in front of a port."""
    command = needs_command("nginx", "nginx-light")
    plain, secure = free_ports(2)
    user = ServerUser.choose()
    for name in ("temp", "tls"):
        (folder / name).mkdir(parents=True)
        user.own(folder / name)
    for file in (certificates.certificate(), certificates.key()):
        shutil.copy(file, folder / "tls")
        user.own(folder / "tls" / file.name)
    text, changes = CONFIGURATION.read_text(), 0
    for pattern, replacement in (
        (r"listen 80;", f"listen 127.0.0.1:{plain};"),
        (r"listen 443 ssl", f"listen 127.0.0.1:{secure} ssl"),
        (r"server 127\.0\.0\.1:4001;", f"server 127.0.0.1:{upstream};"),
        (r"/etc/nginx/tls/\S+\.crt", f"{folder}/tls/right.crt"),
        (r"/etc/nginx/tls/\S+\.key", f"{folder}/tls/right.key"),
    ):
        text, count = re.subn(pattern, replacement, text)
        changes += count
    assert changes == 5, "the example has other lines than this test knows"
    (folder / "liontrack.conf").write_text(text)
    temp = "".join(
        f"{kind}_temp_path {folder}/temp/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/temp/pid; error_log {folder}/temp/error.log;\n"
        f"events {{}}\nhttp {{ access_log off; {temp}include {folder}/liontrack.conf; }}\n"
    )
    (folder / "temp" / "error.log").touch()
    user.own(folder / "temp" / "error.log")
    arguments = [command, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "temp" / "error.log")]
    process = subprocess.Popen(user.command(arguments, needs=(folder / "temp",)), stderr=subprocess.PIPE, text=True)
    try:
        until = time.monotonic() + 15
        while not port_answers(secure):
            assert process.poll() is None and time.monotonic() < until, process.stderr and process.stderr.read()
            time.sleep(0.05)
        yield plain, secure
    finally:
        process.terminate()
        process.communicate(timeout=10)


@asynccontextmanager
async def _outside(certificates: Certificates, secure: int) -> AsyncIterator[aiohttp.ClientSession]:
    """A client that checks the certificate."""
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=certificates.ca))
    async with aiohttp.ClientSession(f"https://127.0.0.1:{secure}", connector=connector) as session:
        yield session


async def test_behind_nginx(serve: Serve, certificates: Certificates, tmp_path: Path) -> None:
    site = await serve(trusted_proxies=HERE, api_burst=40, api_rate_per_s=0.5)
    with _nginx(tmp_path / "nginx", certificates, int(site.port or 0)) as (plain, secure):
        async with _outside(certificates, secure) as session:
            await _redirected(session, plain)
            async with session.get("/api/analytics/lions?limit=1", headers=RANGER) as answer:
                assert (answer.status, answer.headers[HSTS]) == (200, "max-age=31536000")
                assert answer.headers["Link"].startswith("</api/analytics/lions?"), "an address of no host fits all"
                tag = answer.headers["ETag"]
            async with session.get("/api/analytics/lions?limit=1", headers={**RANGER, "If-None-Match": tag}) as answer:
                assert answer.status == 304
            async with session.get("/openapi.json", headers={"Accept-Encoding": "gzip"}) as answer:
                assert answer.headers["Content-Encoding"] == "gzip"
                assert "servers" not in await answer.json(), "relative to where it was read"
            async with session.get("/metrics") as answer:
                assert answer.status == 404
            await _streamed(session)
            await _too_large(session)
            await _counted_as_one(session)
        await site.server.close()
        async with _outside(certificates, secure) as session, session.get("/health") as answer:
            body = await answer.json()
            assert (answer.status, body["error"], answer.headers["Retry-After"]) == (503, "Unavailable", "5")


async def _redirected(session: aiohttp.ClientSession, plain: int) -> None:
    url = f"http://127.0.0.1:{plain}/api/analytics/lions?limit=1"
    async with session.get(url, allow_redirects=False) as answer:
        assert answer.status == 308
        assert answer.headers["Location"] == "https://127.0.0.1/api/analytics/lions?limit=1"


async def _streamed(session: aiohttp.ClientSession) -> None:
    """An event passes at once, in a stream that goes on."""
    async with asyncio.timeout(10), session.get("/api/analytics/stream?seconds=60", headers=RANGER) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        text = b""
        while b"event: hello" not in text:
            text += await answer.content.readany()


async def _too_large(session: aiohttp.ClientSession) -> None:
    """By a worker, in its words; and far beyond by nginx."""
    for size, told in (((1 << 20) + 100, "INGEST_BODY_MAX_BYTES"), (3 << 20, "send several")):
        headers = {**RANGER, "Content-Type": "application/json"}
        async with session.post("/ingest/positions", data=b" " * size, headers=headers) as answer:
            body = await answer.json()
            assert (answer.status, told in body["detail"]) == (413, True), body


async def _counted_as_one(session: aiohttp.ClientSession) -> None:
    """Who claims to be many addresses is still one."""
    statuses = []
    for number in range(60):
        async with session.get("/openapi.json", headers={"X-Forwarded-For": f"203.0.113.{number}"}) as answer:
            statuses.append(answer.status)
        if 429 in statuses:
            break
    assert statuses[-1] == 429, statuses


@pytest.mark.parametrize(
    ("trusted", "said", "secure"),
    [
        (HERE, ["https"], True),
        (HERE, ["http"], False),
        (HERE, ["https, http"], False),  # the nearest proxy's word counts
        (HERE, ["http", "https"], True),
        (HERE, [], False),
        ((ip_network("10.0.0.0/8"),), ["https"], False),
        ((), ["https"], False),
    ],
)
async def test_whose_word_counts_for_https(serve: Serve, trusted: Any, said: list[str], secure: bool) -> None:
    client: Client = await serve(trusted_proxies=trusted)
    answer = await client.get("/health", headers=[("X-Forwarded-Proto", word) for word in said])  # type: ignore[arg-type]
    assert (HSTS in answer.headers) == secure


# -- TLS of our own


async def test_a_renewed_certificate_is_served(
    web_settings: Settings, certificates: Certificates, tmp_path: Path
) -> None:
    certificate, key = tmp_path / "web.crt", tmp_path / "web.key"

    def put(kind: str) -> None:
        for file, of in ((certificate, certificates.certificate(kind)), (key, certificates.key(kind))):
            file.with_suffix(".new").write_bytes(of.read_bytes())
            file.with_suffix(".new").replace(file)

    put("right")
    settings = web_settings.model_copy(update={"web_tls_cert_file": certificate, "web_tls_key_file": key})
    context = web_context(settings)
    assert context is not None
    application = web.Application()
    renew_certificate(application, settings, context, look_every_s=0.05)
    runner = web.AppRunner(application)
    await runner.setup()
    (port,) = free_ports(1)
    try:
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
        before = await _shown(port, certificates)
        put("other_host")
        async with asyncio.timeout(10):
            while await _shown(port, certificates) == before:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        certificate.write_text("half of it")
        await asyncio.sleep(0.3)
        assert await _shown(port, certificates) not in (before, None)
    finally:
        await runner.cleanup()


async def _shown(port: int, certificates: Certificates) -> str | None:
    """The serial number of the certificate that a new client sees; its name is not looked at."""
    context = ssl.create_default_context(cafile=certificates.ca)
    context.check_hostname = False
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    shown = writer.get_extra_info("peercert")
    writer.close()
    return shown and str(shown["serialNumber"])
