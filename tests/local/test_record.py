"""What a data folder remembers."""

from __future__ import annotations

from pathlib import Path

import pytest

from liontrack_stream.local import StackError
from liontrack_stream.local.processes import Recorded
from liontrack_stream.local.record import Record
from liontrack_stream.settings import load_settings


def test_comes_back_as_written_and_private(tmp_path: Path) -> None:
    record = Record(kafka_port=1, controller_port=2, pg_port=3, processes={"kafka": Recorded(4, 5.5, "here")})
    record.write(tmp_path)
    record.write_client_settings(tmp_path)
    assert Record.read(tmp_path) == record
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_clients_read_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Record().client_settings(tmp_path):
        monkeypatch.delenv(name, raising=False)
    record = Record(kafka_port=1, pg_port=3)
    record.write_client_settings(tmp_path)
    settings = load_settings(tmp_path)
    assert (settings.kafka_brokers, settings.pg_port) == ("127.0.0.1:1", 3)
    assert settings.require_jwt_secret() == record.jwt_secret


def test_a_new_folder_has_passwords_of_its_own(tmp_path: Path) -> None:
    assert Record.read(tmp_path).passwords != Record.read(tmp_path).passwords


def test_damage_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text('{"kafka_port": 1')
    with pytest.raises(StackError, match=r"stack.json is damaged"):
        Record.read(tmp_path)
