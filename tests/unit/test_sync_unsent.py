"""Whether anything would be lost with a folder is told without the key, and never told too favourably."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from city_node.cli import main as city_program
from core.catalogue import encode_catalogue, load_catalogue
from core.errors import LocalError
from sync import unsent
from sync.compose import compose as compose_bundle
from sync.contact import take
from sync.environment import SystemWorld
from sync.installation import create
from sync.settings import Settings
from tests.unit.enrolled_kit import CITY, TOWN, found_city, township
from tests.unit.village_kit import PIN, VILLAGE, sheet
from village_agent.app import CHAINS, compose
from village_agent.cli import main as village_program
from village_agent.session import Session, begin
from village_agent.vault import Operator, create_vault, open_vault

OPERATOR = Operator("a1", "李代办")


def first_desk(folder: Path) -> Session:
    key = create_vault(folder, OPERATOR.id, OPERATOR.name, PIN, SystemWorld())
    village = compose(create(folder, Settings(node=VILLAGE), SystemWorld(), CHAINS, key))
    with village.installation.db.transaction() as tx:
        village.office.shelf.put_catalogue(tx, encode_catalogue(load_catalogue()))
    return begin(village, OPERATOR)


def desk_again(folder: Path) -> Session:
    from village_agent.app import open_village

    key = open_vault(folder, OPERATOR.id, PIN, SystemWorld())
    return begin(open_village(folder, SystemWorld(), key), OPERATOR)


def ask(folder: Path, *words: str, lang: str = "zh") -> Result:
    """The village's program, with no PIN anywhere."""
    return CliRunner().invoke(village_program, ["--data", str(folder), "--lang", lang, "unsent", *words])


def test_a_closed_folder_tells_without_a_pin_that_nothing_would_be_lost(tmp_path: Path) -> None:
    first_desk(tmp_path).close()
    said = ask(tmp_path)
    assert said.exit_code == 0
    assert "全部已交出" in said.stdout
    told = json.loads(ask(tmp_path, "--json").stdout)
    assert (told["known"], told["drafts"], told["messages"], told["envelopes"]) == (True, 0, 0, 0)


def test_a_node_that_was_just_set_up_holds_nothing(tmp_path: Path) -> None:
    env = {"LIANDONG_PIN": PIN, "LIANDONG_OPERATOR_NAME": "李代办"}
    done = CliRunner().invoke(
        village_program, ["--data", str(tmp_path / "v"), "init", "430981102202"], env=env
    )
    assert done.exit_code == 0
    assert ask(tmp_path / "v").exit_code == 0


def test_drafts_and_applications_on_this_device_are_told_without_a_pin(tmp_path: Path) -> None:
    desk = first_desk(tmp_path)
    with desk.village.installation.db.transaction() as tx:
        desk.intake.drafts.start(tx, "a1", sheet(desk.intake))
        desk.intake.submit(tx, desk.actor, sheet(desk.intake))
    desk.close()
    told = json.loads(ask(tmp_path, "--json").stdout)
    assert told["known"]
    assert told["drafts"] == 1
    assert told["messages"] + told["envelopes"] >= 1
    said = ask(tmp_path, lang="en")
    assert said.exit_code == 3
    assert "1 drafts" in said.stdout


def test_an_abandoned_draft_holds_nobody_back(tmp_path: Path) -> None:
    desk = first_desk(tmp_path)
    with desk.village.installation.db.transaction() as tx:
        draft = desk.intake.drafts.start(tx, "a1", sheet(desk.intake))
        desk.intake.drafts.abandon(tx, draft.id)
    desk.close()
    assert ask(tmp_path).exit_code == 0


def test_what_was_said_before_is_not_said_any_more_once_something_is_written(tmp_path: Path) -> None:
    first_desk(tmp_path).close()
    desk = desk_again(tmp_path)
    with desk.village.installation.db.transaction() as tx:
        desk.intake.drafts.start(tx, "a1", sheet(desk.intake))
    # The power goes here: nobody closes anything.
    said = ask(tmp_path)
    assert said.exit_code == 3
    assert "看不出" in said.stdout
    assert json.loads(ask(tmp_path, "--json").stdout)["known"] is False
    desk.close()
    assert json.loads(ask(tmp_path, "--json").stdout)["drafts"] == 1


def test_the_note_goes_before_the_commit_and_not_after_it(tmp_path: Path) -> None:
    first_desk(tmp_path).close()
    desk = desk_again(tmp_path)
    db = desk.village.installation.db
    unsent.leave_note(db, tmp_path, desk.intake.drafts.count, SystemWorld())
    seen = []
    withdraw = db.before_commit
    assert withdraw is not None

    def watched() -> None:
        withdraw()
        seen.append(desk.village.installation.folder.joinpath(unsent.FILE_NAME).exists())
        raise LocalError("test.power_cut", zh="停电", en="power cut")

    db.before_commit = watched
    with pytest.raises(LocalError), db.transaction() as tx:
        desk.intake.drafts.start(tx, "a1", sheet(desk.intake))
    assert seen == [False]
    with db.reading() as tx:
        assert desk.intake.drafts.count(tx) == 0
    desk.close()


def test_a_second_program_that_goes_on_writing_takes_the_note_of_the_first_away(tmp_path: Path) -> None:
    background, desk = first_desk(tmp_path), desk_again(tmp_path)
    desk.close()
    assert ask(tmp_path).exit_code == 0
    with background.village.installation.db.transaction() as tx:
        background.intake.drafts.start(tx, "a1", sheet(background.intake))
    assert ask(tmp_path).exit_code == 3
    background.close()


def test_a_note_about_another_database_says_nothing(tmp_path: Path) -> None:
    first_desk(tmp_path).close()
    shutil.copy2(tmp_path / "node.db", tmp_path / "other.db")
    (tmp_path / "other.db").replace(tmp_path / "node.db")
    assert json.loads(ask(tmp_path, "--json").stdout)["known"] is False


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": 2}', '{"format": 1, "database": %d, "drafts": -1}']
)
def test_a_note_that_is_not_whole_says_nothing(tmp_path: Path, text: str) -> None:
    first_desk(tmp_path).close()
    inode = (tmp_path / "node.db").stat().st_ino
    (tmp_path / unsent.FILE_NAME).write_text(text % inode if "%d" in text else text)
    assert ask(tmp_path).exit_code == 3


def test_a_folder_without_a_node_is_refused_in_words(tmp_path: Path) -> None:
    said = ask(tmp_path)
    assert said.exit_code == 2
    assert "settings.missing" in said.stderr


def test_a_township_reads_its_own_book_and_counts_what_it_owes(tmp_path: Path) -> None:
    world = SystemWorld()
    city = found_city(tmp_path / "city", world)
    town = township(tmp_path / "town", world, city.node)
    folder = town.installation.folder
    # What it says of itself once it is enrolled.
    assert unsent.look(folder).unsent == unsent.Unsent(0, 1, 0)
    up = compose_bundle(town.installation.node, CITY, budget_bytes=65536, with_certificates=True).data
    assert unsent.look(folder).unsent == unsent.Unsent(0, 0, 1)
    take(city.node, up, carrier="extranet", expected=TOWN)
    down = compose_bundle(city.node, TOWN, budget_bytes=65536, with_certificates=True).data
    take(town.installation.node, down, carrier="extranet", expected=CITY)
    assert unsent.look(folder).is_safe
    town.installation.close()
    city.close()
    said = CliRunner().invoke(city_program, ["--data", str(tmp_path / "city"), "unsent", "--json"])
    assert json.loads(said.stdout)["known"] is True


def test_a_database_that_cannot_be_read_is_not_called_empty(tmp_path: Path) -> None:
    found_city(tmp_path, SystemWorld()).close()
    (tmp_path / "node.db").write_bytes(b"no database" * 500)
    assert not unsent.look(tmp_path).is_safe
