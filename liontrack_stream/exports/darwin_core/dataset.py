"""What a person says of the data set that is published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LICENSES = {
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "CC-BY-NC-4.0": "https://creativecommons.org/licenses/by-nc/4.0/",
}
"""Those that GBIF takes."""

TITLE = "GPS positions of collared lions"


@dataclass(frozen=True, slots=True)
class Dataset:
    """``creators``: a person as ``Family, Given``, else an organisation; the first is also the contact."""

    license: str
    creators: Sequence[str]
    title: str = TITLE
    rights_holder: str | None = None
    contact: str | None = None
    description: str | None = None

    @property
    def license_name(self) -> str:
        """The name of its licence; its address where it is none that is known."""
        return next((name for name, address in LICENSES.items() if address == self.license), self.license)
