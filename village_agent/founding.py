"""What the first run does to the disk and the line: set the node up, take an unused one back, join the city."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from core.clock import World
from core.errors import LiandongError, LocalError, StateError
from core.store.casebook import CASE
from sync import enrol as enrolment
from sync import meeting
from sync.doctor import CLOCK_OFFSET_S_MAX
from sync.enrol_stick import Enrolment, Stage, enrol_from
from sync.enrolment_code import EnrolmentCode
from sync.installation import create, take_down
from sync.lines import parent_line
from sync.settings import FILE_NAME, check_settings, load_settings, write_settings
from sync.status import is_enrolled
from sync.stick import Export, export_to, neighbours
from sync.transport.usb import Stick
from village_agent.app import CHAINS, open_village
from village_agent.drafts import DRAFT
from village_agent.first_run import Plan, unwritable
from village_agent.session import Session, begin
from village_agent.vault import Operator, add_operator, create_vault, has_vault, open_vault, operators

FIRST_OPERATOR = "a1"
PROBE_BYTES = 1 << 20
PROBE_NAME = "probe.part"


def probe(folder: Path, world: World) -> int:
    """Write a piece to the data folder, read it back, and return the bytes that are free there.

    Raises ``LocalError`` (``setup.unwritable``, ``setup.bad_disk``).
    """
    path, piece = folder / PROBE_NAME, world.random_bytes(PROBE_BYTES)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with path.open("wb") as file:
                file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            again = path.read_bytes()
        finally:
            path.unlink(missing_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise unwritable(folder, error) from error
    if again != piece:
        raise LocalError(
            "setup.bad_disk",
            zh="写入的内容读出来不一样，这块磁盘不可靠，不能用来收件。请换一台电脑或换磁盘。",
            en="What was written reads back differently: this disk is unreliable and must not hold cases. Use another "
            "computer or change the disk.",
        )
    return free


def secure(
    folder: Path, plan: Plan, pin: str, world: World, *, desk: Session | None = None, key: bytes | None = None
) -> Session:
    """The node of the plan with its database under the operator's PIN, whatever is there of it already.

    ``desk``: the node is set up, a PIN that is given replaces the one before. ``key``: of a vault whose node was taken
    back. A vault without a node, which a power cut leaves, is opened by its PIN. Raises as
    :func:`village_agent.vault.create_vault`, ``open_vault`` and :func:`sync.installation.create`.
    """
    operator = Operator(FIRST_OPERATOR, plan.operator)
    key = desk.village.installation.db.raw_key if desk is not None else key
    if key is not None:
        if pin:
            add_operator(folder, key, operator.id, operator.name, pin, world)
        operator = operators(folder)[0]
    elif has_vault(folder):
        operator = operators(folder)[0]
        key = open_vault(folder, operator.id, pin, world)
    else:
        key = create_vault(folder, operator.id, operator.name, pin, world)
    if desk is not None:
        return begin(desk.village, operator)
    values = {
        "node": plan.node,
        "parent_contact": plan.contact,
        "parent_enrol": plan.enrol,
        "lang": plan.lang,
    }
    create(folder, check_settings(values, folder / FILE_NAME), world, CHAINS, key).close()
    return begin(open_village(folder, world, key), operator)


def readdress(desk: Session, plan: Plan, world: World) -> Session:
    """The same node with the township's addresses of the plan."""
    folder, key = desk.village.installation.folder, desk.village.installation.db.raw_key
    changed = replace(load_settings(folder), parent_contact=plan.contact, parent_enrol=plan.enrol)
    write_settings(folder, changed)
    desk.close()
    return begin(open_village(folder, world, key), Operator(desk.actor.officer, desk.actor.name))


def take_back(desk: Session) -> bytes:
    """Remove a node that nobody has heard of and that holds nothing, to set up another; returns the vault's key.

    Raises ``StateError`` (``setup.in_use``).
    """
    installation = desk.village.installation
    with installation.db.reading() as tx:
        used = tx.scalar(sa.select(CASE.c.id).limit(1)) or tx.scalar(sa.select(DRAFT.c.id).limit(1))
    if used or is_enrolled(installation) or enrolment.is_begun(installation.node):
        raise StateError(
            "setup.in_use",
            zh="本机已用这个村代码收件、加入或申请加入，村代码不能再改。确实要换，请向市中心要新代码的注册码，另建目录设置。",
            en="This machine has taken in cases, joined or applied to join under this village's code, so the code cannot "
            "be changed. To use another one, ask the city centre for its code and set it up in another folder.",
        )
    key, folder = installation.db.raw_key, installation.folder
    assert key is not None
    desk.close()
    take_down(folder)
    return key


@dataclass(frozen=True, slots=True)
class Joined:
    """``behind_s``: seconds that this clock is behind the city's or the township's; None if neither is known.

    ``first_contact``: why the first contact failed, None if it did not; ``catalogue``: the version that is here, 0 none.
    """

    behind_s: int | None
    first_contact: LiandongError | None
    catalogue: int

    @property
    def is_clock_wrong(self) -> bool:
        return self.behind_s is not None and abs(self.behind_s) > CLOCK_OFFSET_S_MAX


Post = Callable[[str, bytes], bytes]


def join(
    desk: Session,
    code: EnrolmentCode,
    told: Callable[[str], None] = lambda step: None,
    post: Post | None = None,
) -> Joined:
    """Become a node of the city by a one-time code, unless this is one already, and meet the township once.

    ``told`` is given ``enrolling`` and ``meeting``. Raises as :func:`sync.enrol.enrol`; the first contact may fail.
    """
    installation = desk.village.installation
    node, settings = installation.node, installation.settings
    city_at: datetime | None = None
    behind_s: int | None = None
    if not is_enrolled(installation):
        told("enrolling")
        door = post or enrolment.door(settings.parent_enrol, settings.contact_timeout_s)
        city_at = enrolment.enrol(node, code, door)
        if city_at is not None:
            behind_s = round((city_at - node.world.now()).total_seconds())
    told("meeting")
    return meet_once(desk, behind_s)


@dataclass(frozen=True, slots=True)
class Carried:
    """What joining by a stick came to. ``introduction``: what was written for the township on the same stick, once this is
    a node of the city. ``is_same_disk``: the folder lies on this machine's own disk, so nobody can carry it.
    """

    outcome: Enrolment
    label: str
    introduction: Export | None = None
    is_same_disk: bool = False


def join_by_stick(desk: Session, code: EnrolmentCode, path: Path) -> Carried:
    """Leave the application on the stick, or take the answer that it brings and introduce this node to the township by it.

    Raises as :class:`sync.transport.usb.Stick` and :func:`sync.enrol_stick.enrol_from`; all of it may be done again.
    """
    installation, stick = desk.village.installation, Stick(path)
    node, is_same_disk = installation.node, stick.is_on_disk_of(installation.folder)
    outcome = enrol_from(stick, node, code)
    if outcome.stage is Stage.APPLIED or outcome.error is not None:
        return Carried(outcome, stick.label, None, is_same_disk)
    (introduction,) = export_to(stick, node, neighbours(node))
    return Carried(outcome, stick.label, introduction, is_same_disk)


def meet_once(desk: Session, behind_s: int | None = None) -> Joined:
    """Meet the township; what is known of the clock before is kept where it says nothing."""
    installation = desk.village.installation
    node, parent = installation.node, installation.node.place.parent
    assert parent is not None
    failed: LiandongError | None = None
    try:
        line = parent_line(node, installation.settings)
        try:
            meeting.meet(node, line, parent)
        finally:
            line.close()
    except LiandongError as error:
        failed = error
    with installation.db.reading() as tx:
        desk.village.office.refresh(tx)
        row = node.peer(tx, parent)
    if failed is None and row is not None and row.clock_offset_s is not None:
        behind_s = int(row.clock_offset_s)
    return Joined(behind_s, failed, desk.village.office.shelf.version)
