"""Texts and numbers as XML and spreadsheets can hold them."""

from __future__ import annotations

import re
from decimal import Decimal

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;"}
_SPECIAL = re.compile('[&<>"\r]')


def clean(text: str) -> str:
    """A text without the characters that XML 1.0 forbids; U+FFFD says where they were."""
    return _NO_XML.sub("\ufffd", text)


def escaped(text: str) -> str:
    """A text as the content of an XML element or attribute."""
    return _SPECIAL.sub(lambda found: _ENTITIES[found[0]], clean(text))


def one_line(text: str) -> str:
    """A text whose white space is single spaces."""
    return " ".join(clean(text).split())


def decimal(number: float) -> str:
    """The shortest digits that are this number, without an exponent."""
    digits = repr(number)
    return format(Decimal(digits), "f") if "e" in digits else digits.removesuffix(".0")


_FORMULA = tuple("=+-@\t\r\n＝＋－＠")


def safe_cell(text: str) -> str:
    """A text as a spreadsheet shows it and does not run it, as metadata.safe_cell() gives it."""
    return f"'{text}" if text.lstrip(" '").startswith(_FORMULA) else text
