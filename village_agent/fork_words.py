"""A case with two histories, side by side: step by step, and of what they say field by field."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.case import Hold
from core.errors import Lang
from core.items import Item
from core.messages import CaseMessage
from core.shape import to_plain
from core.workflow_names import message_name
from village_agent.outlook import clock_words
from village_agent.widths import fit, wrap

BRANCHES_SHOWN = 2
GAP = " | "


def fork_lines(
    hold: Hold, messages: Sequence[CaseMessage], item: Item | None, lang: Lang, width: int
) -> list[str]:
    """The branches as columns that fit ``width`` cells; what differs is marked by ``!``."""
    said = {message.id: message for message in messages}
    branches = [[said[id_] for id_ in branch if id_ in said] for branch in hold.branches[:BRANCHES_SHOWN]]
    if len(branches) < BRANCHES_SHOWN:
        return []
    cells = (width - len(GAP)) // 2 - 1
    rows = [(f"{'甲' if lang == 'zh' else 'A'}", f"{'乙' if lang == 'zh' else 'B'}")]
    for number in range(max(map(len, branches))):
        pair = [branch[number] if number < len(branch) else None for branch in branches]
        rows.append((_step(pair[0], lang), _step(pair[1], lang)))
        rows += _differences(pair, item, lang)
    return [line for left, right in rows for line in _columns(left, right, cells)]


def _step(message: CaseMessage | None, lang: Lang) -> str:
    if message is None:
        return "-"
    return f"{clock_words(message.at)} {message_name(message.type, lang)} {message.actor.name}"


def _differences(pair: Sequence[CaseMessage | None], item: Item | None, lang: Lang) -> list[tuple[str, str]]:
    left, right = (_facts(message) for message in pair)
    found = []
    for key in sorted(set(left) | set(right)):
        if left.get(key) != right.get(key):
            name = _name(key, item, lang)
            found.append((f"! {name}: {_word(left.get(key))}", f"! {name}: {_word(right.get(key))}"))
    return found


def _facts(message: CaseMessage | None) -> dict[str, Any]:
    if message is None:
        return {}
    plain: Mapping[str, Any] = to_plain(message.body)
    flat: dict[str, Any] = {}
    for key, value in plain.items():
        if key == "form" and isinstance(value, Mapping):
            flat |= {f"form.{name}": answer for name, answer in value.items()}
        elif key == "materials" and isinstance(value, list):
            flat |= {f"materials.{one['name']}": f"{one['originals']}/{one['copies']}" for one in value}
        elif key != "attachments":
            flat[key] = value
    return flat


def _name(key: str, item: Item | None, lang: Lang) -> str:
    part, _, rest = key.partition(".")
    asked = item.form_field(rest) if part == "form" and item is not None else None
    return asked.name(lang) if asked is not None else rest or key


def _word(value: Any) -> str:
    return "-" if value in (None, "", []) else str(value)


def _columns(left: str, right: str, cells: int) -> list[str]:
    lefts, rights = wrap(left, cells), wrap(right, cells)
    count = max(len(lefts), len(rights))
    lefts += [""] * (count - len(lefts))
    rights += [""] * (count - len(rights))
    return [f"{fit(one, cells)}{GAP}{other}" for one, other in zip(lefts, rights, strict=True)]
