"""What was handed in, checked against what the item asks for; all that is missing is told at once.

Nothing required may be left for later (容缺) when a case is submitted; what is needed only in some situations
(视情) may be absent. Handing in more than asked is no fault: an authority may not demand it, but people may offer it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core import bodies
from core.errors import InputError, Lang
from core.items import Item, Material, Need

MaterialRecord = bodies.Material
"""One thing handed in, as it travels in the message: originals, copies, note, attachment ids."""

RECORDS_MAX = 60


@dataclass(frozen=True, slots=True)
class TooFew:
    """A material that is there, but not as often as asked."""

    material: Material
    originals_missing: int
    copies_missing: int

    def text(self, lang: Lang = "zh") -> str:
        if lang == "en":
            return f"{self.material.name} ({_count_en(self.originals_missing, self.copies_missing)} short)"
        return f"{self.material.name}（还差{_count_zh(self.originals_missing, self.copies_missing)}）"


@dataclass(frozen=True, slots=True)
class MaterialCheck:
    """The names stand in the item's order, unknown ones in the order they were handed in."""

    missing_required: tuple[str, ...] = ()
    missing_conditional: tuple[str, ...] = ()
    """Needed only where the situation calls for it; no obstacle."""
    too_few: tuple[TooFew, ...] = ()
    repeated: tuple[str, ...] = ()
    """Named in more than one record, so that nobody could say what counts."""
    unknown: tuple[str, ...] = ()
    """Not asked for by the item; no obstacle."""

    @property
    def is_complete(self) -> bool:
        """Whether the case may be submitted."""
        return not (self.missing_required or self.too_few or self.repeated)

    def words(self, lang: Lang = "zh") -> tuple[str, ...]:
        """One sentence for each kind of finding, obstacles first; none where there is nothing to say."""
        english = lang == "en"
        mark = ", " if english else "、"
        found: tuple[tuple[Sequence[str], str, str], ...] = (
            (
                self.missing_required,
                "缺少必要材料：{}，请补齐。",
                "Required and missing: {}. Please add them.",
            ),
            (
                [short.text(lang) for short in self.too_few],
                "份数不足：{}，请补齐。",
                "Not enough copies: {}. Please add them.",
            ),
            (
                self.repeated,
                "重复登记：{}，请合并为一条。",
                "Entered more than once: {}. Please make it one entry.",
            ),
            (
                self.missing_conditional,
                "视情材料未交：{}，情况不需要的可不交。",
                "Not handed in, needed only in some situations: {}.",
            ),
            (self.unknown, "目录之外的材料：{}，已一并登记。", "Not asked for, entered all the same: {}."),
        )
        return tuple((en if english else zh).format(mark.join(names)) for names, zh, en in found if names)


def check_materials(item: Item, records: Sequence[MaterialRecord]) -> MaterialCheck:
    """What is missing, short, repeated or beyond the item's list.

    A record of nothing (no original, copy or scan) counts as not handed in. A scan stands for the copies, never
    for an original. Raises ``InputError`` (``materials.too_many``) above ``RECORDS_MAX`` records.
    """
    if len(records) > RECORDS_MAX:
        raise InputError(
            "materials.too_many",
            zh=f"材料最多登记 {RECORDS_MAX} 条，现有 {len(records)} 条，请合并。",
            en=f"At most {RECORDS_MAX} materials can be entered, there are {len(records)}. Please merge some.",
        )
    given: dict[str, list[MaterialRecord]] = {}
    for record in records:
        if record.originals or record.copies or record.attachments:
            given.setdefault(record.name, []).append(record)
    asked = {material.name: material for material in item.materials}
    missing = [material for material in item.materials if material.name not in given]
    once = {name: entries[0] for name, entries in given.items() if len(entries) == 1}
    short = [_shortfall(asked[name], once[name]) for name in asked if name in once]
    return MaterialCheck(
        missing_required=tuple(material.name for material in missing if material.need is Need.REQUIRED),
        missing_conditional=tuple(material.name for material in missing if material.need is Need.CONDITIONAL),
        too_few=tuple(found for found in short if found.originals_missing or found.copies_missing),
        repeated=tuple(name for name in given if name not in once),
        unknown=tuple(name for name in given if name not in asked),
    )


def _shortfall(material: Material, record: MaterialRecord) -> TooFew:
    copies_missing = 0 if record.attachments else max(0, material.copies - record.copies)
    return TooFew(material, max(0, material.originals - record.originals), copies_missing)


def _count_zh(originals: int, copies: int) -> str:
    parts = [f"原件 {originals} 份"] * (originals > 0) + [f"复印件 {copies} 份"] * (copies > 0)
    return "、".join(parts)


def _count_en(originals: int, copies: int) -> str:
    parts = [f"originals: {originals}"] * (originals > 0) + [f"copies: {copies}"] * (copies > 0)
    return ", ".join(parts)
