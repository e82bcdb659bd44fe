"""Which weighings are plausible."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

IMPLAUSIBLE = 1
WEIGHT_MAX_KG = 500.0  # the heaviest lion on record, in captivity, weighed 375 kg


def weight_flags(kilograms: NDArray[np.float64]) -> NDArray[Any]:
    """IMPLAUSIBLE where a weight is more than any lion's; such weighings are kept and count for nothing."""
    return np.where(kilograms > WEIGHT_MAX_KG, np.uint8(IMPLAUSIBLE), np.uint8(0))
