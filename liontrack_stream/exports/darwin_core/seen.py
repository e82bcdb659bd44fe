"""What an archive's rows tell, for its metadata: the box around them, and the names of their taxa."""

from __future__ import annotations

from dataclasses import dataclass, field

TAXA_MAX = 1_000


@dataclass(slots=True)
class Seen:
    """Degrees, as the rows tell them."""

    west: float = 180.0
    east: float = -180.0
    south: float = 90.0
    north: float = -90.0
    taxa: set[str] = field(default_factory=set)

    def add(self, lat: float, lng: float, taxon: str) -> None:
        """One more row."""
        self.west, self.east = min(self.west, lng), max(self.east, lng)
        self.south, self.north = min(self.south, lat), max(self.north, lat)
        if len(self.taxa) < TAXA_MAX:
            self.taxa.add(taxon)
