"""Practice: a node of a village that does not exist, in a folder of its own, that meets nobody and is opened by nothing else.

It has no keys, no neighbour's address and no PIN; its number is in no table of any city, so nothing that it says could
ever be taken. The mark lies beside the database and in it, and either one is enough to refuse every other use.
"""

import json
import shutil
from pathlib import Path

from core.clock import World, iso
from core.errors import InputError, LocalError
from core.identifiers import DivisionCode, Tier
from core.regions import Division, Divisions, load_yuanjiang
from core.store.durable import write_whole
from sync import settings
from sync.identity import read_fact, write_fact
from sync.installation import CHUNKS, DATABASE, create, open_folder, take_down
from village_agent.app import CHAINS, compose
from village_agent.practice_cases import prepare
from village_agent.practice_mark import MARK_NAME, PRACTICE_TOWN, PRACTICE_VILLAGE, is_marked
from village_agent.session import Session, begin
from village_agent.vault import FILE_NAME as VAULT_NAME
from village_agent.vault import Operator

OPERATOR = Operator("practice", "练习员")
_FACT = "practice"
_REAL = (settings.FILE_NAME, DATABASE, VAULT_NAME, "setup.json")


def practice_folder(data: Path) -> Path:
    """Where the practice beside the data folder ``data`` lies."""
    return data.parent / f"{data.name}-practice"


def practice_divisions() -> Divisions:
    """The city's table with the township and the village of the practice."""
    table = load_yuanjiang()
    town = Division(DivisionCode(PRACTICE_TOWN), "练习镇", Tier.TOWNSHIP, table.city.code)
    village = Division(DivisionCode(PRACTICE_VILLAGE), "练习村", Tier.VILLAGE, town.code)
    return table.with_more(town, village)


def open_practice(folder: Path, world: World) -> Session:
    """The desk of the practice, made with its prepared drafts and cases where there is none.

    Raises ``InputError`` (``practice.real_folder``) for a folder in which something else lies, ``LocalError``.
    """
    require_ours(folder)
    if not (folder / settings.FILE_NAME).exists():
        _make(folder, world)
    village = compose(open_folder(folder, world, CHAINS))
    desk = begin(village, OPERATOR, practice_divisions(), is_practice=True)
    with village.installation.db.transaction() as tx:
        if village.installation.node.place.node != PRACTICE_VILLAGE:
            desk.close()
            raise _real_folder(folder)
        if not read_fact(tx, _FACT):
            prepare(tx, desk)
            write_fact(tx, _FACT, {"made_at": iso(world.now())})
    return desk


def reset(folder: Path) -> bool:
    """Remove the practice of this folder, to begin anew; False if there is none.

    Raises ``InputError`` (``practice.real_folder``); a folder that is not a practice's is not touched.
    """
    require_ours(folder)
    if not is_marked(folder):
        return False
    if (folder / settings.FILE_NAME).exists() and settings.load_settings(folder).node != PRACTICE_VILLAGE:
        raise _real_folder(folder)
    try:
        # The mark goes last: what is half removed is still a practice's.
        take_down(folder)
        shutil.rmtree(folder / CHUNKS, ignore_errors=True)
        (folder / MARK_NAME).unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error
    return True


def require_ours(folder: Path) -> None:
    """Raises ``InputError`` (``practice.real_folder``) where something lies that is not a practice."""
    if not is_marked(folder) and any((folder / name).exists() for name in _REAL):
        raise _real_folder(folder)


def _make(folder: Path, world: World) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(folder / MARK_NAME, json.dumps({"practice": True, "node": PRACTICE_VILLAGE}))
    except OSError as error:
        raise _unwritable(folder, error) from error
    create(folder, settings.Settings(node=PRACTICE_VILLAGE), world, CHAINS).close()


def _real_folder(folder: Path) -> InputError:
    return InputError(
        "practice.real_folder",
        zh=f"{folder} 里是真实的数据，不能用来练习，未作改动。不写目录，练习会放在数据目录旁边的 -practice 里。",
        en=f"{folder} holds real data and cannot be used for practice; nothing was changed. Name no folder, and the "
        "practice is kept beside the data folder, with -practice behind its name.",
    )


def _unwritable(folder: Path, error: OSError) -> LocalError:
    return LocalError(
        "practice.unwritable",
        zh=f"练习目录 {folder} 写不进去（{error.strerror}）。请清理磁盘或检查权限后再试。",
        en=f"The practice folder {folder} cannot be written ({error.strerror}). Free the disk or check its permissions.",
    )
