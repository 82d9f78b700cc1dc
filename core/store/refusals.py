"""What a database refuses, told apart by its codes and said as a sentence for people."""

from sqlalchemy import exc

from core.errors import LocalError, StateError

BUSY_TIMEOUT_MS = 30_000
"""So long a writer waits for its turn."""
CREATEDB = "createdb --template=template0 --encoding=UTF8 --locale=C liandong"
_WAITED = ("55P03", "40P01", "40001")
_DISK_FULL = "53100"
_GONE = ("08", "57P")


class CommitUnknown(LocalError):
    """A commit failed half-way: whether it took effect is only known after reopening the database."""


def wrong_url(reason: str) -> LocalError:
    return LocalError(
        "store.url",
        zh=f"数据库地址不能用（{reason[:200]}），应为 postgresql+psycopg://用户@主机/库名，并安装 city 组件。",
        en=f"The database URL cannot be used ({reason[:200]}); it should be postgresql+psycopg://user@host/name, with the "
        "extra called city installed.",
    )


def unfit() -> LocalError:
    return LocalError(
        "store.order",
        zh=f"这个 PostgreSQL 数据库的字符集或排序规则不合用：须为 UTF8，按字符编码排序。请另建：{CREATEDB}。未作改动。",
        en="The encoding or the order of text of this PostgreSQL database does not fit: it has to be UTF8, sorted by "
        f"character code. Make another: {CREATEDB}. Nothing was changed.",
    )


def is_full(error: LocalError) -> bool:
    return error.code == "store.full" or "disk is full" in str(error.__cause__)


def has_no_room(error: exc.DBAPIError) -> bool:
    return "disk is full" in str(error.orig) or _server_code(error) == _DISK_FULL


def was_refused(error: exc.DBAPIError) -> bool:
    """Whether a server that is still there answered that it did not commit."""
    return bool(_server_code(error)) and not _is_cut_off(error)


def _is_cut_off(error: exc.DBAPIError) -> bool:
    code = _server_code(error)
    never_answered = error.connection_invalidated or isinstance(error, exc.OperationalError)
    return code is not None and (code.startswith(_GONE) or (not code and never_answered))


def _server_code(error: exc.DBAPIError) -> str | None:
    """The SQLSTATE that a server gave, empty if it gave none; None where there is no server."""
    missing = object()
    code = getattr(error.orig, "sqlstate", missing)
    return None if code is missing else str(code or "")


def commit_unknown(error: exc.DBAPIError) -> CommitUnknown:
    return CommitUnknown(
        "store.commit_unknown",
        zh=f"写盘结果未知（{error.orig}）。请重新打开程序后按编号查对，不要重复录入。",
        en=f"It is not known whether the write reached the disk ({error.orig}). "
        "Reopen the program and look it up by its number; do not enter it again.",
    )


def reopened() -> StateError:
    return StateError(
        "store.reopened",
        zh="数据库刚刚重新打开，这一步没有保存。请再做一次。",
        en="The database was just reopened; this step was not saved. Take it again.",
    )


def in_words(error: exc.DBAPIError) -> LocalError:
    """What the database refused, as a sentence for people."""
    reason = str(error.orig)
    if _is_cut_off(error):
        return LocalError(
            "store.unreachable",
            zh=f"连不上数据库服务器（{reason.strip()[:300]}），本次操作没有生效。请检查数据库服务器和网络，好了之后会自动恢复。",
            en=f"The database server cannot be reached ({reason.strip()[:300]}); this step did not take effect. Look at the "
            "server and the network; work resumes by itself.",
        )
    if "is locked" in reason or _server_code(error) in _WAITED:
        return LocalError(
            "store.busy",
            zh=f"本机另一个程序正在写数据，等了 {BUSY_TIMEOUT_MS // 1000} 秒仍未轮到，未保存。请稍后再试。",
            en=f"Another program of this machine has been writing for {BUSY_TIMEOUT_MS // 1000} seconds; this was not "
            "saved. Try again in a moment.",
        )
    if has_no_room(error):
        return LocalError(
            "store.full",
            zh="磁盘已满，未保存。请清理空间后再试；已经保存的内容没有受影响。",
            en="The disk is full; this was not saved. Free some space and try again; what was saved before is safe.",
        )
    if "not a database" in reason or "malformed" in reason or "encrypted" in reason:
        return LocalError(
            "store.unreadable",
            zh=f"数据库打不开（{reason}）：口令不对，或文件已损坏。请检查本机（doctor，村级终端按 F10），必要时从备份恢复。",
            en=f"The database cannot be read ({reason}): wrong key, or a damaged file. Run doctor (F10 in the village's terminal); restore a backup.",
        )
    return LocalError(
        "store.failed",
        zh=f"数据库操作失败（{reason}），本次操作没有生效。请检查本机（doctor，村级终端按 F10）查看原因。",
        en=f"The database refused ({reason}); this step did not take effect. Run doctor (F10 in the village's terminal) to see why.",
    )
