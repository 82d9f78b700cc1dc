"""0002 the lives of nodes, receipts by the signer's epoch, files apart from their offers"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_RECEIPT = ("stream_id", "signer", "kind", "number", "upto", "ranges", "data", "at")
_FILE = ("id", "size", "chunk_size", "chunks", "have", "complete_at")


def upgrade() -> None:
    op.create_table(
        "epoch",
        sa.Column("node", sa.String(length=16), nullable=False),
        sa.Column("epoch", sa.String(length=32), nullable=False),
        sa.Column("born", sa.String(length=32), nullable=False),
        sa.Column("began_at", sa.String(length=24), nullable=False),
        sa.Column("closed_at", sa.String(length=24), nullable=True),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("run", sa.String(length=32), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("spoke_after", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("node", "epoch", name=op.f("pk_epoch")),
        comment="the lives of this node and of its neighbours: born is the installation, run and number are of the "
        "last bundle seen; spoke_after counts bundles from a life that had ended",
    )
    op.create_table(
        "run",
        sa.Column("run", sa.String(length=32), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("run", name=op.f("pk_run")),
        comment="every time a program of this epoch wrote bundles, with the last number: what we cannot have "
        "written although a neighbour saw it was written by a life that this disk forgot",
    )
    op.create_table(
        "unsigned_stream",
        sa.Column("peer", sa.String(length=16), nullable=False),
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["stream_id"], ["stream.id"], name=op.f("fk_unsigned_stream_stream_id_stream")
        ),
        sa.PrimaryKeyConstraint("peer", "stream_id", name=op.f("pk_unsigned_stream")),
        comment="streams of which a neighbour brought something and has not shown that it has our receipt; number is "
        "the bundle that last carried it",
    )
    op.add_column("peer", sa.Column("knows_epoch", sa.String(length=32), nullable=True))
    if op.get_bind().dialect.supports_comments:
        words = "neighbours as last met; knows_epoch is the epoch of ours that they counted as current"
        op.create_table_comment("peer", words)
    _receipts()
    _offers()


def _make_way(table: str, key: str) -> None:
    """Free the name of a primary key for the table that takes this one's place: a server has it once in a schema."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {key} TO {key}_before")


def _receipts() -> None:
    _make_way("receipt", "pk_receipt")
    op.create_table(
        "receipt_by_epoch",
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("signer", sa.String(length=16), nullable=False),
        sa.Column("epoch", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("upto", sa.Integer(), nullable=False),
        sa.Column("ranges", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(["stream_id"], ["stream.id"], name=op.f("fk_receipt_stream_id_stream")),
        sa.PrimaryKeyConstraint("stream_id", "signer", "epoch", "kind", "number", name=op.f("pk_receipt")),
        comment="every signed receipt given or taken; epoch is the signer's",
    )
    # A receipt of a neighbour is of the epoch in which it was last met, our own of ours.
    columns = ", ".join(_RECEIPT)
    op.execute(
        f"INSERT INTO receipt_by_epoch ({columns}, epoch) SELECT {columns}, coalesce("  # noqa: S608
        "(SELECT epoch FROM peer WHERE node = signer), "
        "(SELECT replace(value, '\"', '') FROM node_state WHERE name = 'epoch'), '') FROM receipt"
    )
    op.drop_table("receipt")
    op.rename_table("receipt_by_epoch", "receipt")


def _offers() -> None:
    _make_way("attachment", "pk_attachment")
    _make_way("attachment_delivery", "pk_attachment_delivery")
    op.create_table(
        "attachment_file",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("chunk_size", sa.Integer(), nullable=False),
        sa.Column("chunks", sa.Text(), nullable=False),
        sa.Column("have", sa.LargeBinary(), nullable=False),
        sa.Column("complete_at", sa.String(length=24), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
        comment="ciphertext files known here: chunk digests, and which chunks are durable",
    )
    columns = ", ".join(_FILE)
    op.execute(f"INSERT INTO attachment_file ({columns}) SELECT {columns} FROM attachment")  # noqa: S608
    op.create_table(
        "attachment_offer",
        sa.Column("stream_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("attachment_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["attachment_id"],
            ["attachment_file.id"],
            name=op.f("fk_attachment_offer_attachment_id_attachment"),
        ),
        sa.ForeignKeyConstraint(
            ["stream_id"], ["stream.id"], name=op.f("fk_attachment_offer_stream_id_stream")
        ),
        sa.PrimaryKeyConstraint("stream_id", "seq", name=op.f("pk_attachment_offer")),
        comment="which envelope offers which file; one file may be offered again in another stream",
    )
    op.create_index("ix_attachment_offer_attachment_id", "attachment_offer", ["attachment_id"])
    op.execute(
        "INSERT INTO attachment_offer (stream_id, seq, attachment_id) SELECT stream_id, seq, id FROM attachment"
    )
    deliveries = "SELECT attachment_id, peer, have FROM attachment_delivery"
    op.execute(f"CREATE TEMPORARY TABLE delivery_kept AS {deliveries}")
    op.drop_table("attachment_delivery")
    op.drop_table("attachment")
    op.rename_table("attachment_file", "attachment")
    op.create_table(
        "attachment_delivery",
        sa.Column("attachment_id", sa.String(length=32), nullable=False),
        sa.Column("peer", sa.String(length=16), nullable=False),
        sa.Column("have", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attachment_id"], ["attachment.id"], name=op.f("fk_attachment_delivery_attachment_id_attachment")
        ),
        sa.PrimaryKeyConstraint("attachment_id", "peer", name=op.f("pk_attachment_delivery")),
        comment="the next hop's bitmap, as it last said",
    )
    op.execute("INSERT INTO attachment_delivery SELECT attachment_id, peer, have FROM delivery_kept")
    op.execute("DROP TABLE delivery_kept")


def downgrade() -> None:
    raise NotImplementedError(
        "an epoch that was begun cannot be forgotten: restore the copy made before the upgrade"
    )
