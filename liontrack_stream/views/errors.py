"""Errors of the API as ``{error, detail}``, whatever raised them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import asyncpg
from aiohttp import web
from mode import get_logger

from liontrack_stream.kafka.infrastructure_errors import RETRIED
from liontrack_stream.views.database import Busy
from liontrack_stream.views.responses import json_response
from liontrack_stream.views.worker_loop import NoAnswer

logger = get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

NOT_MIGRATED = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError, asyncpg.InvalidSchemaNameError)


class ApiError(Exception):
    """Ends a request with this status; ``error`` names the kind, ``detail`` is a sentence for the caller."""

    def __init__(self, status: int, error: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.error, self.detail, self.headers = status, error, detail, headers


class BadParameter(ApiError):
    """400: a query parameter is not usable."""

    def __init__(self, detail: str) -> None:
        super().__init__(400, "Bad request", detail)


class Forbidden(ApiError):
    """403: the token is valid and does not open this."""

    def __init__(self, detail: str) -> None:
        super().__init__(403, "Forbidden", detail)


class UnknownLion(ApiError):
    """404: nothing is known of this lion."""

    def __init__(self) -> None:
        super().__init__(404, "Lion not found", "No lion has this id.")


class UnknownUser(ApiError):
    """404: nothing is known of this user."""

    def __init__(self) -> None:
        super().__init__(404, "User not found", "No user has this id.")


def unauthorized(detail: str) -> ApiError:
    """401: a token is missing or not valid."""
    return ApiError(401, "Unauthorized", detail, {"WWW-Authenticate": "Bearer"})


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every failure with ``{error, detail}``; what is unexpected is logged and tells the caller nothing."""
    try:
        return await handler(request)
    except ApiError as error:
        return _body(error.status, error.error, error.detail, error.headers)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        return _body(error.status, error.reason, f"{request.method} {request.path}", allow)
    except NOT_MIGRATED:
        return _unavailable("The warehouse lacks a table or column: run `liontrack migrate`.")
    except (Busy, NoAnswer) as error:  # before what they are kinds of: a flood shall not fill the log
        return _unavailable(str(error))
    except RETRIED as error:
        logger.info("%s %s: the warehouse does not answer: %r", request.method, request.path, error)
        return _unavailable("The warehouse does not answer at present.")
    except Exception:
        logger.exception("%s %s failed", request.method, request.path)
        return _body(500, "Internal server error", "The server's log has the reason.")


def _unavailable(detail: str) -> web.Response:
    return _body(503, "Service unavailable", detail, {"Retry-After": "2"})


def _body(status: int, error: str, detail: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return json_response({"error": error, "detail": detail}, status, headers)
