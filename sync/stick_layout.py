"""How bundles lie on a stick: one folder, one file a bundle, names that help people and decide nothing. Pure rules."""

import hashlib

from core.errors import PeerError
from core.identifiers import NodeId
from sync.bundle import BUNDLE_BYTES_MAX, HEAD_BYTES, MAGIC, Frame, Kind
from sync.hello import HELLO_BYTES_MAX, Hello, read_hello

FOLDER = "LIANDONG"
SUFFIX = ".ldb"
ENROLMENT = "stick.enrolment"
ENROL_MAGIC = b"LDE1"
"""With which the files of an enrolment begin (``sync/enrol_file.py``): no bundles."""
PART_SUFFIX = ".part"
EXPORT_BYTES = 4 * 1024 * 1024
"""A bundle on a stick is kept this small: a stick that is pulled out early, or fails, costs little."""
FILE_BYTES_MAX = BUNDLE_BYTES_MAX
ENTRIES_MAX = 4096
PEEK_BYTES = len(MAGIC) + HEAD_BYTES + HELLO_BYTES_MAX
NAME_CHARS_SHOWN_MAX = 60
LABEL_CHARS_MAX = 40


def bundle_name(sender: NodeId, receiver: NodeId, number: int, data: bytes) -> str:
    """``430981102201-to-430981102000-00000012-9f3c02aa.ldb``: fits FAT, never the same for other bytes."""
    return f"{sender}-to-{receiver}-{number:08d}-{hashlib.sha256(data).hexdigest()[:8]}{SUFFIX}"


def inert(name: str, chars_max: int = NAME_CHARS_SHOWN_MAX) -> str:
    """A name found on a stick as people may be shown it: its last path part, nothing that moves or turns text."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    # Control characters, direction marks and undecodable bytes are all unprintable.
    shown = "".join(char if char.isprintable() else "_" for char in last[: 4 * chars_max]).strip(". ")
    return (shown if len(shown) <= chars_max else shown[: chars_max - 2] + "..") or "_"


def hello_frame(head: bytes) -> Frame:
    """The first frame of a file that begins with ``head``, its first ``PEEK_BYTES``.

    Raises ``PeerError``: ``stick.foreign`` for what is no bundle, ``stick.enrolment`` for what belongs to an enrolment,
    ``stick.cut_head`` for one that ends before it has said who wrote it and for whom.
    """
    if head.startswith(ENROL_MAGIC):
        raise PeerError(
            ENROLMENT,
            zh="是节点注册用的文件，不是数据包，未打开。由市里用 admit、由新节点用 enrol --stick 读取。",
            en="It belongs to a node's enrolment and is no bundle; it was not opened. The city reads it by admit, the new "
            "node by enrol --stick.",
        )
    if not head or (len(head) < len(MAGIC) and MAGIC.startswith(head)):
        raise _cut_head()
    if head[: len(MAGIC)] != MAGIC:
        raise PeerError(
            "stick.foreign",
            zh="不是联动数据包，未打开。可以留在U盘上，不影响使用。",
            en="It is not a Liandong bundle and was not opened. It may stay on the stick; it does no harm.",
        )
    at = len(MAGIC) + HEAD_BYTES
    if len(head) < at:
        raise _cut_head()
    length = int.from_bytes(head[at - 4 : at], "big")
    if head[len(MAGIC)] != Kind.HELLO or length > HELLO_BYTES_MAX:
        raise PeerError(
            "contact.no_hello",
            zh="数据包没有开头的自我介绍，未接收任何内容，对方会重新发送。",
            en="The bundle does not begin with an introduction; nothing was taken, it will be sent again.",
        )
    if len(head) < at + length:
        raise _cut_head()
    return Frame(Kind.HELLO, head[at : at + length])


def read_claim(head: bytes) -> Hello:
    """What the content of a file claims of its sender and addressee; unverified. Raises as :func:`hello_frame`."""
    return read_hello(hello_frame(head).payload)


def too_large(size: int, most: int = FILE_BYTES_MAX) -> PeerError:
    """The refusal of a file by its size alone; ``most`` is what one of its kind may have."""
    return PeerError(
        "stick.too_large",
        zh=f"文件有 {size} 字节，超过上限 {most}，未打开。",
        en=f"The file has {size} bytes, more than the {most} it may have; it was not opened.",
    )


def _cut_head() -> PeerError:
    return PeerError(
        "stick.cut_head",
        zh="文件没有复制完（开头就断了），没有可接收的内容。请到对方处重新导出，等显示可以拔出后再拔。",
        en="The file was not copied whole (it ends at its very beginning); there is nothing to take. Export it "
        "again and wait until it says that the stick may be removed.",
    )
