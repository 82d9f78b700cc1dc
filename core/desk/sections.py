"""What a desk is made of: wings with their sections, the pages of each, and whose business they are.

The shared wing is the case itself; a tier adds wings of its own, each with its templates and words, and needs to know
nothing of the web framework.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.errors import Lang, StateError
from core.messages import Role
from core.store.officers import Officer
from core.workflow_names import role_names

if TYPE_CHECKING:
    from starlette.responses import Response

    from core.desk.visit import Visit

Handler = Callable[["Visit"], "Response"]
Words = Mapping[str, tuple[str, str]]
"""A key and its words in Chinese and English."""
EVERYBODY = frozenset[Role]()


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a form that brings files may bring: files, bytes in all, other fields."""

    files: int
    bytes: int
    fields: int


ONE_FILE = Bounds(files=1, bytes=4 << 20, fields=20)


@dataclass(frozen=True, slots=True)
class Page:
    """One address. ``public``: without signing in, and without files; ``roles`` of those who may open it, empty for those
    of its section.
    """

    path: str
    handler: Handler
    method: str = "GET"
    roles: frozenset[Role] = EVERYBODY
    public: bool = False
    bounds: Bounds = ONE_FILE


@dataclass(frozen=True, slots=True)
class Section:
    """Pages that belong together. ``key`` names it in the navigation, empty: it is not shown there; ``roles`` of those
    whose business it is, empty for everybody who may sign in.
    """

    key: str
    pages: tuple[Page, ...]
    roles: frozenset[Role] = EVERYBODY

    @property
    def address(self) -> str:
        """Where the navigation leads."""
        return self.pages[0].path

    def is_for(self, officer: Officer) -> bool:
        return _is_for(officer, self.roles)


@dataclass(frozen=True, slots=True)
class Wing:
    """Sections with their templates (the folder ``templates`` of ``package``) and words."""

    package: str
    sections: tuple[Section, ...]
    words: Words = field(default_factory=dict)


def require_role(officer: Officer, section: Section, page: Page, path: str) -> None:
    """Raises ``StateError`` (``desk.role``)."""
    for wanted in (section.roles, page.roles):
        if not _is_for(officer, wanted):
            raise StateError(
                "desk.role",
                zh=f"{officer.name} 的岗位是{_roles(officer, 'zh')}，这一页（{path[:60]}）由{role_names(wanted)}使用，"
                "没有打开。需要时请管理员调整岗位。",
                en=f"{officer.name} works as {_roles(officer, 'en')}; this page ({path[:60]}) is for "
                f"{role_names(wanted, 'en')} and was not opened. Ask the administrator for the role if you need it.",
            )


def _is_for(officer: Officer, roles: frozenset[Role]) -> bool:
    return not roles or not roles.isdisjoint(officer.roles)


def _roles(officer: Officer, lang: Lang) -> str:
    return role_names(officer.roles, lang)
