"""The lake: written, read and refused as it has to be, and how far its files are."""

from __future__ import annotations

import hashlib
import uuid
from contextlib import suppress

import asyncpg
import pyarrow as pa

from liontrack_stream.doctor.probes import Line, Patient, fail, first_line, in_thread, ok, warn
from liontrack_stream.lake.parquet import Encoded
from liontrack_stream.lake.ports import LakeError
from liontrack_stream.lake.store import Store, open_store
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.queries import query

FOLDER = ".doctor"  # engines pass over hidden folders, and over what is no .parquet
LAG_WARN_RECORDS, DAYS_WARN = 1_000_000, 1_000


async def lake(patient: Patient) -> Line:
    """Whether a file can be written, read back, not overwritten, and deleted."""
    settings = patient.settings
    try:
        await in_thread(_try, settings)
    except LakeError as error:
        return fail("lake", first_line(error), "Create the bucket, or correct LAKE_ROOT")
    except OSError as error:
        what = (
            "LAKE_ROOT, the S3_… settings and the bucket's rights" if _bucket(settings) else "LAKE_ROOT and its rights"
        )
        return fail("lake", f"{settings.lake_root} cannot be written ({first_line(error)})", f"Correct {what}")
    return ok("lake", f"{settings.lake_root} can be written, read and cleared; a file is not overwritten")


def _bucket(settings: Settings) -> bool:
    return settings.lake_root.startswith("s3://")


def _try(settings: Settings) -> None:
    store = open_store(settings)
    if _bucket(settings):
        store.prepare()  # only looks, in a bucket
    path = f"{FOLDER}/{uuid.uuid4().hex}.txt"
    text = b"liontrack doctor was here"
    file = Encoded(pa.py_buffer(text), 0, hashlib.sha256(text).hexdigest())
    try:
        _publish(store, file, path)
        if store.read(path).to_pybytes() != text:
            raise OSError("a file reads back differently from what was written")
        try:
            _publish(store, file, path)
        except FileExistsError:
            return
        raise OSError("a file that is there was overwritten")
    finally:
        with suppress(OSError):
            store.delete(path)


def _publish(store: Store, file: Encoded, path: str) -> None:
    staged = store.stage(file)
    try:
        staged.publish(path, replace=False)
    finally:
        staged.discard()


async def export(patient: Patient) -> Line:
    """How far the files are behind the warehouse."""
    connection = await asyncpg.connect(**patient.settings.pg_dsn, timeout=patient.timeout_s)
    try:
        row = await connection.fetchrow(query("doctor/lake"))
    finally:
        await connection.close()
    detail = f"{row['files']} files; {row['records']} records and {row['days']} days wait for theirs"
    if row["records"] > LAG_WARN_RECORDS or row["days"] > DAYS_WARN:
        return warn("lake export", detail, "Let a worker run; its log says where it cannot write")
    return ok("lake export", detail)
