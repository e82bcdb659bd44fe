"""The generation that this process works in, and its names.

A generation is a whole warehouse beside the live one: the same five schemas under names that end with its number
(``silver_g7``). All SQL and every table's name goes through `named` on its way to PostgreSQL, so the rest of the code
knows the plain names alone. What is data stays plain: ``gold.lion_windows`` in a column means the same in each.

::

    silver.positions   to_regnamespace('gold')   IN SCHEMA bronze, silver   hashtext('liontrack.quality')
    silver_g7.…        …('gold_g7')              … bronze_g7, silver_g7     …('liontrack_g7.quality')
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

SCHEMAS = ("bronze", "silver", "gold", "metadata", "analytics")
_COMMENT_TEXT = re.compile(r"(?m)( IS '[^\n]*';$)")
_SCHEMA = rf"(?:{'|'.join(SCHEMAS)})"


class _Process:
    number: int | None = None


def current() -> int | None:
    """The number of this process's generation; None in the live one."""
    return _Process.number


def use(number: int | None) -> None:
    """Work in this generation from now on, in the whole process."""
    _Process.number = number


@contextmanager
def using(number: int | None) -> Iterator[None]:
    """Work in this generation for as long as the context lasts, in the whole process."""
    before = current()
    use(number)
    try:
        yield
    finally:
        use(before)


def suffix(number: int | None) -> str:
    """What a generation's schemas end with; nothing for the live one."""
    return "" if number is None else f"_g{number}"


def named(sql: str) -> str:
    """SQL, or a table's name, as it is called in this process's generation."""
    return sql if _Process.number is None else renamed(sql, None, _Process.number)


def plain(name: str) -> str:
    """A name of this process's generation as the live one calls it."""
    return name if _Process.number is None else renamed(name, _Process.number, None)


def renamed(sql: str, source: int | None, target: int | None) -> str:
    """SQL that speaks of one generation's schemas, made to speak of another's.

    Names are schemas before a dot and something that can be a name, in lists after the words that take schemas, and in
    the names of advisory locks. A text such as ``'bronze'`` that is compared with a column is data and stays, as the
    text of a COMMENT does.
    """
    pieces = _COMMENT_TEXT.split(sql)
    pieces[::2] = [_renamed(piece, suffix(source), suffix(target)) for piece in pieces[::2]]
    return "".join(pieces)


def _renamed(sql: str, old: str, new: str) -> str:
    word = rf"\b({_SCHEMA}){old}\b"
    sql = re.sub(rf"(?<![.\w]){word}(?=\.[a-z_\"%{{])", rf"\g<1>{new}", sql)
    sql = re.sub(
        rf"(?:\bSCHEMA|\bnspname|\bschemaname|\btable_schema|\bto_regnamespace|\bhas_schema_privilege)(?:\s+IN|\s+=|)"
        rf"[\s(]*'?{_SCHEMA}{old}\b'?(?:\s*,\s*'?{_SCHEMA}{old}\b'?)*",
        lambda found: re.sub(word, rf"\g<1>{new}", found[0]),
        sql,
    )
    sql = re.sub(rf"'({_SCHEMA}){old}'(?=::regnamespace)", rf"'\g<1>{new}'", sql)
    return re.sub(rf"(hashtext\('liontrack){old}\.", rf"\g<1>{new}.", sql)
