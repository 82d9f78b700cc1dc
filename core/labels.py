"""The words people read on more than one tier, in Chinese and English, each under one key.

Words of states, steps, roles and tiers come from the workflow; all others stand in ``data/labels.json``. Keys are
``family.name``, the name being the wire value where there is one: ``state.ACCEPTED``, ``card.red``, ``rating.1``.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType

from core.errors import InputError, Lang
from core.identifiers import Tier
from core.messages import MessageType, Role
from core.states import State
from core.workflow_names import message_name, role_name, state_name, tier_name

LANGS: tuple[Lang, ...] = ("zh", "en")


def label(key: str, lang: Lang = "zh", **values: object) -> str:
    """The words under ``key``, their ``{placeholders}`` filled with ``values``.

    Raises ``InputError``: ``label.unknown``, ``label.lang``, ``label.value`` where a placeholder has no value.
    """
    words = _words(key)
    if lang not in LANGS:
        raise InputError(
            "label.lang",
            zh=f"没有语言“{lang[:20]}”，可用 zh 或 en。",
            en=f"There is no language {lang[:20]!r}; zh and en can be chosen.",
        )
    try:
        return words[LANGS.index(lang)].format(**values)
    except KeyError as error:
        raise InputError(
            "label.value",
            zh=f"用语“{key}”缺少内容 {error}。",
            en=f"The label {key!r} lacks a value for {error}.",
        ) from error


def family(name: str, lang: Lang = "zh") -> Mapping[str, str]:
    """Wire value to words for a whole family (``card``), in the order in which people meet them.

    Raises ``InputError`` (``label.unknown``).
    """
    prefix = f"{name}."
    found = {key.removeprefix(prefix): words for key, words in labels().items() if key.startswith(prefix)}
    if not found:
        raise _unknown(name)
    return MappingProxyType({value: words[lang == "en"] for value, words in found.items()})


@cache
def labels() -> Mapping[str, tuple[str, str]]:
    """Every key with its Chinese and English words."""
    table = {f"state.{state}": (state_name(state), state_name(state, "en")) for state in State}
    table |= {f"message.{kind}": (message_name(kind), message_name(kind, "en")) for kind in MessageType}
    table |= {f"role.{role}": (role_name(role), role_name(role, "en")) for role in Role}
    table |= {f"tier.{tier}": (tier_name(tier), tier_name(tier, "en")) for tier in Tier}
    packaged = json.loads(resources.files("core").joinpath("data", "labels.json").read_text(encoding="utf-8"))
    table |= {key: (zh, en) for key, (zh, en) in packaged.items()}
    return MappingProxyType(table)


def _words(key: str) -> tuple[str, str]:
    words = labels().get(key)
    if words is None:
        raise _unknown(key)
    return words


def _unknown(key: str) -> InputError:
    return InputError(
        "label.unknown",
        zh=f"没有用语“{key[:60]}”，请核对名称。",
        en=f"There is no label {key[:60]!r}. Please check the name.",
    )
