"""The officers of this node: entered, given roles and one-time passwords, disabled, and stood in for while away."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from core.desk.acting import perform_one_of_many
from core.desk.days import midnight_of
from core.desk.visit import Answer, Visit
from core.errors import InputError, StateError
from core.identifiers import CaseId
from core.messages import Role
from core.states import State
from core.store import leave
from core.store.casebook import CASE
from core.store.officers import OFFICER_ROLES

VIA = "leave"


def people_page(visit: Visit) -> Answer:
    """Everybody who works here, and who is away."""
    return _page(visit)


def add(visit: Visit) -> Answer:
    """Enter an officer; the one-time password is shown this once."""
    context, admin = visit.context, visit.signed_in.officer
    roles = [role for role in OFFICER_ROLES if role in visit.form.get("role", [])]
    with context.db.transaction() as tx:
        id_ = visit.typed("id").strip()
        one_time = context.roster.add(
            tx, id_, visit.typed("name").strip(), roles, visit.typed("department").strip()
        )
        context.audit(tx, actor=admin.id, action="officer.added", subject=id_, roles=",".join(roles))
    return _page(visit, told=visit.say("people.one_time", id=id_, password=one_time))


def change(visit: Visit) -> Answer:
    """Another password, or in or out of work."""
    context, admin, id_ = visit.context, visit.signed_in.officer, visit.request.path_params["officer"]
    what = visit.request.path_params["what"]
    if what not in ("reset", "disable", "enable"):
        raise InputError("people.what", zh="没有这种操作。", en="There is no such act.")
    if id_ == admin.id and what == "disable":
        raise StateError(
            "people.self",
            zh="不能停用本人，请另一位管理员办理。",
            en="Nobody disables themselves; ask another administrator.",
        )
    told = ""
    with context.db.transaction() as tx:
        if what == "reset":
            one_time = context.roster.set_password(tx, id_, None)
            visit.sessions.end_all_of(tx, id_)
            told = visit.say("people.one_time", id=id_, password=one_time)
        else:
            context.roster.set_disabled(tx, id_, what == "disable")
            if what == "disable":
                visit.sessions.end_all_of(tx, id_)
        context.audit(tx, actor=admin.id, action=f"officer.{what}", subject=id_)
    return _page(visit, told=told)


def begin_leave(visit: Visit) -> Answer:
    """Let a colleague stand in, and hand over what the absent one has in hand."""
    context, by = visit.context, visit.signed_in.officer
    absent_id, stand_in_id = visit.typed("officer"), visit.typed("stand_in")
    with context.db.transaction() as tx:
        absent, stand_in = context.roster.get(tx, absent_id), context.roster.get(tx, stand_in_id)
        _require_mine(visit, absent.department)
        if absent.department != stand_in.department:
            raise StateError(
                "leave.department",
                zh=f"{stand_in.name} 与 {absent.name} 不在同一部门，不能代办。",
                en=f"{stand_in.name} is not of the department of {absent.name} and cannot stand in.",
            )
        leave.begin(
            tx,
            context.world,
            officer=absent.id,
            stand_in=stand_in.id,
            since=midnight_of(visit.typed("since").strip(), "leave.date"),
            until=midnight_of(visit.typed("until").strip(), "leave.date") + timedelta(days=1),
            reason=visit.typed("reason").strip(),
            set_by=by.id,
        )
        context.audit(tx, actor=by.id, action="leave.begun", subject=absent.id, stand_in=stand_in.id)
    handed, refused = _hand_over(visit, absent.id, stand_in.id) if visit.typed("hand_over") else (0, [])
    return _page(visit, told=visit.say("people.handed", count=handed), refused=refused)


def end_leave(visit: Visit) -> Answer:
    """The absent one is back, or somebody else stands in."""
    context, by = visit.context, visit.signed_in.officer
    with context.db.transaction() as tx:
        ended = leave.end(tx, context.world, visit.request.path_params["leave"])
        absent = context.roster.find(tx, ended.officer)
        _require_mine(visit, absent.department if absent is not None else "")
        context.audit(tx, actor=by.id, action="leave.ended", subject=ended.officer)
    return _page(visit)


def _hand_over(visit: Visit, absent: str, stand_in: str) -> tuple[int, list[str]]:
    """Assign to the stand-in what the absent one is handling; how many, and why others were not."""
    context, by = visit.context, visit.signed_in.officer
    with context.db.reading() as tx:
        query = sa.select(CASE.c.id, CASE.c.digest, CASE.c.data).where(
            CASE.c.holder == context.node, CASE.c.state == State.HANDLING
        )
        cases = [context.office.casebook.read(tx, row) for row in tx.execute(query).all()]
    handed, refused = 0, []
    for case in cases:
        if case.officers.handling != absent:
            continue
        values = {"officer": [stand_in], "department": [case.department] if case.department else []}
        refusal = perform_one_of_many(context, by.id, CaseId(case.id), "assign", values, VIA, case.version)
        if refusal is None:
            handed += 1
        else:
            refused.append(f"{case.id}: {refusal.text(visit.lang)}")
    return handed, refused


def _require_mine(visit: Visit, department: str) -> None:
    """A head of window arranges leave in that window; an administrator anywhere."""
    officer = visit.signed_in.officer
    if Role.ADMINISTRATOR in officer.roles or not officer.department or officer.department == department:
        return
    raise StateError(
        "leave.not_yours",
        zh=f"{officer.name} 只能安排本部门人员的代办。",
        en=f"{officer.name} may only arrange leave in their own department.",
    )


def _page(visit: Visit, *, told: str = "", refused: Any = ()) -> Answer:
    context, now = visit.context, visit.context.world.now()
    with context.db.reading() as tx:
        officers = context.roster.everyone(tx)
        leaves = leave.listed(tx)
    return visit.page(
        "people.html",
        officers=officers,
        names={one.id: one.name for one in officers},
        leaves=[one for one in leaves if one.ended_at is None and one.until > now],
        now=now,
        roles=OFFICER_ROLES,
        is_administrator=Role.ADMINISTRATOR in visit.signed_in.officer.roles,
        departments=sorted({one.department for one in officers if one.department}),
        told=told,
        refused=refused,
    )
