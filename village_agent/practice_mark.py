"""The mark of a practice: how a folder, and a case number, say that they are not real."""

from pathlib import Path

from core.errors import StateError
from core.identifiers import NodeId, division_of

MARK_NAME = "practice.json"
PRACTICE_TOWN, PRACTICE_VILLAGE = NodeId("430981990000"), NodeId("430981990001")
"""In no table of divisions: no city gives a code for them, and none takes what they say."""
BANNER = "练习 PRACTICE 无效 NOT VALID"


def is_marked(folder: Path) -> bool:
    """Whether the folder says that it is a practice's."""
    return (folder / MARK_NAME).exists()


def is_invented(origin: NodeId) -> bool:
    """Whether a case of this node is one of the practice."""
    return str(division_of(origin)) == PRACTICE_VILLAGE


def refuse_practice(folder: Path, node: NodeId | None = None) -> None:
    """Raises ``StateError`` (``practice.only``) for what may not be done with a practice."""
    if is_marked(folder) or (node is not None and is_invented(node)):
        raise StateError(
            "practice.only",
            zh=f"{folder} 是练习目录，里面的人和件都是虚构的：不能加入、同步、导出，也不能当作真实数据打开。"
            "练习请运行 village-agent practice。",
            en=f"{folder} is a practice folder with invented people and cases: it joins, meets and exports nothing and is "
            "not opened as real data. To practise, run village-agent practice.",
        )
