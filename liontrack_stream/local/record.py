"""What a data folder remembers: ports, passwords and processes (stack.json), and what clients read (stack.env)."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from liontrack_stream.local.errors import StackError
from liontrack_stream.local.postgres import DATABASE, USER, Passwords
from liontrack_stream.local.processes import LOOPBACK, Recorded
from liontrack_stream.settings import STACK_ENV_FILE

_STATE_FILE = "stack.json"


@dataclass(slots=True)
class Record:
    """The memory of one data folder. Ports are None until the first start."""

    kafka_port: int | None = None
    controller_port: int | None = None
    pg_port: int | None = None
    passwords: Passwords = field(default_factory=Passwords.random)
    jwt_secret: str = field(default_factory=lambda: secrets.token_hex(32))
    processes: dict[str, Recorded] = field(default_factory=dict)

    @staticmethod
    def read(folder: Path) -> Record:
        """From the folder, or a new one.

        Raises
        ------
        StackError
            When the file is damaged: guessing could leave processes behind.
        """
        path = folder / _STATE_FILE
        if not path.exists():
            return Record()
        try:
            found = json.loads(path.read_text())
            found["passwords"] = Passwords(**found["passwords"])
            found["processes"] = {name: Recorded(**process) for name, process in found["processes"].items()}
            return Record(**found)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise StackError(
                f"{path} is damaged ({error}): end its servers by hand, then delete the folder."
            ) from error

    def write(self, folder: Path) -> None:
        """To the folder, readable by its owner only."""
        _write_private(folder / _STATE_FILE, json.dumps(asdict(self), indent=1) + "\n")

    def client_settings(self, folder: Path) -> dict[str, str]:
        """Environment variable -> value, for every client of this stack."""
        return {
            "KAFKA_BROKERS": f"{LOOPBACK}:{self.kafka_port}",
            "PG_HOST": LOOPBACK,
            "PG_PORT": str(self.pg_port),
            "PG_DATABASE": DATABASE,
            "PG_USER": USER,
            "PG_PASSWORD": self.passwords.client,
            "LAKE_ROOT": str(folder / "lake"),
            "JWT_SECRET": self.jwt_secret,
        }

    def write_client_settings(self, folder: Path) -> None:
        """``stack.env``, which ``load_settings`` reads."""
        lines = as_lines(self.client_settings(folder))
        _write_private(folder / STACK_ENV_FILE, "# Written by `liontrack up`; secrets inside.\n" + lines)


def as_lines(values: Mapping[str, str]) -> str:
    """NAME=value lines."""
    return "".join(f"{name}={value}\n" for name, value in values.items())


def _write_private(path: Path, text: str) -> None:
    fresh = path.with_name(f"{path.name}.new")
    with open(fresh, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(text)
    fresh.replace(path)
