"""Event times of many records, read together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from liontrack_stream.contract.times import END_US, to_microseconds

_FORM = "0000-00-00T00:00:00.000Z"  # as JavaScript's toISOString() writes times
_FORM_BYTES = np.frombuffer(_FORM.encode(), np.uint8)
_DIGITS = np.array([character == "0" for character in _FORM])


def all_to_microseconds(values: Sequence[int | float | str]) -> list[int]:
    """`to_microseconds` of many; at once where all are texts in the form that JavaScript gives them.

    Raises
    ------
    BadTime
        When one of them does not parse or lies outside 1970–2999.
    """
    if set(map(type, values)) == {str} and set(map(len, values)) == {len(_FORM)}:  # type: ignore[arg-type]
        try:
            texts = np.array(values, f"S{len(_FORM)}")
            above = texts.view(np.uint8).reshape(-1, len(_FORM)) - _FORM_BYTES  # below is far above: it wraps around
            if (above <= _DIGITS * np.uint8(9)).all():
                micros = texts.astype(f"S{len(_FORM) - 1}").astype("datetime64[us]").view(np.int64)  # without the Z
                if micros.min() >= 0 and micros.max() < END_US:
                    return list(micros.tolist())
        except ValueError:  # not ASCII; no day of that month
            pass
    return list(map(to_microseconds, values))
