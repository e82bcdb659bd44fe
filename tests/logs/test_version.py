"""The version: one definition, which CHANGELOG.md and the tags agree with; `make release` looks before it tags."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from liontrack_stream import __version__
from liontrack_stream.lineage_events import PRODUCER
from liontrack_stream.views.openapi import document
from liontrack_stream.views.web import ROUTES
from tests.commands.running import liontrack
from tests.support.worker_process import REPOSITORY

HEADINGS = re.compile(r"^## \[(\d[^\]]*)\]", re.MULTILINE)
TAGGED = re.compile(r"v\d+\.\d+\.\d+")


def test_everything_tells_the_one_version(tmp_path: Path) -> None:
    told = liontrack("--version", cwd=tmp_path)
    assert (told.returncode, told.stdout) == (0, f"LionTrack Stream {__version__}\n")
    assert document(ROUTES)["info"]["version"] == __version__
    assert PRODUCER.endswith(f":{__version__}")


def test_the_changelog_and_the_tags_say_the_same() -> None:
    text = (REPOSITORY / "CHANGELOG.md").read_text()
    assert HEADINGS.findall(text)[0] == __version__
    assert text.index("## [Unreleased]") < text.index(f"## [{__version__}]")
    if (REPOSITORY / ".git").exists():  # an archive has no tags
        tags = [tag for tag in _git(REPOSITORY, "tag", "--points-at", "HEAD").split() if TAGGED.fullmatch(tag)]
        assert tags in ([], [f"v{__version__}"])


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with what a release looks at."""
    folder = tmp_path / "clone"
    for name in ("deploy/release", "liontrack_stream/__init__.py", "CHANGELOG.md"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, folder / name)
    _git(folder, "init", "--quiet")
    _git(folder, "config", "user.name", "tester")
    _git(folder, "config", "user.email", "tester@example.org")
    _commit(folder)
    return folder


def test_a_release_is_refused_until_all_agrees(clone: Path) -> None:
    assert "name the version" in _release(clone, "")
    assert "name the version" in _release(clone, "next")
    assert "set __version__" in _release(clone, "9.8.7")
    _replace(clone / "liontrack_stream/__init__.py", f'"{__version__}"', '"9.8.7"')
    assert "git status" in _release(clone, "9.8.7")
    _commit(clone)
    assert f"newest version is {__version__}" in _release(clone, "9.8.7")
    _replace(clone / "CHANGELOG.md", "## [Unreleased]\n", "## [Unreleased]\n\n- late\n\n## [9.8.7]\n")
    _commit(clone)
    assert "needs the day" in _release(clone, "9.8.7")
    _replace(clone / "CHANGELOG.md", "## [9.8.7]\n", "## [9.8.7] - 2026-12-24\n")
    _commit(clone)
    assert "under Unreleased" in _release(clone, "9.8.7")
    _replace(clone / "CHANGELOG.md", "- late\n", "")
    _commit(clone)
    assert _git(clone, "tag").split() == []
    assert "v9.8.7 is tagged" in _release(clone, "9.8.7", code=0)
    assert _git(clone, "tag", "--points-at", "HEAD").split() == ["v9.8.7"]
    assert "tagged already" in _release(clone, "9.8.7")


def _release(folder: Path, version: str, code: int = 1) -> str:
    done = subprocess.run([folder / "deploy" / "release", version], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


def _commit(folder: Path) -> None:
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--message", "x")


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
