"""Lines that break, lie and repeat: nothing is lost, doubled or sent twice."""

import pytest

from core import bodies as b
from core.errors import LiandongError, PeerError
from core.messages import Role
from sync import contact, meeting
from sync.attachments import CHUNK_BYTES, Sealed, open_file
from sync.bundle import Frame, Kind, read_bundle, write_bundle
from sync.transport.base import LineDown
from tests.scenarios.offices import VILLAGE, Offices
from tests.scenarios.world import CITY, TOWN


class Wire:
    """A line whose every bundle can be looked at and changed."""

    carrier = "extranet"

    def __init__(self, net: Offices, up=lambda data: data, down=lambda data: data) -> None:
        self.line = net.lines[VILLAGE]
        self.up, self.down = up, down
        self.sent: list[bytes] = []

    def exchange(self, bundle: bytes) -> bytes:
        self.sent.append(bundle)
        return self.down(self.line.exchange(self.up(bundle)))


def _meet(net: Offices, wire: Wire) -> meeting.Meeting:
    return meeting.meet(net.nodes[VILLAGE], wire, TOWN)


def _envelopes(bundle: bytes) -> list[bytes]:
    return [frame.payload for frame in read_bundle(bundle) if frame.kind is Kind.ENVELOPE]


def _waiting(net: Offices) -> bool:
    return meeting.is_owing(net.nodes[VILLAGE], TOWN)


def test_a_lost_answer_makes_no_second_case_and_sends_no_envelope_twice(net: Offices) -> None:
    net.meet(VILLAGE)
    case_id = net.submit(VILLAGE)
    wire = Wire(net)
    net.lines[VILLAGE].lose_answer = True
    with pytest.raises(LineDown):
        _meet(net, wire)
    assert net.find(TOWN, case_id) is not None
    assert _waiting(net)
    net.lines[VILLAGE].lose_answer = False
    _meet(net, wire)
    assert not _waiting(net)
    sent = [data for bundle in wire.sent for data in _envelopes(bundle)]
    assert len(sent) == len(set(sent))
    assert len(wire.sent[1]) < 2500
    assert len(net.case_rows(TOWN)) == 1


def test_receipts_lost_on_the_way_up_are_given_again_before_the_parent_sends_twice(net: Offices) -> None:
    net.submit(VILLAGE)
    net.settle(2)
    case_id = net.submit(VILLAGE)
    net.settle(1)
    net.act(TOWN, case_id, Role.WINDOW, b.CaseReturned("填写有误"))
    came: list[bytes] = []

    def once(data: bytes) -> bytes:
        came.append(data)
        net.lines[VILLAGE].cut = True
        return data

    with pytest.raises(LineDown):
        _meet(net, Wire(net, down=once))
    net.lines[VILLAGE].cut = False
    _meet(net, Wire(net, down=lambda data: came.append(data) or data))
    envelopes = [data for bundle in came for data in _envelopes(bundle)]
    assert len(envelopes) == len(set(envelopes))


def test_a_cut_line_heals_and_the_backlog_drains(net: Offices) -> None:
    net.lines[VILLAGE].cut = True
    ids = []
    for _ in range(12):
        ids.append(net.submit(VILLAGE))
        with pytest.raises(LineDown) as down:
            net.meet(VILLAGE)
        assert "线路" in down.value.zh
        net.world.pass_time(hours=5)
    assert net.nodes[VILLAGE].budget_of(TOWN)[1] == 12
    net.lines[VILLAGE].cut = False
    net.settle(2)
    assert not _waiting(net)
    assert [row[1] for row in net.case_rows(CITY)] == sorted(ids)
    assert net.nodes[VILLAGE].budget_of(TOWN)[1] == 0


def test_a_program_killed_between_commit_and_answer_costs_one_more_question(net: Offices) -> None:
    net.meet(VILLAGE)
    case_id = net.submit(VILLAGE)

    def killed(data: bytes) -> bytes:
        raise LineDown("line.down", zh="线路断开。", en="The line is down.")

    with pytest.raises(LineDown):
        _meet(net, Wire(net, down=killed))
    rows = net.case_rows(TOWN)
    _meet(net, Wire(net))
    assert net.case_rows(TOWN) == rows
    assert net.find(TOWN, case_id) is not None
    assert not _waiting(net)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_an_answer_cut_anywhere_gives_what_came_whole(net: Offices, share: float) -> None:
    case_id = net.submit(VILLAGE)
    net.settle(1)
    net.act(TOWN, case_id, Role.WINDOW, b.CaseReturned("填写有误"))
    for _ in range(8):
        try:
            _meet(net, Wire(net, down=lambda data: data[: max(1200, int(len(data) * share))]))
        except PeerError as error:
            assert error.code in {"contact.no_hello", "line.down"}
    net.settle(1)
    assert net.case(VILLAGE, case_id).state == "RETURNED"


@pytest.mark.parametrize("page", [b"<html><body>Please log in</body></html>", b"", b"OK"])
def test_a_login_page_that_answers_200_is_no_acknowledgement(net: Offices, page: bytes) -> None:
    net.submit(VILLAGE)
    wire = Wire(net)
    wire.exchange = lambda bundle: page  # type: ignore[method-assign]
    with pytest.raises(PeerError) as refused:
        _meet(net, wire)
    assert refused.value.code == "bundle.foreign"
    assert "登录页面" in refused.value.zh
    assert _waiting(net)
    net.settle(1)
    assert not _waiting(net)


def test_the_answer_to_an_older_request_does_not_count(net: Offices) -> None:
    kept: list[bytes] = []
    _meet(net, Wire(net, down=lambda data: kept.append(data) or data))
    net.submit(VILLAGE)
    wire = Wire(net)
    wire.exchange = lambda bundle: kept[0]  # type: ignore[method-assign]
    before = net.nodes[VILLAGE].budget_of(TOWN)
    with pytest.raises(PeerError) as refused:
        _meet(net, wire)
    assert refused.value.code == "contact.stale_answer"
    assert net.nodes[VILLAGE].budget_of(TOWN)[1] == before[1] + 1
    assert _waiting(net)


class _Dying(Wire):
    """Answers once, delivers a second time, and is gone before that answer comes back."""

    def __init__(self, net: Offices, up) -> None:
        super().__init__(net, up=up, down=self.second_is_lost)

    def second_is_lost(self, answer: bytes) -> bytes:
        if len(self.sent) == 2:
            raise LineDown("line.down", zh="线路断开。", en="The line is down.")
        return answer


def test_attachments_resume_from_the_bitmap_after_a_cut_at_every_chunk(net: Offices) -> None:
    data = net.world.random_bytes(5 * CHUNK_BYTES + 100)
    case_id = net.submit(VILLAGE, files=(data,))
    sent: list[bytes] = []

    def one_chunk(bundle: bytes) -> bytes:
        frames, chunks = [], 0
        for frame in read_bundle(bundle):
            chunks += frame.kind is Kind.CHUNK
            if chunks > 1:
                break
            frames.append(frame)
        whole = write_bundle(frames)
        sent.extend(frame.payload for frame in frames if frame.kind is Kind.CHUNK)
        return whole[:-20]

    for _ in range(6):
        with pytest.raises(LineDown):
            _meet(net, _Dying(net, one_chunk))
    net.settle(3)
    assert len(sent) == len(set(sent)) == 6
    manifest = net.case(CITY, case_id).attachments[0]
    sealed = Sealed(manifest.id, manifest.size, manifest.key, manifest.chunk_size, manifest.chunks)
    assert open_file(sealed, net.nodes[CITY].chunks) == data


def test_a_bad_frame_among_good_ones_is_refused_alone_and_logged_once(net: Offices) -> None:
    case_id = net.submit(VILLAGE)
    frames = list(read_bundle(net.upward(VILLAGE)))
    junk = [Frame(Kind.ENVELOPE, b"junk")] * 300 + [Frame(Kind.CHUNK, b"\x80"), Frame(Kind.HELLO, b"again")]
    taken = contact.take(net.nodes[TOWN], write_bundle([frames[0], *junk, *frames[1:]]), carrier="usb")
    assert taken.refusals.total() == 302
    assert len(taken.refused) <= 100
    assert all(isinstance(error, LiandongError) and error.zh for error in taken.refused)
    assert net.find(TOWN, case_id) is not None
    assert len(net.codes(TOWN)) <= 3
