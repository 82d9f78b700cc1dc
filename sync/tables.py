"""The tables of store-and-forward: streams, envelopes, deliveries, receipts, quarantine, audit."""

import sqlalchemy as sa

from core.store.engine import METADATA

Digest = sa.LargeBinary(32)

NODE_STATE = sa.Table(
    "node_state",
    METADATA,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    comment="what this installation knows of itself: node, tier, parent, epoch, counters; JSON values",
)

KEY = sa.Table(
    "sync_key",
    METADATA,
    sa.Column("record_id", sa.String(96), primary_key=True),
    sa.Column("node", sa.String(16), nullable=False, index=True),
    sa.Column("record", sa.LargeBinary, nullable=False),
    comment="own keys and the directory of other nodes' certificates, as the keyring writes them",
)

STREAM = sa.Table(
    "stream",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", sa.LargeBinary(16), nullable=False, unique=True),
    sa.Column("origin", sa.String(16), nullable=False, index=True),
    sa.Column("epoch", sa.String(32), nullable=False),
    sa.Column("readers", sa.Text, nullable=False),
    sa.Column("lane", sa.Integer, nullable=False),
    sa.Column("messages", sa.Integer, nullable=False, server_default="0"),
    sa.Column("head_seq", sa.Integer, nullable=False, server_default="0"),
    sa.Column("head_digest", Digest, nullable=False),
    sa.Column("applied_seq", sa.Integer, nullable=False, server_default="0"),
    sa.Column("hold", sa.Text),
    comment="head = contiguous sealed (own) or durably held (others'); applied = contiguous prefix in effect here",
)

MESSAGE = sa.Table(
    "message",
    METADATA,
    sa.Column("stream_id", sa.ForeignKey("stream.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("message_id", sa.String(32), nullable=False, unique=True),
    sa.Column("type", sa.String(64), nullable=False),
    sa.Column("schema", sa.Integer, nullable=False),
    sa.Column("subject", sa.String(64), nullable=False, index=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("recorded_at", sa.String(24), nullable=False),
    sa.Column("seq", sa.Integer),
    sa.Column("digest", Digest, nullable=False, server_default=""),
    comment="what this node said; seq is the envelope it was sealed in, empty while it waits for a contact",
)
# A server's word for the same stands in the migration: naming it here would load that dialect on every laptop.
sa.Index("ix_message_unsealed", MESSAGE.c.stream_id, sqlite_where=MESSAGE.c.seq.is_(None))

ENVELOPE = sa.Table(
    "envelope",
    METADATA,
    sa.Column("stream_id", sa.ForeignKey("stream.id"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("digest", Digest, nullable=False),
    sa.Column("previous", Digest, nullable=False),
    sa.Column("data", sa.LargeBinary),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("held_at", sa.String(24), nullable=False),
    sa.Column("carrier", sa.String(16), nullable=False),
    sa.Column("came_from", sa.String(16), nullable=False),
    comment="the digest ledger, kept for ever; data may go once retention allows",
)

DELIVERY = sa.Table(
    "delivery",
    METADATA,
    sa.Column("stream_id", sa.ForeignKey("stream.id"), primary_key=True),
    sa.Column("peer", sa.String(16), primary_key=True),
    sa.Column("acked_seq", sa.Integer, nullable=False, server_default="0"),
    sa.Column("ranges", sa.Text, nullable=False, server_default="[]"),
    sa.Column("acked_at", sa.String(24)),
    comment="the outbox: which next hop has signed for how much of which stream",
)
sa.Index("ix_delivery_peer", DELIVERY.c.peer)

RECEIPT = sa.Table(
    "receipt",
    METADATA,
    sa.Column("stream_id", sa.ForeignKey("stream.id"), primary_key=True),
    sa.Column("signer", sa.String(16), primary_key=True),
    sa.Column("epoch", sa.String(32), primary_key=True),
    sa.Column("kind", sa.String(12), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("upto", sa.Integer, nullable=False),
    sa.Column("ranges", sa.Text, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Column("at", sa.String(24), nullable=False),
    comment="every signed receipt given or taken; epoch is the signer's",
)

APPLIED = sa.Table(
    "applied_message",
    METADATA,
    sa.Column("origin", sa.String(16), primary_key=True),
    sa.Column("message_id", sa.String(32), primary_key=True),
    sa.Column("stream_id", sa.ForeignKey("stream.id"), nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("subject", sa.String(64), nullable=False, index=True),
    sa.Column("at", sa.String(24), nullable=False),
    comment="the register of effects: a message counts once, for ever; no node can use up another's number",
)

QUARANTINE = sa.Table(
    "quarantine",
    METADATA,
    sa.Column("stream_id", sa.ForeignKey("stream.id"), primary_key=True),
    sa.Column("message_id", sa.String(32), primary_key=True),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("type", sa.String(64), nullable=False),
    sa.Column("schema", sa.Integer, nullable=False),
    sa.Column("subject", sa.String(64), nullable=False, index=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("code", sa.String(64), nullable=False),
    sa.Column("zh", sa.Text, nullable=False),
    sa.Column("en", sa.Text, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("at", sa.String(24), nullable=False),
    sa.Column("released_at", sa.String(24)),
    comment="messages that could not be applied, each with its reason; the stream goes on. Type Envelope: one that "
    "could not be opened, its data in the ledger",
)

AUDIT = sa.Table(
    "audit",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("at", sa.String(24), nullable=False),
    sa.Column("actor", sa.String(64), nullable=False),
    sa.Column("action", sa.String(64), nullable=False),
    sa.Column("subject", sa.String(64), nullable=False, index=True),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("previous", Digest, nullable=False),
    sa.Column("digest", Digest, nullable=False),
    comment="hash-chained: line n names the digest of line n-1",
)
sa.Index("ix_audit_actor", AUDIT.c.actor, AUDIT.c.number)
sa.Index("ix_audit_action", AUDIT.c.action, AUDIT.c.number)

PEER = sa.Table(
    "peer",
    METADATA,
    sa.Column("node", sa.String(16), primary_key=True),
    sa.Column("epoch", sa.String(32)),
    sa.Column("last_contact_at", sa.String(24)),
    sa.Column("last_attempt_at", sa.String(24)),
    sa.Column("last_error", sa.Text),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("budget_bytes", sa.Integer, nullable=False, server_default="65536"),
    sa.Column("clock_offset_s", sa.BigInteger),
    sa.Column("carrier", sa.String(16)),
    sa.Column("knows_serial", sa.String(48)),
    sa.Column("knows_epoch", sa.String(32)),
    sa.Column("report", sa.Text),
    comment="neighbours as last met; knows_epoch is the epoch of ours that they counted as current",
)

EPOCH = sa.Table(
    "epoch",
    METADATA,
    sa.Column("node", sa.String(16), primary_key=True),
    sa.Column("epoch", sa.String(32), primary_key=True),
    sa.Column("born", sa.String(32), nullable=False),
    sa.Column("began_at", sa.String(24), nullable=False),
    sa.Column("closed_at", sa.String(24)),
    sa.Column("reason", sa.String(16), nullable=False),
    sa.Column("run", sa.String(32), nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("token", sa.LargeBinary, nullable=False),
    sa.Column("spoke_after", sa.Integer, nullable=False, server_default="0"),
    comment="the lives of this node and of its neighbours: born is the installation, run and number are of the last "
    "bundle seen; spoke_after counts bundles from a life that had ended",
)

RUN = sa.Table(
    "run",
    METADATA,
    sa.Column("run", sa.String(32), primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
    comment="every time a program of this epoch wrote bundles, with the last number: what we cannot have written "
    "although a neighbour saw it was written by a life that this disk forgot",
)

UNSIGNED = sa.Table(
    "unsigned_stream",
    METADATA,
    sa.Column("peer", sa.String(16), primary_key=True),
    sa.Column("stream_id", sa.ForeignKey("stream.id"), primary_key=True),
    sa.Column("number", sa.BigInteger),
    comment="streams of which a neighbour brought something and has not shown that it has our receipt; number is the "
    "bundle that last carried it",
)

ATTACHMENT = sa.Table(
    "attachment",
    METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("chunk_size", sa.Integer, nullable=False),
    sa.Column("chunks", sa.Text, nullable=False),
    sa.Column("have", sa.LargeBinary, nullable=False),
    sa.Column("complete_at", sa.String(24)),
    comment="ciphertext files known here: chunk digests, and which chunks are durable",
)

OFFER = sa.Table(
    "attachment_offer",
    METADATA,
    sa.Column("stream_id", sa.ForeignKey("stream.id"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("attachment_id", sa.ForeignKey("attachment.id"), nullable=False, index=True),
    comment="which envelope offers which file; one file may be offered again in another stream",
)

ATTACHMENT_DELIVERY = sa.Table(
    "attachment_delivery",
    METADATA,
    sa.Column("attachment_id", sa.ForeignKey("attachment.id"), primary_key=True),
    sa.Column("peer", sa.String(16), primary_key=True),
    sa.Column("have", sa.LargeBinary, nullable=False),
    comment="the next hop's bitmap, as it last said",
)

ENROLMENT = sa.Table(
    "enrolment_code",
    METADATA,
    sa.Column("code_id", sa.String(8), primary_key=True),
    sa.Column("record", sa.LargeBinary, nullable=False),
    comment="one-time codes issued by the city, with the answer given, so that a repeated request gets the same one",
)
