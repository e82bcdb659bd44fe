"""What counts as a secret, and that it is taken out of a text in whatever form it stands there."""

from __future__ import annotations

import json
import logging
from typing import Any
from urllib.parse import quote

import pytest
from pydantic import BaseModel, SecretStr

from liontrack_stream import logs, redaction
from liontrack_stream.redaction import REMOVED, hider, secrets_of


class Some(BaseModel):
    pg_user: str = "lions"
    pg_password: SecretStr = SecretStr('pä"ss wörd/1')
    other_password: SecretStr = SecretStr("lions")
    mongodb_uri: SecretStr | None = SecretStr(
        "mongodb://u:p%40ssw%C3%B6rd@h/db?tlsCertificateKeyFilePassword=t0psecret"
    )
    openlineage_url: str | None = "https://me:gehe/im@collector.example:5000/api"
    nothing: SecretStr | None = None


def test_secrets_of_settings() -> None:
    assert secrets_of(Some()) == {
        'pä"ss wörd/1', "p%40ssw%C3%B6rd", "p@sswörd", "t0psecret", "gehe/im"
    }  # fmt: skip


@pytest.mark.parametrize("write", [str, json.dumps, repr, quote, lambda text: json.dumps({"a": [text]})])
def test_a_secret_is_taken_out_as_it_is_written(write: Any) -> None:
    hide = hider(secrets_of(Some()))
    for secret in secrets_of(Some()):
        told = hide(f"before {write(secret)} after")
        assert REMOVED in told
        assert secret not in told
        assert told.startswith("before ")
        assert told.endswith(" after")


def test_urls_lose_user_and_password_whoever_they_are_of() -> None:
    hide = hider(())
    assert hide("https://x:y@z/ user@host s3://b/k") == "https://[removed]@z/ user@host s3://b/k"
    assert hide('{"u": "http://h/", "m": "a@b"}') == '{"u": "http://h/", "m": "a@b"}'


def test_what_is_short_or_told_openly_stays() -> None:
    some = Some(pg_password=SecretStr("abc"), mongodb_uri=None, openlineage_url=None)
    assert hider(secrets_of(some))("abc lions") == "abc lions"


@pytest.mark.parametrize("wanted", ["json", "text"])
def test_a_handler_writes_no_secret(wanted: logs.LogFormat, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by the message, nor an argument, a field, or an exception's text."""
    monkeypatch.setattr(redaction._Process, "secrets", frozenset())
    monkeypatch.setattr(redaction._Process, "hide", hider(()))
    redaction.remember(Some())
    handler = logging.StreamHandler()
    logs.dress(handler, wanted, "7", logging.INFO)
    try:
        raise ValueError('refused: pä"ss wörd/1')
    except ValueError:
        record = logging.getLogger("x").makeRecord(
            "x", logging.ERROR, __file__, 1, "gehe/im %s", ("p@sswörd",), _exc_info(), extra={"url": "a t0psecret"}
        )
    line = handler.format(record)
    assert line.count(REMOVED) >= 3
    for secret in secrets_of(Some()):
        assert secret not in line
        assert json.dumps(secret, ensure_ascii=False)[1:-1] not in line


def _exc_info() -> Any:
    import sys

    return sys.exc_info()
