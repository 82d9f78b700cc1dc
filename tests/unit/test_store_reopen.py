"""A database is opened anew from the disk as it is, or says in words why it cannot be."""

from pathlib import Path

import pytest

from core.errors import LocalError
from core.store.engine import open_sqlite


def test_a_database_that_is_no_longer_one_says_so_when_it_is_opened_anew(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    db = open_sqlite(path)
    with db.transaction() as tx:
        tx.exec_driver_sql("CREATE TABLE person (name TEXT)")
    db.reopen()
    db.close()
    for left in tmp_path.glob("node.db?*"):
        left.unlink()
    path.write_bytes(b"rot" * 4096)
    with pytest.raises(LocalError, match=r"store\.") as refused:
        db.reopen()
    assert refused.value.zh != refused.value.en
    assert path.read_bytes() == b"rot" * 4096
