"""Headers on their way into bronze: those of a batch at once are those of each record by itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from liontrack_stream.warehouse.bronze import headers_json, headers_jsons

_NAMES = st.sampled_from(["event-type", "timestamp", "100%s", 'a"b', "é", ""])
_PLAIN = st.text("abcXYZ09 :.-%{}'~", max_size=5).map(str.encode)
_VALUES = _PLAIN | st.none() | st.binary(max_size=3) | st.sampled_from([b'"', b"\\", b"\x7f", b"\n", "é".encode()])


@given(st.lists(st.lists(st.tuples(_NAMES, _VALUES), max_size=3), min_size=1, max_size=4))
def test_of_any_records(headers: list[list[tuple[str, bytes | None]]]) -> None:
    assert list(headers_jsons(headers)) == [headers_json(each) for each in headers]


@given(st.lists(_NAMES, max_size=3), st.data())
def test_of_one_producer(names: list[str], data: st.DataObject) -> None:
    """The same names in all records: nearly always plain values."""
    values = st.tuples(*[data.draw(st.sampled_from([_PLAIN, _VALUES])) for _ in names])
    headers = [list(zip(names, data.draw(values), strict=True)) for _ in range(3)]
    assert list(headers_jsons(headers)) == [headers_json(each) for each in headers]


def test_of_two_producers() -> None:
    headers = [[("event-type", b"a"), ("timestamp", b"1")], [("timestamp", b"2"), ("event-type", b"b")]]
    assert list(headers_jsons(headers)) == [headers_json(each) for each in headers]
