"""Work on a draft: see it, edit an item, bring a spreadsheet, hand in, publish by another officer."""

from urllib.parse import quote

import sqlalchemy as sa

from city_node.app import City
from city_node.catalogue import calendar_sheets, drafting, item_sheets
from city_node.catalogue.differences import Difference, calendar_differences, catalogue_differences
from city_node.catalogue.drafting import Draft
from city_node.catalogue.editing import SIMPLE, edit_item
from city_node.catalogue.sheetbook import FAULTS_MAX, Fault
from city_node.publishing import check, publish_in
from core.calendar import WorkCalendar
from core.catalogue import Catalogue
from core.desk.visit import Answer, Visit, status_of
from core.errors import InputError, LiandongError, LocalError

ACTS = ("hand_in", "send_back", "confirm", "drop")


class DraftPages:
    """Handlers over one city's office."""

    def __init__(self, app: City) -> None:
        self._app = app

    def open(self, visit: Visit) -> Answer:
        """The next version, to be worked on."""
        context, kind = visit.context, _kind(visit)
        with context.db.transaction() as tx:
            context.office.refresh(tx)
            draft = drafting.open_draft(
                tx, context.office.shelf, context.world, visit.signed_in.officer, kind
            )
            self._audit(visit, tx, draft, "opened")
        return visit.go(f"/catalogue/draft/{kind}")

    def show(self, visit: Visit) -> Answer:
        return self._page(visit, done=visit.query("done"))

    def take_along(self, visit: Visit) -> Answer:
        """The draft as sheets."""
        with visit.context.db.reading() as tx:
            content = drafting.get(tx, _kind(visit)).content
        if isinstance(content, Catalogue):
            return visit.spreadsheet(*item_sheets.tables_of(content))
        return visit.spreadsheet(*calendar_sheets.tables_of(content))

    def bring(self, visit: Visit) -> Answer:
        """Take the sheets as the draft, whole or not at all."""
        context, data = visit.context, visit.file("file")
        if not data:
            raise InputError(
                "draft.no_file", zh="请选择要导入的 xlsx 文件。", en="Choose the xlsx file to import."
            )
        with context.db.reading() as tx:
            draft = drafting.at_revision(drafting.get(tx, _kind(visit)), visit.typed("seen"))
        content: Catalogue | WorkCalendar | None
        try:
            if isinstance(draft.content, Catalogue):
                content, faults = item_sheets.read_catalogue(data, draft.content)
            else:
                content, faults = calendar_sheets.read_calendar(data, draft.content)
            if content is None:
                return self._page(visit, 400, faults=faults)
            check(self._app, draft.kind, drafting.encoded(content))
        except InputError as error:
            return self._page(visit, status_of(error), refused=error.text(visit.lang))
        count = len(_differences(draft.content, content))
        with context.db.transaction() as tx:
            officer, words = visit.signed_in.officer, f"{len(data)} bytes, {count} differences"
            drafting.change(tx, context.world, officer, draft, content, "imported", words)
            self._audit(visit, tx, draft, "imported")
        return visit.go(f"/catalogue/draft/{draft.kind}?done=imported")

    def save_head(self, visit: Visit) -> Answer:
        """Title and effective date of a catalogue."""
        with visit.context.db.reading() as tx:
            draft = drafting.at_revision(drafting.get(tx, _kind(visit)), visit.typed("seen"))
        content = _catalogue(draft)
        made = drafting.set_head(content, visit.typed("title"), visit.typed("effective_from"))
        self._change(visit, draft, made, f"{made.title} {made.effective_from}")
        return visit.go(f"/catalogue/draft/{draft.kind}?done=saved")

    def item_page(self, visit: Visit) -> Answer:
        return self._item(visit)

    def save_item(self, visit: Visit) -> Answer:
        """Keep an item's simple values; where they are refused, the form comes back with what was typed."""
        code = visit.request.path_params["code"]
        typed = {simple.key: visit.typed(simple.key) for simple in SIMPLE}
        try:
            with visit.context.db.reading() as tx:
                draft = drafting.at_revision(drafting.get(tx, _kind(visit)), visit.typed("seen"))
            made = edit_item(_catalogue(draft), code, typed)
            self._change(visit, draft, made, f"{code} {made.item(code).name}")
        except LocalError:
            raise
        except LiandongError as error:
            return self._item(visit, status_of(error), refused=error.text(visit.lang), typed=typed)
        return visit.go(f"/catalogue/draft/{draft.kind}?done=saved#{quote(code)}")

    def act(self, visit: Visit) -> Answer:
        """Hand in, send back, publish or drop."""
        context, officer = visit.context, visit.signed_in.officer
        act = visit.request.path_params["act"]
        if act not in ACTS:
            raise InputError("draft.act", zh="没有这种操作。", en="There is no such act.")
        with context.db.transaction() as tx:
            context.office.refresh(tx)
            draft = drafting.at_revision(drafting.get(tx, _kind(visit)), visit.typed("seen"))
            match act:
                case "hand_in":
                    check(self._app, draft.kind, draft.data)
                    drafting.hand_in(tx, context.world, officer, draft)
                case "send_back":
                    drafting.send_back(tx, context.world, officer, draft, visit.typed("words"))
                case "drop":
                    drafting.close(tx, context.world, officer, draft, "dropped")
                case _:
                    drafting.require_confirmer(officer, draft)
                    drafting.close(tx, context.world, officer, draft, "published")
                    publish_in(tx, self._app, draft.kind, draft.data, officer.id)
            self._audit(visit, tx, draft, act)
        if act == "confirm":
            return visit.go(f"/catalogue?published={draft.version}")
        return visit.go("/catalogue?dropped=1" if act == "drop" else f"/catalogue/draft/{draft.kind}")

    def _page(
        self,
        visit: Visit,
        status: int = 200,
        *,
        done: str = "",
        refused: str = "",
        faults: list[Fault] | None = None,
    ) -> Answer:
        context, officer = visit.context, visit.signed_in.officer
        with context.db.reading() as tx:
            draft = drafting.get(tx, _kind(visit))
            history = drafting.history(tx, draft.kind, 50)
        found = faults or []
        return visit.page(
            "draft.html",
            status,
            draft=draft,
            seen=f"{draft.id}.{draft.revision}",
            is_open=draft.status == drafting.OPEN,
            may_confirm=officer.id not in draft.authors,
            differences=_differences(drafting.newest(context.office.shelf, draft.kind), draft.content),
            history=[step for step in history if step.draft_id == draft.id],
            done=done if done in ("saved", "imported") else "",
            refused=refused,
            faults=[fault.facts(visit.lang) for fault in found[:FAULTS_MAX]],
            faults_count=len(found),
            faults_max=FAULTS_MAX,
        )

    def _item(
        self, visit: Visit, status: int = 200, *, refused: str = "", typed: dict[str, str] | None = None
    ) -> Answer:
        with visit.context.db.reading() as tx:
            draft = drafting.get(tx, _kind(visit))
        item = _catalogue(draft).item(visit.request.path_params["code"])
        values = typed or {simple.key: simple.shown(item) for simple in SIMPLE}
        return visit.page(
            "draft_item.html",
            status,
            draft=draft,
            # After a refusal the form goes on from what the officer saw, so that nothing of another is written over.
            seen=visit.typed("seen") or f"{draft.id}.{draft.revision}",
            item=item,
            simple=SIMPLE,
            values=values,
            refused=refused,
        )

    def _change(self, visit: Visit, draft: Draft, made: Catalogue, words: str) -> None:
        with visit.context.db.transaction() as tx:
            drafting.change(tx, visit.context.world, visit.signed_in.officer, draft, made, "edited", words)
            self._audit(visit, tx, draft, "edited")

    def _audit(self, visit: Visit, tx: sa.Connection, draft: Draft, what: str) -> None:
        officer = visit.signed_in.officer
        visit.context.audit(
            tx, actor=officer.id, action=f"{draft.kind}.draft_{what}", subject=str(draft.version)
        )


def _differences(before: Catalogue | WorkCalendar, after: Catalogue | WorkCalendar) -> list[Difference]:
    if isinstance(before, Catalogue) and isinstance(after, Catalogue):
        return catalogue_differences(before, after)
    assert isinstance(before, WorkCalendar) and isinstance(after, WorkCalendar)
    return calendar_differences(before, after)


def _catalogue(draft: Draft) -> Catalogue:
    if not isinstance(draft.content, Catalogue):
        raise InputError(
            "draft.sheets_only",
            zh="日历请导出表格修改后再导入。",
            en="The calendar is edited in its spreadsheet: export, edit, import.",
        )
    return draft.content


def _kind(visit: Visit) -> str:
    return drafting.check_kind(visit.request.path_params["kind"])
