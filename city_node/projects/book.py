"""Which cases belong to which project, and what its joint meetings came to."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from core.case import Case
from core.clock import World, iso
from core.errors import InputError
from core.identifiers import new_id
from core.store.casebook import CASE
from core.store.engine import METADATA
from core.store.office import Office

PROJECT = sa.Table(
    "project",
    METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("kind", sa.String(100), nullable=False),
    sa.Column("opened_at", sa.String(24), nullable=False),
    sa.Column("opened_by", sa.String(32), nullable=False),
    comment="projects decided in parallel; kind is the catalogue's parallel group",
)
PROJECT_CASE = sa.Table(
    "project_case",
    METADATA,
    sa.Column("project_id", sa.String(32), primary_key=True),
    sa.Column("case_id", sa.String(26), primary_key=True),
    comment="the cases of a project, as their own first messages name it",
)
MEETING = sa.Table(
    "project_meeting",
    METADATA,
    sa.Column("project_id", sa.String(32), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("at", sa.String(24), nullable=False),
    sa.Column("officer", sa.String(32), nullable=False),
    sa.Column("attendees", sa.String(400), nullable=False),
    sa.Column("minutes", sa.Text, nullable=False),
    comment="joint meetings and their minutes",
)
NAME_MAX, ATTENDEES_MAX, MINUTES_MAX = 200, 400, 2000


@dataclass(frozen=True, slots=True)
class Project:
    id: str
    name: str
    kind: str
    opened_at: str
    opened_by: str


class Projects:
    """Keeps the projects of one city node."""

    def __init__(self, office: Office, world: World) -> None:
        self._office = office
        self._world = world
        office.casebook.watchers.append(self.enter)

    def enter(self, tx: sa.Connection, case: Case) -> None:
        """A case that names a project belongs to it."""
        if not case.project:
            return
        values = {"project_id": case.project[:32], "case_id": case.id}
        where = (PROJECT_CASE.c.project_id == values["project_id"]) & (PROJECT_CASE.c.case_id == case.id)
        if tx.scalar(sa.select(PROJECT_CASE.c.case_id).where(where)) is None:
            tx.execute(sa.insert(PROJECT_CASE).values(**values))

    def open(self, tx: sa.Connection, name: str, kind: str, officer: str) -> str:
        """Begin a project; returns its id. Raises ``InputError`` (``project.name``, ``project.kind``)."""
        if not 1 <= len(name.strip()) <= NAME_MAX:
            raise InputError(
                "project.name",
                zh=f"请填写项目名称（{NAME_MAX} 字内）。",
                en=f"Name the project ({NAME_MAX} characters).",
            )
        if kind not in self.kinds():
            raise InputError(
                "project.kind",
                zh="请选择目录中的并联审批类别。",
                en="Choose a kind of parallel approval of the catalogue.",
            )
        id_ = new_id(self._world)
        values = {
            "name": name.strip(),
            "kind": kind,
            "opened_at": iso(self._world.now()),
            "opened_by": officer,
        }
        tx.execute(sa.insert(PROJECT).values(id=id_, **values))
        return id_

    def kinds(self) -> list[str]:
        """The parallel groups of the catalogue in force."""
        shelf = self._office.shelf
        if not shelf.version:
            return []
        items = shelf.catalogues.current(shelf.today).items
        return sorted({item.parallel_group for item in items if item.parallel_group})

    def get(self, tx: sa.Connection, id_: str) -> Project:
        """Raises ``InputError`` (``project.unknown``)."""
        row = tx.execute(sa.select(PROJECT).where(PROJECT.c.id == id_)).one_or_none()
        if row is None:
            raise InputError("project.unknown", zh="没有这个项目。", en="There is no such project.")
        return Project(row.id, row.name, row.kind, row.opened_at, row.opened_by)

    def listed(self, tx: sa.Connection, limit: int = 200) -> list[Project]:
        """The newest first."""
        rows = tx.execute(
            sa.select(PROJECT).order_by(PROJECT.c.opened_at.desc(), PROJECT.c.id).limit(limit)
        ).all()
        return [Project(row.id, row.name, row.kind, row.opened_at, row.opened_by) for row in rows]

    def cases(self, tx: sa.Connection, id_: str) -> list[tuple[Case, str | None]]:
        """The cases of a project with their promised limits, in the order of their numbers."""
        query = (
            sa.select(CASE.c.id, CASE.c.digest, CASE.c.data, CASE.c.due_at)
            .join(PROJECT_CASE, PROJECT_CASE.c.case_id == CASE.c.id)
            .where(PROJECT_CASE.c.project_id == id_)
            .order_by(CASE.c.id)
        )
        return [(self._office.casebook.read(tx, row), row.due_at) for row in tx.execute(query).all()]

    def add_meeting(self, tx: sa.Connection, id_: str, officer: str, attendees: str, minutes: str) -> int:
        """Keep the minutes of a joint meeting; returns its number. Raises ``InputError`` (``project.minutes``)."""
        if not 1 <= len(minutes.strip()) <= MINUTES_MAX or not 1 <= len(attendees.strip()) <= ATTENDEES_MAX:
            raise InputError(
                "project.minutes",
                zh=f"请填写参加人（{ATTENDEES_MAX} 字内）和纪要（{MINUTES_MAX} 字内）。",
                en=f"Give who took part ({ATTENDEES_MAX} characters) and the minutes ({MINUTES_MAX}).",
            )
        last = tx.scalar(sa.select(sa.func.max(MEETING.c.number)).where(MEETING.c.project_id == id_)) or 0
        tx.execute(
            sa.insert(MEETING).values(
                project_id=id_,
                number=last + 1,
                at=iso(self._world.now()),
                officer=officer,
                attendees=attendees.strip(),
                minutes=minutes.strip(),
            )
        )
        return int(last) + 1

    def meetings(self, tx: sa.Connection, id_: str) -> list[sa.Row[Any]]:
        return list(
            tx.execute(sa.select(MEETING).where(MEETING.c.project_id == id_).order_by(MEETING.c.number)).all()
        )
