"""Copies with a stated horizon, chores that survive a clock that jumps, room that is kept, a commit in doubt, a restore."""

import errno
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core.errors import InputError, LiandongError, LocalError, StateError
from core.store import backup
from core.store.engine import driver, open_sqlite
from core.store.refusals import CommitUnknown
from sync import audit, backups, restoring, service
from sync.doctor import examine
from sync.environment import SystemWorld
from sync.identity import read_fact, write_fact
from sync.installation import BACKUPS, DATABASE, Installation, create, open_folder
from sync.jobs import DAILY, RETRY_EVERY, Chores, Watch
from sync.reopen import REOPENINGS_MAX, keep_serving
from sync.reserve import FILE, Reserve
from sync.restoring import restore_folder
from sync.settings import Settings
from sync.status import status
from tests.scenarios.world import TestWorld
from tests.unit.small_disk import fill, small_disk

NODE = "430981102000"
KEY = bytes(range(32))
NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def _node(folder: Path, world: TestWorld, key: bytes | None = None, node: str = NODE) -> Installation:
    create(folder, Settings(node=node), world, (), key).close()
    return open_folder(folder, world, (), key)


@pytest.fixture
def world() -> TestWorld:
    return TestWorld(7, NOON)


@pytest.fixture
def town(tmp_path: Path, world: TestWorld) -> Iterator[Installation]:
    made = _node(tmp_path / "town", world)
    yield made
    made.close()


def _codes(installation: Installation) -> set[str]:
    return {finding.code for finding in examine(installation)}


# Copies.


def test_the_newest_and_oldest_copy_are_facts_of_the_node_for_people_and_neighbours(
    town: Installation, world: TestWorld
) -> None:
    assert "backup.none" in _codes(town)
    for _ in range(3):
        backups.nightly(town.db, world, town.folder / BACKUPS, 2)
        world.pass_time(days=1)
    with town.db.reading() as tx:
        report = town.node.report(tx)
    assert report["backups"] == 2
    assert report["backup_oldest_at"] < report["backup_newest_at"]
    assert status(town)["backup_newest_at"] == report["backup_newest_at"]
    assert "backup" in _codes(town)
    world.pass_time(days=1, minutes=1)
    assert "backup.stale" in _codes(town)


@pytest.mark.parametrize("damage", ["page", "audit"])
def test_a_copy_that_cannot_be_read_again_is_not_counted(
    town: Installation, world: TestWorld, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    sync_file = backup._sync

    def spoil(path: Path) -> None:
        sync_file(path)
        if damage == "page":
            data = bytearray(path.read_bytes())
            data[4096 * 2 : 4096 * 4] = b"\x55" * 8192
            path.write_bytes(data)
        else:
            other = driver.connect(str(path), isolation_level=None)
            other.execute("UPDATE audit SET actor = 'x'")
            other.close()

    monkeypatch.setattr(backup, "_sync", spoil)
    with pytest.raises(LocalError, match=r"store\.bad_copy"):
        backups.nightly(town.db, world, town.folder / BACKUPS, 2)
    assert list((town.folder / BACKUPS).iterdir()) == []
    assert backup.horizon(town.folder / BACKUPS, world.now()).newest is None


def test_a_copy_made_under_a_clock_ten_years_ahead_says_nothing_of_today(tmp_path: Path) -> None:
    for name in ("20260301T180700Z.db", "20360301T180700Z.db", "notes.db"):
        (tmp_path / name).write_bytes(b"")
    found = backup.horizon(tmp_path, NOON)
    assert found == backup.Horizon(datetime(2026, 3, 1, 18, 7, tzinfo=UTC), found.newest, 1)


def test_a_night_that_was_missed_is_caught_up(tmp_path: Path) -> None:
    (tmp_path / "20260301T180700Z.db").write_bytes(b"")
    assert not backups.is_due(tmp_path, datetime(2026, 3, 2, 4, 0, tzinfo=UTC), 2)
    assert not backups.is_due(tmp_path, datetime(2026, 3, 2, 18, 6, tzinfo=UTC), 2)
    assert backups.is_due(tmp_path, datetime(2026, 3, 2, 18, 8, tzinfo=UTC), 2)


# Chores.


@dataclass
class FakeJob:
    id: str
    next_run_time: datetime | None


@dataclass
class FakeScheduler:
    """What Chores uses of a scheduler, without its thread; ``once`` are the chores to do right away."""

    made: list["FakeScheduler"]
    jobs: list[FakeJob] = field(default_factory=list)
    once: list[str] = field(default_factory=list)
    is_running: bool = False

    def __post_init__(self) -> None:
        self.made.append(self)

    def add_job(self, do: Callable[[], None], trigger: str, *, id: str, **plan: Any) -> None:
        self.jobs.append(FakeJob(id, plan.get("next_run_time")))
        if "next_run_time" in plan:
            self.once.append(id)

    def start(self) -> None:
        self.is_running = True

    def get_jobs(self) -> list[FakeJob]:
        return self.jobs

    def shutdown(self, *, wait: bool) -> None:
        self.is_running = False


@pytest.mark.parametrize("back", [timedelta(hours=1), timedelta(minutes=4)], ids=["an hour", "four minutes"])
def test_a_scheduler_that_stands_still_after_a_clock_jump_is_started_anew_within_two_minutes(
    town: Installation, world: TestWorld, back: timedelta
) -> None:
    made: list[FakeScheduler] = []
    chores = Chores(town, lambda: FakeScheduler(made))
    chores.start()
    assert made[0].once == ["backup", "scrub"]
    for job in made[0].jobs:
        job.next_run_time = world.now() + (DAILY if job.id in ("backup", "scrub") else timedelta(minutes=5))
    assert not chores.watch()
    world.pass_time(minutes=4)
    assert not chores.watch()
    # The clock goes back: by the scheduler's reckoning nothing is due yet.
    world._now -= back
    world.pass_time(minutes=3, seconds=30)
    restarted = chores.watch()
    world.pass_time(seconds=30)
    assert restarted or chores.watch()
    assert [scheduler.is_running for scheduler in made] == [False, True]


def test_a_chore_planned_ten_years_ahead_is_absurd_at_once() -> None:
    watch = Watch()
    planned = {"retry": (NOON + timedelta(days=3650), RETRY_EVERY)}
    assert watch.standing(planned, NOON, 0.0) == "retry"
    assert watch.standing({"retry": (NOON + RETRY_EVERY, RETRY_EVERY)}, NOON, 0.0) == ""


def test_a_chore_that_does_not_run_when_it_should_stands_still_two_minutes_later() -> None:
    watch, due_s = Watch(), 20 * 3600.0
    planned = {"backup": (NOON + timedelta(hours=20), DAILY)}
    assert watch.standing(planned, NOON, 0.0) == ""
    # The clock went back an hour: by it the chore is not due yet.
    late = NOON + timedelta(hours=19)
    assert watch.standing(planned, late, due_s + 119) == ""
    assert watch.standing(planned, late, due_s + 121) == "backup"


def test_a_chore_that_runs_when_it_should_is_left_alone_for_a_year_of_looks() -> None:
    watch, now, monotonic_s = Watch(), NOON, 0.0
    next_run = now + RETRY_EVERY
    for _ in range(365 * 24 * 6):
        now += timedelta(minutes=10)
        monotonic_s += 600
        if now >= next_run:
            next_run += RETRY_EVERY
        assert watch.standing({"retry": (next_run, RETRY_EVERY)}, now, monotonic_s) == ""


def test_the_chores_do_what_they_are_called(town: Installation) -> None:
    chores = Chores(town)
    for chore in (chores.back_up, chores.scrub, chores.retry, chores.mend):
        chore()
    assert {"backup", "scrub"} <= _codes(town)


def test_the_real_scheduler_takes_the_plan_and_stops(tmp_path: Path) -> None:
    folder = tmp_path / "town"
    create(folder, Settings(node=NODE), SystemWorld(), ()).close()
    node = open_folder(folder, SystemWorld(), ())
    chores = Chores(node)
    chores.start()
    assert not chores.watch()
    chores.stop()
    assert len(backup.copies(folder / BACKUPS)) == 1
    node.close()


# Room on the disk.


def test_the_reserve_is_real_room_and_comes_back_when_there_is_space(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path, size=1 << 20, room=0, low=0)
    assert reserve.is_out
    reserve.first()
    assert not reserve.is_out
    assert (tmp_path / FILE).stat().st_blocks * 512 >= 1 << 20
    reserve.release()
    assert reserve.is_out
    assert (tmp_path / FILE).stat().st_blocks == 0
    reserve.first()
    assert reserve.is_out
    reserve.look()
    assert not reserve.is_out


def test_a_disk_that_is_all_but_full_gets_the_reserve_before_the_database_meets_its_end(
    tmp_path: Path,
) -> None:
    reserve = Reserve(tmp_path, size=65536, room=0, low=0)
    reserve.first()
    Reserve(tmp_path, size=65536, room=0, low=1 << 60).look()
    assert reserve.is_out


def test_a_reserve_that_does_not_fit_is_not_half_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    reserve = Reserve(tmp_path, size=65536, room=0, low=0)
    reserve.first()
    assert reserve.is_out
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_cannot_grow_gives_the_reserve_away_and_takes_nothing_new(tmp_path: Path) -> None:
    db = open_sqlite(tmp_path / "node.db")
    with db.transaction() as tx:
        tx.exec_driver_sql("CREATE TABLE t (x)")
    db.reserve = reserve = Reserve(tmp_path, size=65536, room=0, low=0)
    reserve.first()
    db.require_room()
    with db.reading() as tx:
        pages = int(tx.exec_driver_sql("PRAGMA page_count").scalar() or 0)
    with pytest.raises(LocalError, match=r"store\.full"), db.transaction() as tx:
        tx.exec_driver_sql(f"PRAGMA max_page_count = {pages + 1}")
        tx.exec_driver_sql("INSERT INTO t VALUES (randomblob(200000))")
    assert reserve.is_out
    with pytest.raises(StateError, match=r"store\.short") as refused:
        db.require_room()
    assert "继续上传" in refused.value.zh
    db.close()


def test_on_a_disk_that_is_really_full_a_write_fails_once_and_the_next_ones_go_on(
    tmp_path: Path,
) -> None:
    with small_disk(tmp_path / "disk", "8m") as disk:
        db = open_sqlite(disk / "node.db")
        with db.transaction() as tx:
            tx.exec_driver_sql("CREATE TABLE t (x)")
        db.reserve = reserve = Reserve(disk, size=2 << 20, room=1 << 20, low=0)
        reserve.first()
        fill(disk / "photos")
        kept = failed = 0
        for _ in range(200):
            if db.in_doubt is not None:
                db.reopen()
            try:
                with db.transaction() as tx:
                    tx.exec_driver_sql("INSERT INTO t VALUES (randomblob(2000))")
                kept += 1
            except LocalError as error:
                assert error.code in ("store.full", "store.commit_unknown"), error
                failed += 1
        with db.reading() as tx:
            count = int(tx.exec_driver_sql("SELECT count(*) FROM t").scalar() or 0)
        print(f"kept {kept}, failed {failed}, there {count}")
        assert reserve.is_out
        assert failed >= 1
        assert kept >= 100
        assert kept <= count <= kept + failed
        (disk / "photos").unlink()
        reserve.look()
        assert not reserve.is_out
        db.close()


# A commit in doubt.


class Program:
    """An opened program of a tier, as ``keep_serving`` sees it."""

    def __init__(self, folder: Path, world: TestWorld) -> None:
        self.installation = open_folder(folder, world, ())


def _lose_a_commit(program: Program, name: str, *, reaches_the_disk: bool) -> None:
    """A commit that says it failed, whether it did or not."""
    db = program.installation.db
    dialect = type(db.engine.dialect)
    commit = dialect.do_commit

    def fail(self: Any, connection: Any) -> None:
        if reaches_the_disk:
            commit(self, connection)
        raise driver.OperationalError("disk I/O error")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dialect, "do_commit", fail)
        with db.transaction() as tx:
            write_fact(tx, name, 1)


@pytest.mark.parametrize("reaches_the_disk", [True, False])
def test_after_a_commit_in_doubt_the_program_is_composed_anew_and_finds_the_truth_by_its_name(
    town: Installation, world: TestWorld, *, reaches_the_disk: bool
) -> None:
    served: list[Program] = []
    seen: list[Any] = []

    def serve(program: Program) -> None:
        served.append(program)
        if len(served) == 1:
            # A thread of the program met it; the others can do nothing on the old connections.
            with pytest.raises(CommitUnknown):
                _lose_a_commit(program, "mark", reaches_the_disk=reaches_the_disk)
            with pytest.raises(CommitUnknown), program.installation.db.reading():
                pass
            return
        with program.installation.db.reading() as tx:
            seen.append(read_fact(tx, "mark"))

    first = Program(town.folder, world)
    keep_serving(first, lambda app: Program(app.installation.folder, world), serve, world)
    assert len(served) == 2
    assert served[1].installation.db is not first.installation.db
    assert served[1].installation.node is not first.installation.node
    assert seen == [1 if reaches_the_disk else None]


def test_the_background_process_stops_by_itself_and_goes_on_with_everything_opened_anew(
    town: Installation, world: TestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "WATCH_EVERY_S", 0.01)
    lives: list[Program] = []

    def serve(program: Program) -> None:
        lives.append(program)

        def ready() -> None:
            assert (town.folder / restoring.RUN_FILE).exists()
            if len(lives) == 1:
                with pytest.raises(CommitUnknown):
                    _lose_a_commit(program, "mark", reaches_the_disk=False)
            else:
                os.kill(os.getpid(), signal.SIGTERM)

        service.run(program.installation, None, ready)

    keep_serving(
        Program(town.folder, world), lambda app: Program(app.installation.folder, world), serve, world
    )
    assert len(lives) == 2
    assert not (town.folder / restoring.RUN_FILE).exists()


def test_a_disk_that_loses_every_commit_ends_the_program_in_words(
    town: Installation, world: TestWorld
) -> None:
    count = 0

    def serve(program: Program) -> None:
        nonlocal count
        count += 1
        _lose_a_commit(program, "mark", reaches_the_disk=False)

    with pytest.raises(CommitUnknown, match=r"store\.commit_unknown"):
        keep_serving(
            Program(town.folder, world), lambda app: Program(app.installation.folder, world), serve, world
        )
    assert count == REOPENINGS_MAX + 1


# Restore.


def _begin(tx: sa.Connection, place: object, world: object) -> None:
    write_fact(tx, "begun", "anew")


def _restore(folder: Path, copy: Path, world: TestWorld, key: bytes | None = None, **options: Any) -> Any:
    return restore_folder(folder, copy, key, world, (), _begin, **options)


@pytest.mark.parametrize("key", [None, KEY])
def test_a_restored_node_is_as_the_copy_was_in_a_new_epoch_and_the_replaced_database_is_kept(
    tmp_path: Path, world: TestWorld, key: bytes | None
) -> None:
    folder = tmp_path / "n"
    node = _node(folder, world, key)
    with node.db.transaction() as tx:
        write_fact(tx, "mark", "in the copy")
    copy = backups.nightly(node.db, world, folder / BACKUPS, 3)
    epoch = node.node.place.epoch
    with node.db.transaction() as tx:
        write_fact(tx, "mark", "later")
    node.close()
    judged = _restore(folder, copy, world, key, dry_run=True)
    assert judged.replaced is None
    assert _fact(folder, world, key, "mark") == "later"
    done = _restore(folder, copy, world, key)
    assert _fact(folder, world, key, "mark") == "in the copy"
    assert _fact(folder, world, key, "begun") == "anew"
    assert _fact(folder, world, key, "epoch") != epoch
    kept = open_sqlite(done.replaced, raw_key=key)
    with kept.reading() as tx:
        assert read_fact(tx, "mark") == "later"
        assert read_fact(tx, "epoch") == epoch
    kept.close()
    restored = open_folder(folder, world, (), key)
    with restored.db.reading() as tx:
        audit.verify(tx)
        assert "node.restored" in tx.scalars(sa.text("SELECT action FROM audit")).all()
    restored.close()
    assert [path.name for path in folder.iterdir() if "restoring" in path.name] == []


def _fact(folder: Path, world: TestWorld, key: bytes | None, name: str) -> Any:
    opened = open_folder(folder, world, (), key)
    try:
        with opened.db.reading() as tx:
            return read_fact(tx, name)
    finally:
        opened.close()


def _bad_copies(
    tmp_path: Path, world: TestWorld, folder: Path, town: Installation
) -> Iterator[tuple[Path, str]]:
    yield tmp_path / "nowhere.db", "store.no_copy"
    photo = tmp_path / "photo.db"
    photo.write_bytes(b"\x89PNG" * 4096)
    yield photo, "store.bad_copy"
    other = _node(tmp_path / "other", world, node="430981105000")
    yield backup.back_up(other.db, tmp_path / "other.db"), "restore.other_node"
    other.close()
    newer = backup.back_up(town.db, tmp_path / "newer.db")
    _execute(newer, "UPDATE alembic_version SET version_num = '9999'")
    yield newer, "store.newer"
    edited = backup.back_up(town.db, tmp_path / "edited.db")
    _execute(edited, "UPDATE audit SET actor = 'x'")
    yield edited, "store.bad_copy"
    keyed = _node(tmp_path / "keyed", world, KEY)
    yield backup.back_up(keyed.db, tmp_path / "keyed.db"), "store.bad_copy"
    keyed.close()
    live = tmp_path / "live.db"
    live.write_bytes(backup.back_up(town.db, tmp_path / "copy.db").read_bytes())
    Path(f"{live}-wal").write_bytes(b"log")
    yield live, "store.bad_copy"


def _execute(path: Path, statement: str) -> None:
    other = driver.connect(str(path), isolation_level=None)
    other.execute(statement)
    other.close()


def test_what_is_no_copy_of_this_node_is_refused_and_nothing_is_changed(
    town: Installation, tmp_path: Path, world: TestWorld
) -> None:
    copies = list(_bad_copies(tmp_path, world, town.folder, town))
    town.db.close()
    before = (town.folder / DATABASE).read_bytes()
    for copy, code in copies:
        with pytest.raises(LiandongError) as refused:
            _restore(town.folder, copy, world)
        assert refused.value.code == code, copy
    assert (town.folder / DATABASE).read_bytes() == before
    assert [path.name for path in town.folder.iterdir() if "re" in path.name and path.name != FILE] == []


def test_a_node_that_runs_or_is_open_elsewhere_is_not_restored(town: Installation, world: TestWorld) -> None:
    copy = backups.nightly(town.db, world, town.folder / BACKUPS, 3)
    with pytest.raises(LocalError, match=r"store\.busy"), town.db.reading() as tx:
        tx.exec_driver_sql("SELECT count(*) FROM audit").scalar()
        _restore(town.folder, copy, world)
    town.db.close()
    run_file = town.folder / restoring.RUN_FILE
    run_file.write_text(json.dumps({"pid": os.getpid()}))
    with pytest.raises(LocalError, match=r"restore\.running") as refused:
        _restore(town.folder, copy, world)
    assert str(os.getpid()) in refused.value.zh
    run_file.write_text("half a fil")
    with pytest.raises(LocalError, match=r"restore\.run_file"):
        _restore(town.folder, copy, world)
    gone = subprocess.Popen(["true"])
    gone.wait()
    run_file.write_text(json.dumps({"pid": gone.pid}))
    assert _restore(town.folder, copy, world).replaced.exists()


def test_a_restore_whose_new_epoch_cannot_begin_leaves_everything_as_it_was(
    town: Installation, world: TestWorld
) -> None:
    copy = backups.nightly(town.db, world, town.folder / BACKUPS, 3)
    epoch = town.node.place.epoch
    town.db.close()

    def fail(tx: sa.Connection, place: object, world: object) -> None:
        raise StateError("epoch.refused", zh="不行。", en="No.")

    with pytest.raises(StateError, match=r"epoch\.refused"):
        restore_folder(town.folder, copy, None, world, (), fail)
    assert _fact(town.folder, world, None, "epoch") == epoch
    assert not list(town.folder.glob("*replaced*"))


def test_a_damaged_database_is_replaced_and_kept_with_its_log(town: Installation, world: TestWorld) -> None:
    copy = backups.nightly(town.db, world, town.folder / BACKUPS, 3)
    town.db.close()
    rotten = b"\x55" * 65536
    (town.folder / DATABASE).write_bytes(rotten)
    Path(f"{town.folder / DATABASE}-wal").write_bytes(b"log of the rotten one")
    done = _restore(town.folder, copy, world)
    assert done.replaced.read_bytes() == rotten
    assert Path(f"{done.replaced}-wal").exists()
    assert _fact(town.folder, world, None, "begun") == "anew"


def test_a_node_on_postgresql_is_sent_to_its_own_tools(tmp_path: Path, world: TestWorld) -> None:
    (tmp_path / "settings.toml").write_text(
        'node = "430981000000"\ndatabase_url = "postgresql+psycopg://x/y"\n'
    )
    with pytest.raises(LocalError, match=r"store\.backup_elsewhere"):
        _restore(tmp_path, tmp_path / "x.db", world)
    with pytest.raises(InputError):
        _restore(tmp_path / "nothing", tmp_path / "x.db", world)
