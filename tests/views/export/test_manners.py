"""Exports as HTTP: parameters, gzip, formula cells, file names, the cap, errors before and after the first byte."""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
import json
from typing import Any

import aiohttp
import psycopg
import pytest

from liontrack_stream.views.export_formats import Csv
from liontrack_stream.views.export_response import EXPORTS
from liontrack_stream.warehouse.export_rows import Column
from liontrack_stream.warehouse.export_tables import TABLES
from tests.views import tokens
from tests.views.conftest import Client, Serve
from tests.views.export.reading import read_csv
from tests.views.export.test_tables import ROUTE, export, rows_of

POSITIONS = f"{ROUTE}/csv?table=silver.positions"


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("csv", "table is missing"),
        ("csv?table=bronze.lions_raw", "silver.lions, silver.positions"),
        ("json?table=pg_catalog.pg_authid", "metadata.dead_letters"),
        ("parquet?table=silver.lions%3BDROP", "table must be one of"),
        ("csv?table=silver.lions&limit=0", "limit must be a whole number from 1"),
        ("csv?table=silver.lions&limit=1e3", "limit must be a whole number"),
        ("csv?table=silver.lions&limit=10000000000", "limit must be a whole number"),
        ("csv?table=silver.lions&since=yesterday", "since must be an ISO-8601"),
        ("csv?table=silver.lions&since=2026-03-02&until=2026-03-01", "since must lie before until"),
        ("csv?table=analytics.lions_current_status&since=2026-03-01", "has no time"),
        ("csv?table=silver.lions&columns=lion_id", "Unknown parameter"),
        ("movebank?lion_id=a%00", "lion_id is no id"),
        ("movebank?table=silver.lions", "Unknown parameter"),
    ],
)
async def test_wrong_questions_are_sentences(client: Client, query: str, sentence: str) -> None:
    response = await client.get(f"{ROUTE}/{query}", headers=tokens.ADMIN)
    assert response.status == 400
    assert sentence in (await response.json())["detail"]


async def test_an_unknown_table_is_told_the_list(client: Client) -> None:
    response = await client.get(f"{ROUTE}/csv?table=silver.tigers", headers=tokens.ADMIN)
    assert response.status == 400
    detail = (await response.json())["detail"]
    assert all(name in detail for name in TABLES)


async def test_limit_since_and_until(client: Client) -> None:
    every = await rows_of(client, "silver.positions", tokens.RANGER)
    for limit in (1, 3, len(every), 100):
        assert len(await rows_of(client, "silver.positions", tokens.RANGER, limit=limit)) == min(limit, len(every))
    first, end = "2026-03-09T11:00:00Z", "2026-03-09T11:31:00Z"
    for table, column in (("silver.positions", "event_time"), ("gold.lions_positions_history", "position_date")):
        wanted = [row[column] for row in await rows_of(client, table, tokens.RANGER) if first <= row[column] < end]
        found = [row[column] for row in await rows_of(client, table, tokens.RANGER, since=first, until=end)]
        assert found == wanted
        assert len(wanted) == 2
    days = await rows_of(client, "gold.lions_metrics", tokens.RANGER, since="2026-03-01T00:00:01Z", until="2026-03-04")
    assert [row["metric_date"] for row in days] == ["2026-03-02", "2026-03-03"]


async def test_headers(client: Client) -> None:
    for form, media_type in (
        ("csv", "text/csv; charset=utf-8; header=present"),
        ("json", "application/json; charset=utf-8"),
        ("parquet", "application/vnd.apache.parquet"),
    ):
        for method in ("GET", "HEAD"):
            response = await client.request(method, f"{ROUTE}/{form}?table=silver.lions", headers=tokens.RANGER)
            assert response.status == 200
            found = response.headers
            assert found["Content-Type"] == media_type
            assert found["Content-Disposition"] == f'attachment; filename="silver.lions-20260310T120000Z.{form}"'
            assert (found["X-Content-Type-Options"], found["Cache-Control"]) == ("nosniff", "no-store")
            assert found["Vary"] == "Authorization, Accept-Encoding"
            assert bool(await response.read()) == (method == "GET")
    assert client.app is not None
    assert client.app[EXPORTS].running == 0


async def raw(client: Client, url: str, accepted: str | None) -> tuple[str | None, bytes]:
    """(Content-Encoding, the bytes on the wire) for an Accept-Encoding."""
    headers = {**tokens.ADMIN, **({} if accepted is None else {"Accept-Encoding": accepted})}
    skipped = ["Accept-Encoding"] if accepted is None else []
    async with aiohttp.ClientSession(auto_decompress=False, skip_auto_headers=skipped) as session:
        async with session.get(client.make_url(url), headers=headers) as response:
            return response.headers.get("Content-Encoding"), await response.read()


@pytest.mark.parametrize("url", [POSITIONS, f"{ROUTE}/json?table=silver.users", f"{ROUTE}/movebank"])
async def test_gzip(client: Client, url: str) -> None:
    coding, plain = await raw(client, url, None)
    assert coding is None
    for accepted in ("gzip", "br, GZIP;q=0.5", "*", "deflate, gzip;q=1.0, *;q=0"):
        coding, packed = await raw(client, url, accepted)
        assert coding == "gzip", accepted
        assert gzip.decompress(packed) == plain
    for refused in ("identity", "gzip;q=0", "gzip; q=0.0, *", "br", ""):
        assert (await raw(client, url, refused))[0] is None, refused


async def test_parquet_is_packed_already(client: Client) -> None:
    assert (await raw(client, f"{ROUTE}/parquet?table=silver.lions", "gzip"))[0] is None


async def test_formulas_are_shown_and_not_run(client: Client) -> None:
    users = {row["user_id"]: row for row in read_csv(await export(client, "csv", "silver.users", tokens.ADMIN))}
    assert users["'=1+1"]["username"] == '\'=HYPERLINK("http://example.org","x")'
    assert users["u4"]["username"] == 'Müller, "Leo"\r\nzwei'
    assert json.loads(users["u4"]["roles"]) == ["user", "a b", "=1"]
    challenges = {
        row["challenge_id"]: row for row in read_csv(await export(client, "csv", "silver.challenges", tokens.ADMIN))
    }
    assert (challenges["c1"]["title"], challenges["c1"]["description"]) == ("'+1 a day", "'\tindented")
    assert (challenges["c2"]["title"], challenges["c2"]["description"]) == ("'＝full width", "' -led by a space")
    assert challenges["c2"]["progress"] == "-0.5"
    events = {
        row["challenge_id"]: row
        for row in read_csv(await export(client, "csv", "silver.challenge_events", tokens.ADMIN))
    }
    assert (events["c1"]["title"], events["c2"]["title"]) == ("'quoted", "''=twice")
    positions = read_csv(await export(client, "csv", "silver.positions", tokens.RANGER))
    assert "-24.123456" in {row["lat"] for row in positions}
    assert "-42" in {row["content_hash"] for row in positions}
    for form in ("json", "parquet"):
        body = await export(client, form, "silver.users", tokens.ADMIN)
        assert b"'=" not in body


def test_every_dangerous_beginning(warehouse: psycopg.Connection[Any]) -> None:
    dangerous = [start + lead + "x" for lead in "=+-@\t\r\n＝＋－＠" for start in ("", " ", "'", "' '", "''")]
    harmless = ["", "x", "1", "'x", " x", "x=1", "ä", "😀", "'", " ", "(-1)", "−1"]
    for cells, prefix in ((dangerous, "'"), (harmless, "")):
        found = warehouse.execute(
            "SELECT array_agg(metadata.safe_cell(c) ORDER BY n) FROM unnest(%s::text[]) WITH ORDINALITY AS t (c, n)",
            (cells,),
        ).fetchone()
        assert found is not None
        assert found[0] == [prefix + cell for cell in cells]
    assert warehouse.execute("SELECT metadata.safe_cell(NULL)").fetchone() == (None,)


def test_lines_end_with_crlf_and_cells_stay_as_they_are() -> None:
    cells = [["a", "b\nc"], ['"', "\r\n"], ["", "x\r"], ['""\n""', "\n"], ["plain", "too"]]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(cells)
    encoded = Csv([Column("one", "text"), Column("two", "text")])
    whole = encoded.head() + encoded.block(text.getvalue().encode()) + encoded.tail()
    rows = list(csv.reader(io.StringIO(whole.decode(), newline=""), strict=True))
    assert rows == [["one", "two"], *cells]
    assert whole.startswith(b'one,two\r\n"a","b\nc"\r\n')
    assert encoded.block(b"1,2\n3,4\n") == b"1,2\r\n3,4\r\n"


async def test_an_empty_table_is_a_whole_file(client: Client) -> None:
    later = {"since": "2030-01-01"}
    assert await rows_of(client, "silver.positions", tokens.RANGER, **later) == []
    body = await export(client, "csv", "silver.positions", tokens.RANGER, **later)
    assert body.count(b"\r\n") == 1
    assert (await export(client, "parquet", "silver.positions", tokens.RANGER, **later)).endswith(b"PAR1")


async def test_a_warehouse_that_is_away_is_503(serve: Serve) -> None:
    client = await serve(pg_port=1)
    response = await client.get(POSITIONS, headers=tokens.RANGER)
    assert response.status == 503
    assert set(await response.json()) == {"error", "detail"}
    assert client.app is not None
    assert client.app[EXPORTS].running == 0


async def test_a_cap_on_exports(serve: Serve) -> None:
    client = await serve(export_concurrency_max=1)
    assert client.app is not None
    with client.app[EXPORTS].slot():
        response = await client.get(POSITIONS, headers=tokens.RANGER)
        assert response.status == 429
        assert int(response.headers["Retry-After"]) > 0
        assert (await response.json())["error"] == "Too many exports"
    found = await asyncio.gather(*(client.get(POSITIONS, headers=tokens.RANGER) for _ in range(4)))
    assert {response.status for response in found} == {200, 429}
    for response in found:
        await response.read()
    assert (await client.get(POSITIONS, headers=tokens.RANGER)).status == 200
