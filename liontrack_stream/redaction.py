"""Takes secrets out of what is about to be told: the last line of defence, for no part tells one on purpose.

What counts as a secret: every `SecretStr` of the settings, the passwords in their URLs, and whatever stands before the
@ of any URL.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from urllib.parse import quote, quote_plus, unquote

from pydantic import BaseModel, SecretStr

REMOVED = "[removed]"
_LETTERS_MIN = 4  # what is shorter stands in many innocent words
_BEFORE_AT_IN_URL = re.compile(r"(?<=://)([^/\s@\"'\\]*)@")
_IN_URL = (
    re.compile(r"://[^:/\s@]*:([^/\s@]*)@"),
    re.compile(r"://[^:/\s@]*:(\S*)@"),  # a password with what ought to be percent-encoded
    re.compile(r"[?&;][^=\s]*(?:password|secret|token)[^=\s]*=([^&;\s]+)", re.IGNORECASE),
)


def secrets_of(settings: BaseModel) -> set[str]:
    """The secret texts in some settings, as they may be met; not a password that is also a name told openly."""
    found: set[str] = set()
    open_texts: set[str] = set()
    for field in type(settings).model_fields:
        value = getattr(settings, field)
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if not isinstance(text, str):
            continue
        if not isinstance(value, SecretStr):
            open_texts.add(text)
        elif "://" not in text:
            found.add(text)
        for pattern in _IN_URL:
            for inside in pattern.findall(text):
                found |= {inside, unquote(inside)}
    return found - open_texts


def hider(secrets: Iterable[str]) -> Callable[[str], str]:
    """A function that takes these secrets, and the users and passwords of URLs, out of a text."""
    forms = {form for secret in secrets if len(secret) >= _LETTERS_MIN for form in _forms(secret)}
    known = re.compile("|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))) if forms else None

    def hide(text: str) -> str:
        if known is not None:
            text = known.sub(REMOVED, text)
        return _BEFORE_AT_IN_URL.sub(f"{REMOVED}@", text) if "://" in text else text

    return hide


def _forms(secret: str) -> set[str]:
    """A secret as JSON, Python and URLs write it."""
    return {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
    }


class _Process:
    """The secrets of all settings that this process has read."""

    secrets: frozenset[str] = frozenset()
    hide: Callable[[str], str] = staticmethod(hider(()))


def remember(settings: BaseModel) -> None:
    """From now on `redacted` takes these settings' secrets out, too."""
    secrets = _Process.secrets | secrets_of(settings)
    if secrets != _Process.secrets:
        _Process.secrets, _Process.hide = secrets, hider(secrets)


def redacted(text: str) -> str:
    """A text without the secrets of this process."""
    return _Process.hide(text)
