"""The pages of the sheet: the day, a township, a village, a difference, possible duplicates, an envelope."""

import json
from dataclasses import asdict
from datetime import date
from typing import Any

import sqlalchemy as sa

from city_node.office import CityOffice
from city_node.sheet import acts, pairs
from city_node.sheet.acts import Desk, act_on, ask_line, find_difference, remedies_of, seen_of, settle_pair
from city_node.sheet.bookkeeper import day_of
from city_node.sheet.gather import gather, reports
from city_node.sheet.lines import days
from city_node.sheet.papers import envelope, envelopes_of
from city_node.sheet.shown import (
    case_table,
    causes_of,
    compared_table,
    dashed,
    difference_of,
    equations_of,
    figure_name,
    figure_value,
    lines_table,
    row_of,
    style_of,
    told_at,
)
from city_node.sheet.signing import changes_since, digest_of, figures_of, sign, signatures, signed_divisions
from city_node.sheet.steps import steps
from city_node.sheet.tables import DIFFERENCE
from city_node.sheet.view import DayView, Entry, sides_of, view_of
from city_node.sheet.words import WORDS
from core.desk.sections import Page, Section, Wing
from core.desk.visit import Answer, Visit
from core.errors import InputError
from core.identifiers import Tier, parent_of, parse_case_id, parse_division, tier_of
from core.messages import CASE_ROLES, Role
from core.sheet import REMEDIES, Cause, Remedy, Side, Verdict, Word
from sync.node import Node

LOOKERS = frozenset({Role.SUPERVISOR, Role.WINDOW_HEAD, Role.AUDITOR, Role.ADMINISTRATOR})
ACTORS = frozenset({Role.SUPERVISOR})
CASES_SHOWN = 500
DIFFERENCES_SHOWN = 500


class SheetPages:
    """Handlers that share one bookkeeper and the node."""

    def __init__(self, office: CityOffice, node: Node) -> None:
        self._office, self._node = office, node

    def wing(self) -> Wing:
        """The section of the city's desk. The addresses with fixed words come before those with a day."""
        pages = (
            Page("/sheet", self.day_page),
            Page("/sheet/pairs", self.pairs_page),
            Page("/sheet/pairs/{first}/{second}/{act}", self.settle_pair, "POST", CASE_ROLES),
            Page("/sheet/difference/{difference}", self.difference_page),
            Page("/sheet/difference/{difference}/do/{act}", self.act, "POST", ACTORS),
            Page("/sheet/{day}/{division}", self.line_page),
            Page("/sheet/{day}/{division}/sign", self.sign, "POST", ACTORS),
            Page("/sheet/{day}/{division}/resend", self.resend, "POST", ACTORS),
            Page("/envelope/{stream}/{seq}", self.envelope_page),
        )
        return Wing("city_node.sheet", (Section("nav.sheet", pages, LOOKERS),), WORDS)

    def day_page(self, visit: Visit) -> Answer:
        """The whole city on a day, its townships, and another day beside it if asked."""
        self._office.bookkeeper.catch_up(visit.context.db)
        today = self._today(visit)
        day = _day(visit.query("day")) or today
        other = _day(visit.query("with"))
        with visit.context.db.reading() as tx:
            view = view_of(tx, visit.context.world, self._office.casebook, day)
            beside = view_of(tx, visit.context.world, self._office.casebook, other) if other else None
            signed = signed_divisions(tx, day)
            signature = next(iter(signatures(tx, day, self._city)), None)
            known = days(tx)
            pairs_open = len(pairs.open_pairs(tx))
        whole = view.city(self._city)
        codes = [one for one in view.entries if tier_of(parse_division(one)) is Tier.TOWNSHIP]
        rows = [
            row_of(visit, view.entries[self._city], signed, day),
            *(row_of(visit, view.township(code), signed, day) for code in codes),
        ]
        rows[0]["name"] = visit.say("sheet.own_city")
        table = lines_table("sheet-day", visit, rows, row_of(visit, whole, signed, day) | {"link": None})
        tables = [table, compared_table(visit, view, beside, codes)] if beside else [table]
        if visit.query("format") == "xlsx":
            return visit.spreadsheet(*tables)
        return visit.page(
            "sheet_day.html",
            day=dashed(day),
            other=dashed(other) if other else "",
            days=[dashed(one) for one in known],
            today=dashed(today),
            whole=whole,
            badge=style_of(whole.verdict),
            causes=causes_of(visit, whole),
            troubles=asdict(view.troubles),
            table=table,
            compared=tables[1] if beside else None,
            pairs_open=pairs_open,
            take=f"?day={dashed(day)}&with={dashed(other) if other else ''}&format=xlsx",
            **self._signing(visit, day, whole, signature),
        )

    def line_page(self, visit: Visit) -> Answer:
        """A township with its villages, or one line with its cases."""
        day, division = self._scope(visit)
        self._office.bookkeeper.catch_up(visit.context.db)
        # A township's own line is reached by its own mark: the plain address is that of the township with its villages.
        is_township = tier_of(parse_division(division)) is Tier.TOWNSHIP and visit.query("own") != "1"
        return self._township(visit, day, division) if is_township else self._line(visit, day, division)

    def difference_page(self, visit: Visit) -> Answer:
        """One difference with all that happened to it."""
        with visit.context.db.reading() as tx:
            row = find_difference(tx, visit.request.path_params["difference"])
            history = steps(tx, row.id)
        words = json.loads(row.words)
        may_act = not ACTORS.isdisjoint(visit.signed_in.officer.roles)
        return visit.page(
            "sheet_difference.html",
            row=difference_of(visit, row),
            words=[
                (visit.say(f"side.{side}"), visit.say(f"word.{words[side]}"))
                for side in Side
                if side in words
            ],
            is_here=words.get(Side.CITY) == Word.HAS,
            history=history,
            remedies=remedies_of(row) if may_act else [],
            replace=row.division
            if row.status != "level" and Remedy.REPLACE in REMEDIES[Cause(row.cause)]
            else "",
            must={str(Remedy.ACCEPT), acts.UNDO},
            seen=seen_of(row),
            done=visit.query("done"),
        )

    def act(self, visit: Visit) -> Answer:
        """Do something about a difference; the form is sent once."""
        id_, name = visit.request.path_params["difference"], visit.request.path_params["act"]
        act_on(
            self._desk(visit), visit.signed_in.officer, id_, name, visit.typed("words"), visit.typed("seen")
        )
        return visit.go(f"/sheet/difference/{id_}?done={name}")

    def resend(self, visit: Visit) -> Answer:
        """Ask for everything of a line that differs."""
        day, division = self._scope(visit)
        ask_line(self._desk(visit), visit.signed_in.officer, day, division)
        own = "&own=1" if tier_of(parse_division(division)) is Tier.TOWNSHIP else ""
        return visit.go(f"/sheet/{day}/{division}?done=resend{own}")

    def sign(self, visit: Visit) -> Answer:
        """Sign for a day of the city, a township or a village."""
        day, division = self._scope(visit)
        context = visit.context
        self._office.bookkeeper.catch_up(context.db)
        with context.db.transaction() as tx:
            view = view_of(tx, context.world, self._office.casebook, day)
            sign(
                tx,
                context.world,
                context.audit,
                visit.signed_in.officer,
                day,
                self._entry(view, division),
                visit.typed("words"),
                visit.typed("seen"),
            )
        return visit.go(f"/sheet?day={dashed(day)}" if division == self._city else f"/sheet/{day}/{division}")

    def pairs_page(self, visit: Visit) -> Answer:
        """Possible duplicates across villages, and those said to be different."""
        self._office.bookkeeper.catch_up(visit.context.db)
        with visit.context.db.reading() as tx:
            open_ones = [self._pair(visit, tx, row) for row in pairs.open_pairs(tx)]
            different = [self._pair(visit, tx, row) for row in pairs.open_pairs(tx, "different")]
            same = [self._pair(visit, tx, row) for row in pairs.open_pairs(tx, "same", 50)]
        may_act = not CASE_ROLES.isdisjoint(visit.signed_in.officer.roles)
        return visit.page("sheet_pairs.html", open=open_ones, different=different, same=same, may_act=may_act)

    def settle_pair(self, visit: Visit) -> Answer:
        given = visit.request.path_params
        settle_pair(
            self._desk(visit),
            visit.context,
            visit.signed_in.officer,
            parse_case_id(given["first"]),
            parse_case_id(given["second"]),
            given["act"],
            visit.typed("words"),
            visit.typed("keep"),
        )
        return visit.go("/sheet/pairs")

    def envelope_page(self, visit: Visit) -> Answer:
        """One envelope and its receipts, verified now."""
        given = visit.request.path_params
        seq = (
            int(given["seq"])
            if given["seq"].isascii() and given["seq"].isdigit() and len(given["seq"]) < 16
            else 0
        )
        with visit.context.db.reading() as tx:
            self._node.refresh(tx)
            found = envelope(tx, self._node.keyring, given["stream"], seq)
        return visit.page("sheet_envelope.html", one=found, stream=found.stream.stream, key=given["stream"])

    @property
    def _city(self) -> str:
        return str(self._node.place.city)

    def _desk(self, visit: Visit) -> Desk:
        return Desk(self._office, visit.context.world, visit.context.audit, self._node)

    def _today(self, visit: Visit) -> str:
        return f"{day_of(visit.context.world.now()):%Y%m%d}"

    def _scope(self, visit: Visit) -> tuple[str, str]:
        """Raises ``InputError`` (``sheet.day``, ``sheet.division``)."""
        given = visit.request.path_params
        day, division = _day(given["day"]), str(parse_division(given["division"]))
        if not day or not division.startswith(self._city[:6]):
            raise InputError("sheet.division", zh="对账单里没有这一页。", en="The sheet has no such page.")
        return day, division

    def _entry(self, view: DayView, division: str) -> Entry:
        if division == self._city:
            return view.city(division)
        return (
            view.township(division)
            if tier_of(parse_division(division)) is Tier.TOWNSHIP
            else view.entries[division]
        )

    def _township(self, visit: Visit, day: str, division: str) -> Answer:
        with visit.context.db.reading() as tx:
            view = view_of(tx, visit.context.world, self._office.casebook, day, division[:9])
            signed = signed_divisions(tx, day)
            signature = next(iter(signatures(tx, day, division)), None)
        rows = [row_of(visit, one, signed, day, own=code == division) for code, one in view.entries.items()]
        for row in rows:
            row["name"] = (
                visit.say("sheet.own_town") if row["division"] == division else row["name"].rpartition("·")[2]
            )
        whole = view.township(division)
        table = lines_table("sheet-township", visit, rows, row_of(visit, whole, signed, day) | {"link": None})
        if visit.query("format") == "xlsx":
            return visit.spreadsheet(table)
        return visit.page(
            "sheet_township.html",
            day=dashed(day),
            division=division,
            whole=whole,
            badge=style_of(whole.verdict),
            causes=causes_of(visit, whole),
            table=table,
            **self._signing(visit, day, whole, signature),
        )

    def _line(self, visit: Visit, day: str, division: str) -> Answer:
        context = visit.context
        with context.db.reading() as tx:
            view = view_of(tx, context.world, self._office.casebook, day, division)
            whole = gather(tx, context.world, self._office.casebook, day, division)
            where = (DIFFERENCE.c.day == day) & (DIFFERENCE.c.division == division)
            query = (
                sa.select(DIFFERENCE)
                .where(where)
                .order_by(DIFFERENCE.c.status == "level", DIFFERENCE.c.first_at)
            )
            found = tx.execute(query.limit(DIFFERENCES_SHOWN)).all()
            low = f"{division}{day}"
            papers = envelopes_of(tx, low, f"{low}:")
            signature = next(iter(signatures(tx, day, division)), None)
            told = reports(
                tx, division, str(parent_of(parse_division(division))) if division != self._city else division
            )
        entry = view.entries[division]
        sides = sides_of(division)
        cases = [
            {
                "case": one.case,
                "words": [(str(side), str(one.words[side])) for side in sides],
                "state": str(whole.cases[one.case].state) if one.case in whole.cases else "",
                "envelopes": papers.get(one.case, [])[:12],
            }
            for one in whole.sightings[:CASES_SHOWN]
        ]
        if visit.query("format") == "xlsx":
            return visit.spreadsheet(case_table(visit, cases))
        may_act = not ACTORS.isdisjoint(visit.signed_in.officer.roles)
        return visit.page(
            "sheet_line.html",
            day=dashed(day),
            plain_day=day,
            division=division,
            entry=entry,
            badge=style_of(entry.verdict),
            above=f"/sheet?day={dashed(day)}"
            if division == self._city
            else f"/sheet/{day}/{_township_of(division)}",
            books=[
                {
                    "side": side,
                    "count": len(whole.claimed[side]) if side in whole.claimed else None,
                    "digest": entry.digests.get(side, ""),
                    "told": told_at(told, side, division),
                }
                for side in sides
            ],
            equations=equations_of(visit, entry),
            differences=[difference_of(visit, row) for row in found],
            can_resend=may_act and any(row.status in ("open", "asked") for row in found),
            cases=cases,
            sides=sides,
            left_out=max(0, len(whole.sightings) - CASES_SHOWN),
            done=visit.query("done"),
            **self._signing(visit, day, entry, signature),
        )

    def _signing(self, visit: Visit, day: str, entry: Entry, signature: sa.Row[Any] | None) -> dict[str, Any]:
        figures = figures_of(entry)
        changed = [] if signature is None else changes_since(signature, entry)
        return {
            "sign_at": f"/sheet/{day}/{entry.division}/sign",
            "may_sign": not ACTORS.isdisjoint(visit.signed_in.officer.roles),
            "signature": signature,
            "changed": [
                (figure_name(visit, name), figure_value(visit, name, old), figure_value(visit, name, new))
                for name, old, new in changed
            ],
            "seen": digest_of(figures),
            "needs_words": entry.verdict is not Verdict.LEVEL,
        }

    def _pair(self, visit: Visit, tx: sa.Connection, row: sa.Row[Any]) -> dict[str, Any]:
        shelf = self._office.shelf
        item = shelf.catalogues.versions[-1].items if shelf.version else ()
        named = next((one.title(visit.lang) for one in item if one.code == row.item), row.item)
        sides = [
            {"case": row.first, "origin": row.first_origin, "state": row.first_state, "at": row.first_at},
            {"case": row.second, "origin": row.second_origin, "state": row.second_state, "at": row.second_at},
        ]
        return {
            "first": row.first,
            "second": row.second,
            "item": named,
            "sides": sides,
            "history": steps(tx, pairs.key_of(row.first, row.second)),
        }


def _day(text: str) -> str:
    """``yyyymmdd`` of what stands in an address; empty for nothing. Raises ``InputError`` (``sheet.day``)."""
    digits = text.replace("-", "")
    if not digits:
        return ""
    try:
        if len(digits) != 8 or not (digits.isascii() and digits.isdigit()):
            raise ValueError(digits)
        return f"{date(int(digits[:4]), int(digits[4:6]), int(digits[6:])):%Y%m%d}"
    except ValueError as error:
        raise InputError(
            "sheet.day", zh="日期不对，请写作 2026-03-02。", en="This is no day; write 2026-03-02."
        ) from error


def _township_of(division: str) -> str:
    code = parse_division(division)
    return str(code if tier_of(code) is Tier.TOWNSHIP else parent_of(code))
