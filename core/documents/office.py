"""Whose letterhead it is: the organ, how to reach it, and where to seek a remedy against it."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from core.regions import load_yuanjiang


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Facts of the office from its settings; what is empty falls back to the catalogue and the table of divisions, or
    is left as a line to be filled in by hand.
    """

    name: str = ""
    """单位名称: under notices of this desk."""
    word: str = ""
    """机关代字: begins the number of a document."""
    phone: str = ""
    address: str = ""
    review_body: str = ""
    """复议机关."""
    court: str = ""
    """有管辖权的人民法院."""

    @classmethod
    def read(cls, facts: Mapping[str, str]) -> "Letterhead":
        """From settings by field name; what is not there stays empty."""
        return cls(**{field.name: facts.get(field.name, "")[:100] for field in fields(cls)})

    @property
    def reviewed_by(self) -> str:
        return self.review_body or f"{load_yuanjiang().city.name}人民政府"

    @property
    def judged_by(self) -> str:
        return self.court or f"{load_yuanjiang().city.name}人民法院"

    @property
    def numbered_by(self) -> str:
        return self.word or f"{load_yuanjiang().city.name[:1]}政务"
