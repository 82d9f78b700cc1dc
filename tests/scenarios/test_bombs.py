"""What unfolds without end: refused in words by a real process whose peak memory stays under 256 MB."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard

from core.identifiers import NodeId
from sync import envelope, packing
from sync.header import Codec
from sync.packing import Message, Packed
from sync.stream_id import Lane
from tests.scenarios.offices import VILLAGE, Offices
from tests.scenarios.world import TOWN

PEAK_KB_MAX = 256 * 1024
UNFOLDED = 1 << 30
_RUN = """
import json, sys
from pathlib import Path
from core.store.engine import open_sqlite
from core.store.office import Office
from sync.chunkstore import FileChunkStore
from sync.contact import take
from sync.environment import SystemWorld
from sync.node import Node

db = open_sqlite(Path(sys.argv[1]))
node = Node.load(db, SystemWorld(), FileChunkStore(Path(sys.argv[2])), "test")
with db.reading() as tx:
    Office.join(node, tx)
taken = take(node, Path(sys.argv[3]).read_bytes(), carrier="usb")
db.close()
# Of this program alone: what getrusage tells begins with the size of whoever started it.
peak_kb = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"peak_kb": peak_kb, "refused": [error.code for error in taken.refused]}))
"""


def _bomb(*, declared: bool) -> bytes:
    """A frame of some 100 KB that unfolds to a gibibyte of zeros, saying so in its head or not."""
    compressor = zstandard.ZstdCompressor(level=1).compressobj(**({"size": UNFOLDED} if declared else {}))
    zeros = bytes(16 << 20)
    return b"".join(
        [*(compressor.compress(zeros) for _ in range(UNFOLDED // len(zeros))), compressor.flush()]
    )


def _send(net: Offices, monkeypatch: pytest.MonkeyPatch, declared: bool) -> None:
    """Let the village, enrolled and with good keys, seal a bomb for its township."""
    village = net.nodes[VILLAGE]
    bomb = packing._pad(_bomb(declared=declared))

    def pack(messages: list[Message], *rest: object) -> Packed:
        return Packed(bomb, Codec.ZSTD, 0)

    with monkeypatch.context() as patch:
        patch.setattr(envelope, "pack", pack)
        with village.db.transaction() as tx:
            village.say(tx, [NodeId(TOWN)], Lane.INTAKE, "Bomb", b"")
        net.upward(VILLAGE)


def test_a_bomb_under_a_good_signature_is_refused_within_256_megabytes_and_the_next_case_goes_on(
    net: Offices, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for declared in (True, False):
        _send(net, monkeypatch, declared)
    case_id = net.submit(VILLAGE)
    bundle = tmp_path / "bundle"
    bundle.write_bytes(net.upward(VILLAGE))
    net.nodes[TOWN].db.close()
    words = [
        sys.executable,
        "-c",
        _RUN,
        str(net.folder / f"{TOWN}.db"),
        str(tmp_path / "chunks"),
        str(bundle),
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["peak_kb"] < PEAK_KB_MAX, told
    net.open(TOWN)
    assert net.find(TOWN, case_id) is not None
    with net.nodes[TOWN].db.reading() as tx:
        rows = tx.exec_driver_sql("SELECT code, zh FROM quarantine").all()
    assert [row.code for row in rows] == ["envelope.bomb", "envelope.bomb"]
    assert all(row.zh.endswith("。") for row in rows)
