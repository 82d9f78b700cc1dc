"""One process beside a node that does what its people do: ``python -m deploy.demo.worker TIER FOLDER``.

It opens the node's folder as the node's own programs do, and takes one JSON request a line; the answer is one line.
It ends when its standard input does.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from city_node.app import open_city
from city_node.desk import desk_context as city_desk
from core.desk.acting import perform
from core.desk.context import DeskContext
from core.errors import InputError, LiandongError
from core.identifiers import CaseId
from core.messages import Role
from core.store.office import Office
from deploy.demo.reading import Reader
from sync.environment import SystemWorld
from sync.installation import Installation
from township_node.app import open_township
from township_node.desk import desk_context as township_desk

Request = dict[str, Any]
Verbs = dict[str, Callable[[Request], Any]]


def desk_verbs(desk: DeskContext) -> Verbs:
    """What officers do, by the verbs that their pages and commands use."""

    def step(request: Request) -> dict[str, Any]:
        case_id = CaseId(request["case"])
        done = perform(desk, request["officer"], case_id, request["verb"], request["values"], via="demo")
        return {"state": done.state, "holder": done.holder}

    def add_officer(request: Request) -> dict[str, Any]:
        roles = [Role(role) for role in request["roles"]]
        with desk.db.transaction() as tx:
            one_time = desk.roster.add(tx, request["id"], request["name"], roles)
            desk.audit(
                tx, actor="demo", action="officer.added", subject=request["id"], roles=request["roles"]
            )
        return {"one_time_password": one_time}

    return {"step": step, "add_officer": add_officer}


def village_verbs(folder: Path) -> tuple[Installation, Office, Verbs]:
    """What a village agent does, by the verbs that the terminal and the commands use."""
    from village_agent.drafts import sheet_of
    from village_agent.handing_over import Receiver, Relation, hand_over
    from village_agent.request_file import sheet_of_request
    from village_agent.session import open_session
    from village_agent.vault import choose_operator

    pin = json.loads(sys.stdin.readline())["pin"]
    session = open_session(folder, SystemWorld(), choose_operator(folder, None), pin)
    installation, office, intake = session.village.installation, session.village.office, session.intake
    node, actor = installation.node, session.actor

    def apply(request: Request) -> dict[str, Any]:
        with installation.db.reading() as tx:
            office.refresh(tx)
        sheet = sheet_of_request(request["request"], Path(request["folder"]), node.world, node.chunks)
        with installation.db.transaction() as tx:
            case = intake.submit(tx, actor, sheet)
        return {"case": case.id, "state": case.state}

    def resubmit(request: Request) -> dict[str, Any]:
        case_id = CaseId(request["case"])
        with installation.db.reading() as tx:
            before = sheet_of(office.casebook.get(tx, case_id))
        plain, near = request["request"], Path(request["folder"])
        sheet = sheet_of_request(plain, near, node.world, node.chunks, before)
        with installation.db.transaction() as tx:
            case = intake.resubmit(tx, actor, case_id, sheet, note=plain.get("note", ""))
        return {"state": case.state}

    def on_case(verb: str) -> Callable[[Request], dict[str, Any]]:
        def act(request: Request) -> dict[str, Any]:
            with installation.db.transaction() as tx:
                case = getattr(intake, verb)(tx, actor, CaseId(request["case"]), *request["values"])
            return {"state": case.state}

        return act

    def deliver(request: Request) -> dict[str, Any]:
        name, last_digits, acknowledged = request["values"]
        receiver = Receiver(name, Relation.SELF, last_digits, acknowledged)
        with installation.db.transaction() as tx:
            case = hand_over(tx, intake, actor, CaseId(request["case"]), receiver)
        return {"state": case.state}

    verbs: Verbs = {"apply": apply, "resubmit": resubmit, "deliver": deliver}
    verbs |= {verb: on_case(verb) for verb in ("ask_withdraw", "rate", "note")}
    return installation, office, verbs


def open_node(tier: str, folder: Path) -> tuple[Installation, Office, Verbs]:
    if tier == "village":
        return village_verbs(folder)
    if tier == "township":
        township = open_township(folder, SystemWorld())
        return township.installation, township.office, desk_verbs(township_desk(township))
    city = open_city(folder, SystemWorld())
    return city.installation, city.office, desk_verbs(city_desk(city))


def main() -> None:
    installation, office, verbs = open_node(sys.argv[1], Path(sys.argv[2]))
    reader = Reader(installation, office)
    verbs |= {
        "book": lambda request: reader.book(request.get("open_files", False)),
        "cabinet": lambda request: reader.cabinet(),
        "queues": lambda request: reader.queues(),
        "catalogue": lambda request: _catalogue(installation, office),
    }
    try:
        for line in sys.stdin:
            sys.stdout.write(json.dumps(_answer(verbs, json.loads(line)), ensure_ascii=False) + "\n")
            sys.stdout.flush()
    finally:
        installation.close()


def _answer(verbs: Verbs, request: Request) -> dict[str, Any]:
    try:
        verb = verbs.get(request["do"])
        if verb is None:
            raise InputError("demo.verb", zh="没有这个动作。", en=f"There is no verb {request['do']!r}.")
        return {"done": verb(request)}
    except LiandongError as error:
        return {"error": {"code": error.code, "zh": error.zh, "en": error.en}}


def _catalogue(installation: Installation, office: Office) -> int:
    with installation.db.reading() as tx:
        office.refresh(tx)
    return office.shelf.version


if __name__ == "__main__":
    main()
