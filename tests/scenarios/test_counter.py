"""One village, two operators at two terminals: intakes within the same second, in real processes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from core.catalogue import encode_catalogue, load_catalogue
from sync.environment import SystemWorld
from tests.unit.village_kit import ITEM, PIN, VILLAGE, applicant
from village_agent.cli import main
from village_agent.session import open_session
from village_agent.vault import choose_operator

ENV = {"LIANDONG_PIN": PIN, "LIANDONG_OPERATOR_NAME": "李代办"}
_PROGRAM = [sys.executable, "-c", "from village_agent.cli import main; main()"]


def _request(number: int) -> str:
    item = load_catalogue().item(ITEM)
    request = {
        "item": ITEM,
        "applicant": applicant()
        | {"name": f"王秀{'甲乙丙丁戊己'[number]}", "address": f"{number}组{number}号"},
        "form": {
            "hardship_type": item.form_fields[0].options[0],
            "reason": f"第{number}件",
            "amount_requested": str(1000 + number),
            "urgent": True,
        },
        "materials": [{"name": m.name, "originals": m.originals, "copies": m.copies} for m in item.materials],
    }
    return json.dumps(request, ensure_ascii=False)


def _case(folder: Path, number: str) -> Any:
    desk = open_session(folder, SystemWorld(), choose_operator(folder, None), PIN)
    try:
        with desk.village.installation.db.reading() as tx:
            return desk.village.office.casebook.get(tx, number)
    finally:
        desk.close()


def test_intakes_within_one_second_in_two_processes_cross_neither_numbers_nor_people(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    started = CliRunner().invoke(main, ["--data", str(folder), "init", VILLAGE], env=ENV)
    assert started.exit_code == 0, started.output
    desk = open_session(folder, SystemWorld(), choose_operator(folder, None), PIN)
    with desk.village.installation.db.transaction() as tx:
        desk.village.office.shelf.put_catalogue(tx, encode_catalogue(load_catalogue()))
    desk.close()
    told: dict[int, str] = {}
    for turn in range(2):
        pair = [2 * turn, 2 * turn + 1]
        running = [
            subprocess.Popen(
                [*_PROGRAM, "--data", str(folder), "apply", "--json"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=os.environ | ENV,
            )
            for _ in pair
        ]
        # Both are up and read their applicant at the same moment.
        for number, process in zip(pair, running, strict=True):
            assert process.stdin is not None
            process.stdin.write(_request(number))
            process.stdin.close()
            process.stdin = None
        for number, process in zip(pair, running, strict=True):
            out, err = process.communicate(timeout=120)
            assert process.returncode == 0, err
            told[number] = json.loads(out)["case"]
    assert len(set(told.values())) == 4
    for number, case_id in told.items():
        case = _case(folder, case_id)
        assert case.applicant.name == f"王秀{'甲乙丙丁戊己'[number]}"
        assert case.applicant.address == f"{number}组{number}号"
        assert case.form["reason"] == f"第{number}件"
