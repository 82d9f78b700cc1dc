"""What would be lost with a node's folder: told without a key, and never less than there is.

An encrypted database tells nothing without its key, so a program that closes one leaves a note of what is unsent. The
note is taken away before the next commit takes effect, by whichever program commits: while it lies there, it is true.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from core.clock import World, iso
from core.errors import LiandongError, LocalError
from core.identifiers import NodeId, Tier, division_of, tier_of
from core.store.durable import sync_folder, take_away, write_whole
from core.store.engine import Database, open_sqlite, open_url
from sync.settings import load_settings
from sync.tables import DELIVERY, ENVELOPE, MESSAGE

log = logging.getLogger(__name__)

FILE_NAME = "unsent.json"
FILE_BYTES_MAX = 4096
FORMAT = 1
Count = Callable[[sa.Connection], int]


@dataclass(frozen=True, slots=True)
class Unsent:
    """``drafts`` being written, ``messages`` not sealed yet, ``envelopes`` that a next holder has not signed for."""

    drafts: int
    messages: int
    envelopes: int

    def __bool__(self) -> bool:
        return bool(self.drafts or self.messages or self.envelopes)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is known of one folder; ``unsent`` is None where that cannot be told: ``error`` says why, or
    else there is no note and no key. ``at`` is when the note was left, empty where the database itself was read."""

    folder: Path
    node: str
    unsent: Unsent | None
    at: str = ""
    error: LiandongError | None = None

    @property
    def is_safe(self) -> bool:
        """Whether nothing would be lost."""
        return self.unsent is not None and not self.unsent

    def facts(self) -> dict[str, Any]:
        counts = dict.fromkeys(Unsent.__dataclass_fields__) if self.unsent is None else asdict(self.unsent)
        known = self.unsent is not None
        return {
            "folder": str(self.folder),
            "node": self.node,
            "known": known,
            **counts,
            "counted_at": self.at,
        }


def count(tx: sa.Connection, drafts: Count | None = None) -> Unsent:
    """What this node has that nobody else has signed for; also in a database of an older program."""
    unsealed = sa.select(sa.func.count()).select_from(MESSAGE).where(MESSAGE.c.seq.is_(None))
    # An envelope that is owed to several neighbours is one.
    owed = (
        sa.select(ENVELOPE.c.stream_id, ENVELOPE.c.seq)
        .distinct()
        .select_from(DELIVERY)
        .join(
            ENVELOPE, (ENVELOPE.c.stream_id == DELIVERY.c.stream_id) & (ENVELOPE.c.seq > DELIVERY.c.acked_seq)
        )
        .where(ENVELOPE.c.data.is_not(None))
        .subquery()
    )
    return Unsent(
        0 if drafts is None else drafts(tx),
        int(tx.scalar(unsealed) or 0),
        int(tx.scalar(sa.select(sa.func.count()).select_from(owed)) or 0),
    )


def leave_note(db: Database, folder: Path, drafts: Count, world: World) -> None:
    """Count, and leave a note that is true until the next commit; none if that fails, which says "not known"."""
    if db.raw_key is None or db.path is None or db.in_doubt is not None or (folder / FILE_NAME).exists():
        return
    try:
        with db.engine.connect() as connection, connection.begin() as lock:
            # Nobody commits between the counting and the note; of the transaction only its lock is wanted.
            counted = count(connection, drafts)
            _write(folder, asdict(counted) | {"database": db.path.stat().st_ino, "at": iso(world.now())})
            lock.rollback()
    except (LiandongError, sa.exc.DBAPIError, OSError) as error:
        log.warning("what is unsent could not be noted: %s", error)


def withdraw_note(folder: Path) -> None:
    """Before a commit: what the note says will no longer be so. Raises ``LocalError`` (``unsent.note``)."""
    try:
        take_away(folder / FILE_NAME)
        sync_folder(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise LocalError(
            "unsent.note",
            zh=f"{folder / FILE_NAME} 删不掉（{error.strerror}），未保存。请检查数据目录的权限后再试。",
            en=f"{folder / FILE_NAME} cannot be removed ({error.strerror}); this was not saved. Check the permissions of "
            "the data folder and try again.",
        ) from error


def look(folder: Path) -> Finding:
    """What is unsent in ``folder``, asking nobody for a key. Raises ``InputError`` (``settings.*``)."""
    settings = load_settings(folder)
    if tier_of(division_of(NodeId(settings.node))) is Tier.VILLAGE:
        return Finding(folder, settings.node, *(_note(folder) or (None,)))
    try:
        return Finding(folder, settings.node, _read(folder, settings.database_url))
    except LiandongError as error:
        return Finding(folder, settings.node, None, error=error)


def words(found: Finding, lang: str) -> str:
    """One or two sentences for people."""
    unsent = found.unsent
    where_zh, where_en = f"节点 {found.node}（{found.folder}）", f"Node {found.node} ({found.folder})"
    if unsent is None:
        zh = f"{where_zh}：不解锁就看不出还有没有未交出的内容。程序还开着，或上次没有正常退出：请打开后正常退出，再看一次。"
        en = (
            f"{where_en}: without its key it cannot be told whether anything is unsent. The program is open, or was not "
            "left properly: open it, leave it, and look again."
        )
    elif not unsent:
        zh, en = f"{where_zh}：全部已交出并签收。", f"{where_en}: everything was handed over and signed for."
    else:
        zh = (
            f"{where_zh}：草稿 {unsent.drafts} 份，未封装的消息 {unsent.messages} 条，对方尚未签收的信封 "
            f"{unsent.envelopes} 封。请先提交草稿、联络一次（或用U盘交出并带回回执）。"
        )
        en = (
            f"{where_en}: {unsent.drafts} drafts, {unsent.messages} messages not sealed yet, {unsent.envelopes} envelopes "
            "not signed for. Submit the drafts and make contact (or carry a stick there and back) first."
        )
    return zh if lang == "zh" else en


def _read(folder: Path, url: str) -> Unsent | None:
    path = folder / "node.db"
    if not url and not path.is_file():
        return None
    db = open_url(url) if url else open_sqlite(path)
    try:
        with db.reading() as tx:
            return count(tx)
    finally:
        db.close()


def _note(folder: Path) -> tuple[Unsent, str] | None:
    try:
        with (folder / FILE_NAME).open("rb") as file:
            plain = json.loads(file.read(FILE_BYTES_MAX))
        if plain["format"] != FORMAT or plain["database"] != (folder / "node.db").stat().st_ino:
            return None
        counts = [plain[name] for name in Unsent.__dataclass_fields__]
        if any(type(number) is not int or number < 0 for number in counts):
            return None
        return Unsent(*counts), str(plain["at"])
    except (OSError, ValueError, KeyError, TypeError):
        # Whatever is not a whole note of this database says nothing.
        return None


def _write(folder: Path, plain: dict[str, Any]) -> None:
    write_whole(folder / FILE_NAME, json.dumps({"format": FORMAT, **plain}))
