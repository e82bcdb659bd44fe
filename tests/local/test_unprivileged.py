"""PostgreSQL as root's other user."""

from __future__ import annotations

from pathlib import Path

from liontrack_stream.local import unprivileged
from liontrack_stream.local.unprivileged import ServerUser

OTHER = ServerUser(uid=65534, gid=65534)


def test_as_ourselves_the_command_is_unchanged(tmp_path: Path) -> None:
    assert ServerUser().command(["postgres"], needs=(tmp_path,)) == ["postgres"]


def test_root_changes_user_and_nothing_more_where_all_may_enter(monkeypatch) -> None:
    monkeypatch.setattr(unprivileged.shutil, "which", lambda name: f"/usr/bin/{name}")
    command = OTHER.command(["postgres"], needs=(Path("/usr/bin"),))
    assert command == ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--", "postgres"]


def test_below_a_closed_folder_it_gets_the_capability_to_enter(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(unprivileged.shutil, "which", lambda name: f"/usr/bin/{name}")
    closed = tmp_path / "closed"
    (closed / "data").mkdir(parents=True)
    closed.chmod(0o700)
    command = OTHER.command(["postgres"], needs=(closed / "data",))
    assert "--ambient-caps=+dac_override" in command
