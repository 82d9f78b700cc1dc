"""Putting a printed document into a file, and the words where that cannot be done."""

from pathlib import Path

from core.errors import LocalError


def write_document(path: Path, data: bytes) -> None:
    """Write a document to where a person asked for it. Raises ``LocalError`` (``document.unwritable``)."""
    try:
        path.write_bytes(data)
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> LocalError:
    """That the system refused to write the file."""
    return LocalError(
        "document.unwritable",
        zh=f"不能写入 {path}（{error.strerror}），没有保存。请清理磁盘或换一个位置后再试。",
        en=f"Cannot write {path} ({error.strerror}); nothing was saved. Free some disk or choose another place.",
    )
