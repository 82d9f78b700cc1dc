"""One line of the table."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; ``aim`` empty where there is none."""

    what: str
    values: Sequence[float]
    unit: str
    aim: str = ""

    def line(self) -> str:
        ordered = sorted(self.values)
        shown = f"{statistics.median(ordered):8.1f}"
        worst = (
            f"{ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]:8.1f}"
            if len(ordered) > 1
            else " " * 8
        )
        return f"{self.what:52} {shown} {worst} {self.unit:3} {self.aim}"
