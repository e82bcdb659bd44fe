"""PostgreSQL refuses to run as root; in a container where we are root, it runs as an unprivileged user instead."""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from liontrack_stream.local.errors import StackError

_CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class ServerUser:
    """Whom to run the server as; ``uid`` is None when we are not root and run it as ourselves."""

    uid: int | None = None
    gid: int | None = None

    @staticmethod
    def choose() -> ServerUser:
        """Ourselves, or for root the first of ``postgres`` and ``nobody`` that exists.

        Raises
        ------
        StackError
            When we are root and neither exists.
        """
        if os.geteuid() != 0:
            return ServerUser()
        for name in _CANDIDATES:
            try:
                found = pwd.getpwnam(name)
            except KeyError:
                continue
            return ServerUser(found.pw_uid, found.pw_gid)
        raise StackError("PostgreSQL does not run as root: create a user for it with `useradd --system postgres`.")

    def own(self, path: Path) -> None:
        """Give a file or folder to the server."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def command(self, command: Sequence[str], needs: Sequence[Path]) -> list[str]:
        """``command`` as run by this user, who needs to reach the paths ``needs``.

        Where a folder above one of them is closed to others (``/root`` is), the server gets the one capability that
        opens it; nothing about the folder is changed.

        Raises
        ------
        StackError
            When ``setpriv`` (util-linux) is missing.
        """
        if self.uid is None:
            return list(command)
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            raise StackError(
                "To run PostgreSQL as another user than root, `setpriv` of util-linux is needed: install it."
            )
        prefix = [setpriv, f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups"]
        if not all(self._reaches(path) for path in needs):
            prefix += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
        return [*prefix, "--", *command]

    def _reaches(self, path: Path) -> bool:
        return all(self._enters(parent) for parent in path.resolve().parents)

    def _enters(self, folder: Path) -> bool:
        found = folder.stat()
        if found.st_uid == self.uid:
            return bool(found.st_mode & 0o100)
        if found.st_gid == self.gid:
            return bool(found.st_mode & 0o010)
        return bool(found.st_mode & 0o001)
