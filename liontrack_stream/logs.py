"""How logs look: a JSON object a line where a program reads them, lines for people on a terminal. No secrets in either.

A JSON line has ``timestamp`` (UTC), ``level``, ``logger``, ``message``, ``instance``, and what the event tells beside
its sentence: ``topic``, ``partition``, ``records``, ``seconds`` …; ``exception`` is a traceback. Whoever logs puts such
fields into ``extra``.
"""

from __future__ import annotations

import logging
import os
import sys
from types import TracebackType
from typing import Any, Literal

from liontrack_stream.redaction import redacted

LogFormat = Literal["auto", "json", "text"]
LogLevel = Literal["debug", "info", "warning", "error", "critical"]

# Libraries tell what concerns those who work on them; their debug logs have lines per record, and signed headers.
_LIBRARIES = (
    *("aiobotocore", "aiohttp", "aiokafka", "asyncio", "botocore", "faust", "fsspec", "httpx", "kafka", "mode"),
    *("openlineage", "pymongo", "s3fs", "urllib3", "yoyo"),
)
_REDIRECTED = "mode.redirect"  # what is printed in a worker


class _NotForOperators(logging.Filter):
    """Drops what Faust tells of its services, through their own loggers and ours, below a warning."""

    def __init__(self) -> None:
        super().__init__()
        import faust
        import mode

        self._places = tuple(os.path.dirname(module.__file__ or "") + os.sep for module in (faust, mode))  # noqa: PTH120

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether an operator wants to know."""
        theirs = record.pathname.startswith(self._places) and record.name != _REDIRECTED
        return record.levelno >= logging.WARNING or not theirs


class Redacting(logging.Formatter):
    """Another formatter's lines, without secrets."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return redacted(self._inner.format(record))


def writes_json(wanted: LogFormat, stream: Any) -> bool:
    """Whether a stream gets JSON: as the setting says, else where no person looks on."""
    if wanted != "auto":
        return wanted == "json"
    return not (hasattr(stream, "isatty") and stream.isatty())


def dress(handler: logging.Handler, wanted: LogFormat, instance: str, level: int) -> None:
    """Give a handler the format that its stream shall have, and take out secrets, and above debug Faust's own talk."""
    if level > logging.DEBUG:
        handler.addFilter(_NotForOperators())
    inner = handler.formatter or logging.Formatter()
    if writes_json(wanted, getattr(handler, "stream", None)):
        inner = _json_formatter(instance)
    handler.setFormatter(Redacting(inner))


def quiet_libraries(level: int) -> None:
    """Have libraries tell what is wrong; at debug also what they do."""
    theirs = max(level, logging.INFO if level <= logging.DEBUG else logging.WARNING)
    for name in _LIBRARIES:
        logging.getLogger(name).setLevel(theirs)
    logging.getLogger(_REDIRECTED).setLevel(logging.INFO)


def guard_terminal() -> None:
    """Take secrets out of tracebacks and of what is logged in commands that set up no log."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(Redacting(logging.Formatter()))
    sys.excepthook = _tell


def _tell(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    import traceback as tracebacks

    sys.stderr.write(redacted("".join(tracebacks.format_exception(kind, error, traceback))))


def _json_formatter(instance: str) -> logging.Formatter:
    from pythonjsonlogger.orjson import OrjsonFormatter

    return OrjsonFormatter(
        ["timestamp", "levelname", "name", "message"],
        rename_fields={"levelname": "level", "name": "logger", "exc_info": "exception"},
        static_fields={"instance": instance},
        timestamp=True,
    )
