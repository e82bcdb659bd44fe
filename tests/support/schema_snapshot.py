"""``sql/schema.sql``: the whole schema in one readable file. Written by ``python -m tests.support.schema_snapshot``.

It is what pg_dump says of a freshly migrated database, but for what differs from server to server: owners, privileges
(``metadata.grant_roles()`` gives them), versions, session settings, and the migrations' own bookkeeping.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from liontrack_stream import generation
from liontrack_stream.local import postgres, processes
from liontrack_stream.warehouse.generations import OWN, OWN_END
from liontrack_stream.warehouse.migrations import migrate
from liontrack_stream.warehouse.queries import SQL_ROOT

SNAPSHOT = SQL_ROOT / "schema.sql"
SCHEMAS = (*generation.SCHEMAS, "catalog")
SHARED = "-- What no generation has of its own; their views look into it."
HEAD = """\
-- The whole schema, as the files of sql/migrations leave it. Made by `make schema`; change the migrations, not this.
-- Each table's and view's COMMENT states its grain ("One row per …"). Run once, on an empty database.
-- Day partitions are not part of it: they are made on demand.

"""
TAIL = """
-- Owners and privileges.
SELECT metadata.grant_roles();

"""
SHARED_TAIL = """
INSERT INTO catalog.generations (generation, state) VALUES (0, 'live');

"""
PRIVILEGES = """\
SELECT catalog.grant_roles();
SELECT catalog.grant_mongo();
"""
_DATED = ("*.*_" + "[0-9]" * 8, "*.*_w" + "[0-9]" * 8)
_NOISE = re.compile(r"^(--.*|\\(un)?restrict .*|SET .*|SELECT pg_catalog\.set_config.*)\n", re.M)


def dump(dsn: Mapping[str, Any], *options: str, schemas: Iterable[str] = SCHEMAS) -> str:
    """Schemas of a database as SQL, in pg_dump's order, without dated partitions; ``options`` are pg_dump's."""
    command = [str(postgres.binaries() / "pg_dump"), "--schema-only", *options]
    command += [f"--exclude-table={names}" for names in _DATED]
    command += [f"--schema={schema}" for schema in schemas]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PG")},
        "PGHOST": str(dsn["host"]),
        "PGPORT": str(dsn["port"]),
        "PGUSER": str(dsn["user"]),
        "PGPASSWORD": str(dsn["password"]),
        "PGDATABASE": str(dsn["database"]),
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return re.sub(r"\n{3,}", "\n\n", _NOISE.sub("", done.stdout)).strip() + "\n"


def snapshot(dsn: Mapping[str, Any]) -> str:
    """What `SNAPSHOT` holds when it is current; the database has to be a migrated one."""
    bare = ("--no-owner", "--no-privileges")
    own, shared = dump(dsn, *bare, schemas=generation.SCHEMAS), dump(dsn, *bare, schemas=["catalog"])
    return f"{HEAD}{SHARED}\n\n{shared}{SHARED_TAIL}{OWN}\n\n{own}{TAIL}{OWN_END}\n{PRIVILEGES}"


def main() -> None:
    """Write the file, from a PostgreSQL of its own."""
    with tempfile.TemporaryDirectory(prefix="liontrack-schema-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the server may run as another user
        passwords, port = postgres.Passwords.random(), processes.free_ports(1)[0]
        recorded = postgres.start(folder, folder / "postgres.log", port, passwords, lambda *_: None)
        try:
            dsn = {"host": processes.LOOPBACK, "port": port, "database": postgres.DATABASE, "user": postgres.USER}
            dsn["password"] = passwords.client
            migrate(dsn)
            SNAPSHOT.write_text(snapshot(dsn))
        finally:
            processes.stop(recorded, signal.SIGINT, signal.SIGQUIT, 30.0)
    print(f"wrote {SNAPSHOT}")


if __name__ == "__main__":
    main()
