"""The pages of parallel approval: projects, their cases side by side, started together, one meeting, one bill."""

from datetime import datetime

import sqlalchemy as sa

from city_node.projects.book import Projects
from city_node.projects.words import WORDS
from core import bodies
from core.case import Case
from core.clock import from_iso
from core.desk.acting import perform_one_of_many
from core.desk.facts import item_of
from core.desk.sections import Page, Section, Wing
from core.desk.visit import Answer, Visit
from core.identifiers import CaseId
from core.messages import CASE_ROLES, Role
from core.parallel import standing
from core.states import State

VIA = "project"


class ProjectPages:
    """Handlers that share one book of projects."""

    def __init__(self, projects: Projects) -> None:
        self._projects = projects

    def wing(self) -> Wing:
        """The section of the city's desk."""
        window = frozenset({Role.WINDOW})
        pages = (
            Page("/projects", self.list_page),
            Page("/projects", self.open, "POST", window),
            Page("/projects/{project}", self.project_page),
            Page("/projects/{project}/start", self.start, "POST", window),
            Page("/projects/{project}/meeting", self.meet, "POST", window | {Role.HANDLER, Role.DECIDER}),
        )
        return Wing("city_node.projects", (Section("nav.projects", pages, CASE_ROLES),), WORDS)

    def list_page(self, visit: Visit) -> Answer:
        with visit.context.db.reading() as tx:
            found = [(one, standing(*self._cases(tx, one.id))) for one in self._projects.listed(tx)]
        return visit.page("projects.html", projects=found, kinds=self._projects.kinds())

    def open(self, visit: Visit) -> Answer:
        context, officer = visit.context, visit.signed_in.officer
        with context.db.transaction() as tx:
            id_ = self._projects.open(tx, visit.typed("name"), visit.typed("kind"), officer.id)
            context.audit(tx, actor=officer.id, action="project.opened", subject=id_)
        return visit.go(f"/projects/{id_}")

    def project_page(self, visit: Visit) -> Answer:
        return self._page(visit)

    def start(self, visit: Visit) -> Answer:
        """Accept every application that waits, in one go; what cannot be accepted says why."""
        context, officer = visit.context, visit.signed_in.officer
        with context.db.reading() as tx:
            cases, _ = self._cases(tx, self._id(visit))
        refused = []
        for case in cases:
            if case.state is not State.SUBMITTED:
                continue
            refusal = perform_one_of_many(
                context, officer.id, CaseId(case.id), "accept", {}, VIA, case.version
            )
            if refusal is not None:
                refused.append(f"{case.id}: {refusal.text(visit.lang)}")
        return self._page(visit, refused=refused)

    def meet(self, visit: Visit) -> Answer:
        """Keep the minutes, and let every case of the project have them as a note."""
        context, officer = visit.context, visit.signed_in.officer
        with context.db.transaction() as tx:
            project = self._projects.get(tx, self._id(visit))
            minutes = visit.typed("minutes").strip()
            number = self._projects.add_meeting(tx, project.id, officer.id, visit.typed("attendees"), minutes)
            note = bodies.NoteAdded(
                f"联审会议纪要（第 {number} 次，{visit.typed('attendees').strip()[:100]}）：{minutes}"[:2000]
            )
            actor = officer.actor(next(role for role in officer.roles if role in CASE_ROLES))
            for case, _ in self._projects.cases(tx, project.id):
                context.office.casework.act(tx, CaseId(case.id), actor, note)
            context.audit(tx, actor=officer.id, action="project.met", subject=project.id, number=number)
        return visit.go(f"/projects/{project.id}")

    def _page(self, visit: Visit, refused: list[str] | None = None) -> Answer:
        context = visit.context
        with context.db.reading() as tx:
            project = self._projects.get(tx, self._id(visit))
            cases, due = self._cases(tx, project.id)
            meetings = self._projects.meetings(tx, project.id)
        shelf = context.office.shelf
        items = [
            item
            for item in shelf.catalogues.current(shelf.today).items
            if item.parallel_group == project.kind
        ]
        there = {case.item for case in cases}
        return visit.page(
            "project.html",
            project=project,
            standing=standing(cases, due),
            rows=[(case, item_of(context, case), instant) for case, instant in zip(cases, due, strict=True)],
            missing=[item for item in items if item.code not in there],
            meetings=meetings,
            can_start=any(case.state is State.SUBMITTED for case in cases),
            is_window=Role.WINDOW in visit.signed_in.officer.roles,
            refused=refused or [],
        )

    def _cases(self, tx: sa.Connection, id_: str) -> tuple[list[Case], list[datetime | None]]:
        pairs = self._projects.cases(tx, id_)
        return [case for case, _ in pairs], [from_iso(due) if due else None for _, due in pairs]

    def _id(self, visit: Visit) -> str:
        return str(visit.request.path_params["project"])
