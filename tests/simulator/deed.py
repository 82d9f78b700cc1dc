"""What the runner of cuts asks of a deed: do it, and say what is wrong with what is left of it."""

from abc import ABC, abstractmethod
from typing import Any

from tests.simulator.platter import Platter


class Deed(ABC):
    """``do`` may be cut anywhere; ``look`` says what is wrong with what is there afterwards."""

    name: str

    @property
    @abstractmethod
    def platter(self) -> Platter: ...

    @abstractmethod
    def put_back(self, seed: str) -> None:
        """The moment before, again."""

    @abstractmethod
    def do(self) -> Any:
        """The deed; what it returns, somebody was told."""

    @abstractmethod
    def reopen(self, *, killed: bool = False) -> None:
        """After the power came back; ``killed``: only the program was ended."""

    @abstractmethod
    def is_done(self) -> bool:
        """Whether somebody who looks finds it done."""

    @abstractmethod
    def look(self, said: Any) -> list[str]:
        """What is wrong, right after reopening: ``said`` is None unless somebody was told."""

    @abstractmethod
    def finish(self, said: Any) -> list[str]:
        """Who was not told comes again, everybody meets; what is wrong at the end."""
