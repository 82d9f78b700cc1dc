"""The pages of supervision: the board, the list of cards, one card, consultations and complaints."""

import json
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa

from city_node.office import CityOffice
from city_node.supervision import board
from city_node.supervision.acts import act_on, answer_matter, find_card, open_acts, open_matter
from city_node.supervision.supervisor import Supervisor
from city_node.supervision.words import WORDS
from core.clock import CHINA
from core.desk.charts import Series, columns
from core.desk.facts import place_name
from core.desk.sections import Page, Section, Wing
from core.desk.table import Column, Kind, Table
from core.desk.visit import Answer, Visit
from core.identifiers import parse_case_id
from core.messages import CASE_ROLES, Role
from core.supervision import Card, Subject

AHEAD = timedelta(days=1)
PERIODS = ("month", "year", "all")
_FOR = CASE_ROLES | {Role.WINDOW_HEAD}


class SupervisionPages:
    """Handlers that share one supervisor."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor

    def wing(self) -> Wing:
        """The section of every desk at the city."""
        pages = (
            Page("/supervision", self.board_page),
            Page("/supervision/cards", self.cards_page),
            Page("/supervision/card/{card}", self.card_page),
            Page("/supervision/card/{card}/do/{act}", self.act, "POST"),
            Page("/supervision/matters", self.matters_page),
            Page("/supervision/matters", self.open_matter, "POST"),
            Page("/supervision/matters/{matter}", self.answer_matter, "POST"),
        )
        return Wing("city_node.supervision", (Section("nav.supervision", pages, _FOR),), WORDS)

    def board_page(self, visit: Visit) -> Answer:
        """What hangs now and what is about to, exact to the second of the visit."""
        now = visit.context.world.now()
        self._catch_up(visit)
        period = visit.query("period") if visit.query("period") in PERIODS else "year"
        since = _since(period, now)
        with visit.context.db.reading() as tx:
            counts = board.in_force(tx)
            soon = [_open_row(visit, tx, row) for row in board.about_to(tx, now, now + AHEAD)]
            worst = [
                _open_row(visit, tx, row) for card in board.LEVELS for row in board.hanging(tx, card, 10)
            ]
            months = board.by_month(tx, since)
            tables = [
                self._ranking(visit, tx, what, since) for what in ("department", "officer", "region", "node")
            ]
        if visit.query("format") == "xlsx":
            return visit.spreadsheet(*tables)
        chart = columns(
            visit.say("board.chart"),
            list(months),
            [
                Series(visit.say(f"card.{level}"), [one[level] for one in months.values()], str(level))
                for level in reversed(board.LEVELS)
            ],
        )
        return visit.page(
            "board.html",
            counts=counts,
            soon=soon,
            worst=worst[:20],
            chart=chart if months else "",
            tables=tables,
            period=period,
            periods=PERIODS,
        )

    def cards_page(self, visit: Visit) -> Answer:
        """Every card there ever was, filtered, newest first."""
        self._catch_up(visit)
        mine = visit.query("mine") == "1"
        wanted = board.Wanted(
            visit.query("card") if visit.query("card") in set(board.LEVELS) else "",
            visit.query("status") if visit.query("status") in board.STATUSES else "",
            visit.query("department"),
            visit.query("region") if visit.query("region").isdigit() else "",
            visit.signed_in.officer.id if mine else "",
            visit.query("after"),
        )
        with visit.context.db.reading() as tx:
            rows, after = board.cards(tx, wanted)
            departments = board.departments(tx)
            shown = [_card_row(visit, tx, row) for row in rows]
        chosen = {name: visit.query(name) for name in ("card", "status", "department", "region", "mine")}
        kept = {name: value for name, value in chosen.items() if value}
        return visit.page(
            "cards.html",
            rows=shown,
            chosen=chosen,
            levels=board.LEVELS,
            statuses=board.STATUSES,
            departments=departments,
            next="?" + urlencode(kept | {"after": after}) if after else "",
        )

    def card_page(self, visit: Visit) -> Answer:
        """One card with all that was said about it."""
        with visit.context.db.reading() as tx:
            card = find_card(tx, visit.request.path_params["card"])
            history = board.steps(tx, card.id)
            shown = _card_row(visit, tx, card)
            told = [_name(visit, tx, "officer", id_) for id_ in json.loads(card.told)]
        officer = visit.signed_in.officer
        return visit.page(
            "card.html",
            card=shown,
            told=told,
            history=history,
            acts=open_acts(officer, card),
            done=visit.query("done"),
        )

    def act(self, visit: Visit) -> Answer:
        """Say something about a card; the form is sent once."""
        context, card_id = visit.context, visit.request.path_params["card"]
        name = visit.request.path_params["act"]
        with context.db.transaction() as tx:
            act_on(
                tx,
                context.world,
                context.audit,
                visit.signed_in.officer,
                card_id,
                name,
                visit.typed("words"),
                visit.typed("status"),
            )
        return visit.go(f"/supervision/card/{card_id}?done={name}")

    def matters_page(self, visit: Visit) -> Answer:
        """Consultations and complaints: what waits for an answer, and a form for the next."""
        self._catch_up(visit)
        with visit.context.db.reading() as tx:
            rows = board.matters(tx)
        names = sorted({item.department.name for item in _items(visit)})
        return visit.page(
            "matters.html", rows=rows, departments=names, subjects=(Subject.CONSULT, Subject.COMPLAINT)
        )

    def open_matter(self, visit: Visit) -> Answer:
        context = visit.context
        about = visit.typed("case").strip()
        case_id = parse_case_id(about) if about else None
        with context.db.transaction() as tx:
            open_matter(
                tx,
                context.world,
                context.audit,
                visit.signed_in.officer,
                context.node,
                subject=visit.typed("subject"),
                person=visit.typed("person"),
                phone=visit.typed("phone"),
                words=visit.typed("words"),
                department=visit.typed("department"),
                case_id=case_id,
            )
        return visit.go("/supervision/matters")

    def answer_matter(self, visit: Visit) -> Answer:
        """The answer is recorded, and goes to the village that asked."""
        context, officer, matter = visit.context, visit.signed_in.officer, visit.request.path_params["matter"]
        office = context.office
        assert isinstance(office, CityOffice)
        with context.db.transaction() as tx:
            answer_matter(tx, context.world, context.audit, officer, matter, visit.typed("answer"))
            office.consultations.tell_answer(tx, officer, matter)
        return visit.go("/supervision/matters")

    def _catch_up(self, visit: Visit) -> None:
        """The board tells of this very second, not of the last sweep."""
        self._supervisor.catch_up(visit.context.db)

    def _ranking(self, visit: Visit, tx: sa.Connection, what: str, since: datetime) -> Table:
        rows = board.by(tx, what, since)
        for row in rows:
            row["key"] = row["who"]
            row["who"] = _name(visit, tx, what, row["who"])
        head = visit.house.words[f"board.by_{what}"]
        count = Kind.COUNT
        return Table(
            f"supervision-{what}",
            head[0],
            head[1],
            (
                Column("who", *head),
                Column("now", "当前在牌", "in force now", count),
                *(
                    Column(level, *visit.house.words[f"board.{level}"], count)
                    for level in ("warning", "yellow", "red")
                ),
                Column("withdrawn", "已撤牌", "withdrawn", count),
            ),
            rows,
        )


def _since(period: str, now: datetime) -> datetime:
    today = now.astimezone(CHINA)
    if period == "month":
        return today.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    if period == "year":
        return today.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
    return datetime(2000, 1, 1, tzinfo=CHINA)


def _name(visit: Visit, tx: sa.Connection, what: str, key: str) -> str:
    if what in ("region", "node"):
        return place_name(key, visit.lang) if key else "—"
    if what == "officer":
        officer = visit.context.roster.find(tx, key) if key else None
        return f"{officer.name}（{key}）" if officer else (key or visit.say("board.nobody"))
    return key or "—"


def _open_row(visit: Visit, tx: sa.Connection, row: sa.Row[Any]) -> dict[str, Any]:
    return {
        "key": row.key,
        "case": row.case_id,
        "subject": row.subject,
        "card": row.card or Card.NONE,
        "since": row.since,
        "look_at": row.look_at,
        "department": row.department or "—",
        "officer": _name(visit, tx, "officer", row.officer) if row.officer else "",
        "node": place_name(row.node, visit.lang) if row.node else "—",
    }


def _card_row(visit: Visit, tx: sa.Connection, row: sa.Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "card": row.card,
        "subject": row.subject,
        "case": row.case_id,
        "since": row.since,
        "issued_at": row.issued_at,
        "department": row.department or "—",
        "officer": _name(visit, tx, "officer", row.officer) if row.officer else "",
        "node": place_name(row.node, visit.lang),
        "status": row.status,
    }


def _items(visit: Visit) -> list[Any]:
    shelf = visit.context.office.shelf
    return list(shelf.catalogues.versions[-1].items) if shelf.version else []
