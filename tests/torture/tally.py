"""What happened, counted: harm done, refusals by code, and whatever a program said without words."""

from collections import Counter
from dataclasses import dataclass, field

UNWORDED_MAX = 40


@dataclass(slots=True)
class Tally:
    """``unworded`` holds the last lines of programs that ended without a sentence, at most ``UNWORDED_MAX`` of them
    (``unworded_count`` has them all)."""

    kills: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    found_after: Counter[str] = field(default_factory=Counter)
    """What a look-up after an unknown outcome showed: ``recorded`` or ``not recorded``."""
    commands: Counter[str] = field(default_factory=Counter)
    intake_s: list[float] = field(default_factory=list)
    """How long intakes took that nobody disturbed."""
    unworded: list[str] = field(default_factory=list)
    unworded_count: int = 0
    broken: list[str] = field(default_factory=list)
    """Promises seen broken while the run went on."""
    notes: list[str] = field(default_factory=list)
    """What each chapter has to say, a sentence each."""

    def say_unworded(self, program: str, code: int, text: str) -> None:
        """A program ended without a sentence: its last line, and where it was said."""
        self.unworded_count += 1
        if len(self.unworded) < UNWORDED_MAX:
            lines = [line.strip() for line in text.strip().splitlines() if line.strip()] or ["(nothing)"]
            place = next((line for line in reversed(lines) if line.startswith('File "')), "")
            self.unworded.append(f"{program} [{code}]: {lines[-1][:300]} {place}".rstrip())

    def typical_intake_s(self) -> float:
        """The median of undisturbed intakes, 1.5 s before there is one."""
        times = sorted(self.intake_s)
        return times[len(times) // 2] if times else 1.5
