"""How the HTTP server behaves beneath the application: what it reads at all, and what it logs of that."""

from __future__ import annotations

import logging
from typing import Any

from aiohttp.http_exceptions import HttpProcessingError

# An address or header beyond this is answered by aiohttp alone, in plain text: the request is never read.
LINE_MAX_BYTES = 131_072  # far beyond what is taken (`size_limits`), so that 414 is told in JSON
HEADER_MAX_BYTES = 8_190
KEEP_ALIVE_S = 75.0
LINGER_S = 1.0  # for the rest of a body that nobody takes


class _NotTheClients(logging.Filter):
    """Drops what is said of malformed requests: a client sends as many as it likes, with tokens in them."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is of ours."""
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, HttpProcessingError)


def server_options() -> dict[str, Any]:
    """Arguments of `aiohttp.web.AppRunner`."""
    logger = logging.getLogger(__name__)
    if not logger.filters:
        logger.addFilter(_NotTheClients())
    return {
        "access_log": None,
        "logger": logger,
        "max_line_size": LINE_MAX_BYTES,
        "max_field_size": HEADER_MAX_BYTES,
        "keepalive_timeout": KEEP_ALIVE_S,
        "lingering_time": LINGER_S,
        "auto_decompress": False,  # `pushes` unpacks, and counts
    }
