"""0004 a digest beside every recorded message, so that rot is found before it is sealed and sent"""

from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

PAGE = 500


def upgrade() -> None:
    op.add_column("message", sa.Column("digest", sa.LargeBinary(32), server_default="", nullable=False))
    _take_digests()


def _take_digests() -> None:
    names = ("stream_id", "number", "message_id", "type", "schema", "subject", "body", "digest")
    message = sa.table("message", *(sa.column(name) for name in names))
    columns = message.c
    tx = op.get_bind()
    write = sa.update(message).where(
        columns.stream_id == sa.bindparam("s"), columns.number == sa.bindparam("n")
    )
    query = sa.select(message).order_by(columns.stream_id, columns.number).limit(PAGE)
    after = (0, 0)
    while rows := tx.execute(
        query.where(sa.tuple_(columns.stream_id, columns.number) > sa.tuple_(*after))
    ).all():
        after = (rows[-1].stream_id, rows[-1].number)
        tx.execute(
            write.values(digest=sa.bindparam("d")),
            [{"s": row.stream_id, "n": row.number, "d": _digest(row)} for row in rows],
        )


def _digest(row: sa.Row[Any]) -> bytes:
    head = "\n".join((row.message_id, row.type, str(row.schema), row.subject, ""))
    return sha256(head.encode() + bytes(row.body)).digest()


def downgrade() -> None:
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_column("digest")
