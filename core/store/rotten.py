"""The words for a case row or a message of a case that is not what was written."""

from core.errors import LocalError
from core.store.walk import Rot


def row_rot(case_id: str, *, mended: bool) -> Rot:
    """A case row; ``mended``: its messages gave it again."""
    zh = f"办件 {case_id} 的记录在磁盘上已损坏，" + (
        "已按其全部消息重新生成。请检查磁盘。"
        if mended
        else "消息不全，无法重新生成。请从备份恢复，并检查磁盘。"
    )
    en = f"The row of case {case_id} has rotted on the disk; " + (
        "it was made again from its messages. Check the disk."
        if mended
        else "its messages do not give it again. Restore a backup and check the disk."
    )
    return Rot("case", case_id, case_id, zh, en, mended)


def message_rot(digest: str, case_id: str, *, mended: bool) -> Rot:
    """A message of a case, by the digest under which it is kept; ``mended``: it could be read again elsewhere."""
    zh = f"办件 {case_id} 的一条消息在磁盘上已损坏，" + (
        "已从原信封取回。请检查磁盘。" if mended else "原信封里也取不到。请从备份恢复，并检查磁盘。"
    )
    en = f"A message of case {case_id} has rotted on the disk; " + (
        "it was taken from its envelope again. Check the disk."
        if mended
        else "its envelope does not give it again. Restore a backup and check the disk."
    )
    return Rot("message", digest[:32], case_id, zh, en, mended)


def refused(code: str, rot: Rot) -> LocalError:
    """Said instead of showing what has rotted."""
    return LocalError(code, zh=rot.zh, en=rot.en)
