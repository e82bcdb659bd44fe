"""The comparison itself finds what differs and forgives only what it says."""

from __future__ import annotations

from tests.support.oracle.compare import SHOWN, compare_rows


def test_equal_rows_have_no_differences_and_more_columns_do_not_matter():
    assert compare_rows({(1,): {"a": 1}}, {(1,): {"a": 1, "dw_insert_date": "x"}}) == []


def test_missing_unexpected_and_different_rows_are_named():
    differences = compare_rows({(1,): {"a": 1}, (2,): {"a": 1}}, {(2,): {"a": 2}, (3,): {}})
    assert len(differences) == 3
    assert any("missing (1,)" in text for text in differences)
    assert any("unexpected (3,)" in text for text in differences)
    assert "(2,) a: expected 1, is 2" in differences


def test_only_the_first_ten_are_shown():
    differences = compare_rows({(i,): {} for i in range(25)}, {})
    assert len(differences) == SHOWN + 1
    assert differences[-1] == "… and 15 more"


def test_tolerances():
    def differ(column, expected, actual):
        return bool(compare_rows({(): {column: expected}}, {(): {column: actual}}))

    assert not differ("step_mm", 1000, 1001)
    assert differ("step_mm", 1000, 1002)
    assert differ("step_mm", None, 0)
    assert not differ("avg_weight", 180.0, 180.00000001)
    assert differ("avg_weight", 180.0, 180.000001)
    assert differ("fixes", 3, 4)
    assert differ("visible", True, 1)
    assert differ("metadata", {"a": [1, {"b": 2.0}]}, {"a": [1, {"b": 2.1}]})
    assert not differ("roles", ("a",), ["a"])
