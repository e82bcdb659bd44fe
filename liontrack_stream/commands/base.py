"""What the commands have in common: options, errors as one sentence, exit codes.

Exit codes: 0 done, 1 failed (the sentence on stderr says why and what to do), 2 wrong usage or settings,
130 interrupted. A command may return others; its help names them.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import sys
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import click
from faust.cli.base import Command, _apply_options, cli, option

from liontrack_stream.redaction import redacted
from liontrack_stream.settings import STACK_ENV_FILE, SettingsError, data_dir_from_env, load_settings


class Exit(IntEnum):
    """How a command ends."""

    OK = 0
    FAILED = 1
    USAGE = 2
    INTERRUPTED = 130


class CommandError(Exception):
    """Ends a command with its message, a sentence, on stderr and exit code 1 (or ``exit_code``)."""

    def __init__(self, message: str, exit_code: int = Exit.FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code


data_dir_option = option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="Folder of the embedded stack.  [default: LIONTRACK_DATA_DIR, else .liontrack]",
)


class LionTrackCommand(Command):
    """Base of the commands that need no Faust app.

    A subclass sets ``options`` (a list of Faust's ``option``/``argument``), writes its help with examples as its
    docstring, and defines ``run(self, **options) -> int | None``, plain or ``async``. The command's name is the
    class's, or ``command_name``; ``group`` makes it a command of a command. Raise `CommandError`, `SettingsError` or
    one of ``failures`` (exceptions whose message is a sentence for a person) to end it; anything else is a defect and
    shows a traceback.
    """

    abstract: ClassVar[bool] = True
    command_name: ClassVar[str | None] = None
    group: ClassVar[click.Group] = cli
    failures: ClassVar[tuple[type[Exception], ...]] = ()

    @classmethod
    def as_click_command(cls) -> Callable[..., Any]:
        """Register with its group, by default Faust's, under the command's name."""

        @click.pass_context
        def run_command(context: click.Context, /, **options: Any) -> NoReturn:
            cls(context, **options)()

        name = cls.command_name or cls.__name__.lower()
        return _apply_options(cls.options or [])(
            cls.group.command(name, help=inspect.cleandoc(cls.__doc__ or ""))(run_command)
        )

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Run, and exit with the command's code."""
        try:
            result: Any = self.run(*self.args, **self.kwargs)
            if inspect.isawaitable(result):
                result = asyncio.run(_await(result))
            sys.stdout.flush()
        except SettingsError as error:
            fail(str(error), Exit.USAGE)
        except CommandError as error:
            fail(_refusal(error.__context__) or str(error), error.exit_code)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left (| head); not our failure
            sys.exit(Exit.OK)
        except KeyboardInterrupt:
            sys.exit(Exit.INTERRUPTED)
        except self.failures as error:
            fail(str(error), Exit.FAILED)
        except Exception as error:
            lost = _lost(error)
            if lost is None:
                raise
            fail(lost, Exit.FAILED)
        sys.exit(int(result or Exit.OK))


def _refusal(error: BaseException | None) -> str | None:
    """What it means, and what to do, where PostgreSQL did not let us in; None for every other trouble."""
    import asyncpg

    from liontrack_stream.warehouse.trouble import refusal

    found = refusal(load_settings().pg_dsn, error) if isinstance(error, (asyncpg.PostgresError, OSError)) else None
    return str(found) if found else None


def _lost(error: Exception) -> str | None:
    """A sentence where PostgreSQL's connection ended under a command; None for every other trouble."""
    import asyncpg

    from liontrack_stream.warehouse.trouble import LOST

    if not isinstance(error, (asyncpg.PostgresConnectionError, *LOST)):
        return None
    settings = load_settings()
    return f"PostgreSQL at {settings.pg_host}:{settings.pg_port} went away ({error}): run the same again."


async def _await(awaitable: Any) -> Any:
    return await awaitable


def fail(sentence: str, code: int) -> NoReturn:
    """Say why on stderr and exit."""
    click.echo(redacted(f"liontrack: {sentence}"), err=True)
    sys.exit(code)


def use_data_dir(data_dir: Path | None) -> Path:
    """The stack's folder; remembered in the environment, so that child processes use the same one."""
    folder = data_dir_from_env(data_dir).absolute()
    if data_dir is not None and data_dir.name == STACK_ENV_FILE:
        raise CommandError(f"--data-dir takes a folder, and {data_dir} is a file in one.", Exit.USAGE)
    os.environ["LIONTRACK_DATA_DIR"] = str(folder)
    return folder
