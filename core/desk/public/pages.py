"""The public pages: a form, where the case stands, and the rating. They set no session and hold no script."""

from functools import cache
from importlib import resources

from starlette.responses import Response

from core.bodies import CaseRated
from core.desk.public.claim import Claim, find_claimed, read_claim
from core.desk.public.doorkeeper import Doorkeeper, TooOften, visitor_address
from core.desk.public.standing import rater, rating_by, standing_of
from core.desk.public.words import WORDS
from core.desk.sections import Page, Section, Wing
from core.desk.visit import Visit, status_of
from core.errors import InputError, LiandongError, LocalError, StateError
from core.messages import Actor, Role

LEVELS = (1, 2, 3, 4, 5)
TEXT_CHARS_MAX = 300


class PublicPages:
    """Handlers that share one doorkeeper."""

    def __init__(self, doorkeeper: Doorkeeper) -> None:
        self._doorkeeper = doorkeeper

    def wing(self) -> Wing:
        """Under ``/public``, for everybody."""
        pages = (
            Page("/public", self.form_page, public=True),
            Page("/public", self.look_up, "POST", public=True),
            Page("/public/slip/{slip}", self.slip_page, public=True),
            Page("/public/rate", self.rate, "POST", public=True),
            Page("/public/style.css", style, public=True),
        )
        return Wing("core.desk.public", (Section("", pages),), WORDS)

    def form_page(self, visit: Visit) -> Response:
        return _form(visit, done=visit.query("done") == "rated")

    def look_up(self, visit: Visit) -> Response:
        """Sent by a form, so that neither number nor proof stands in an address."""
        return self._guarded(visit, visit.typed("number"), visit.typed("proof"))

    def slip_page(self, visit: Visit) -> Response:
        """The address that a QR code may hold."""
        return self._guarded(visit, visit.request.path_params["slip"], "")

    def rate(self, visit: Visit) -> Response:
        """Once a case and proof; the level becomes a message of the case and travels as all others do."""
        try:
            self._doorkeeper.admit(_address(visit))
            return self._rate(visit)
        except TooOften as error:
            return _limited(visit, error)
        except LocalError:
            raise
        except LiandongError as error:
            return _form(visit, status_of(error), refused=error.text(visit.lang))

    def _guarded(self, visit: Visit, number: str, proof: str) -> Response:
        try:
            self._doorkeeper.admit(_address(visit))
            claim = read_claim(number, proof)
            self._doorkeeper.admit_claim(claim)
            return self._answer(visit, claim)
        except TooOften as error:
            return _limited(visit, error)
        except LocalError:
            raise
        except LiandongError as error:
            return _form(visit, status_of(error), refused=error.text(visit.lang), number=number)

    def _answer(self, visit: Visit, claim: Claim) -> Response:
        context = visit.context
        with context.db.reading() as tx:
            case = find_claimed(tx, context.office.casebook, claim)
            if case is None:
                return visit.page("public_none.html", 404)
            signed = context.signed_for(tx, case.origin, case.steps[0].id)
        self._doorkeeper.was_right(claim)
        return visit.page(
            "public_case.html",
            standing=standing_of(context, case, claim.proof, signed, visit.lang),
            ticket=self._doorkeeper.ticket(claim),
            levels=LEVELS,
            text_max=TEXT_CHARS_MAX,
        )

    def _rate(self, visit: Visit) -> Response:
        context = visit.context
        case_id, proof = self._doorkeeper.redeem(visit.typed("ticket"))
        level, text = visit.typed("level"), visit.typed("text").replace("\r\n", "\n").strip()
        if level not in {str(one) for one in LEVELS} or len(text) > TEXT_CHARS_MAX:
            raise InputError(
                "public.rating",
                zh=f"请选择一个等级；想说的话不超过 {TEXT_CHARS_MAX} 字。没有提交。",
                en=f"Choose one of the levels, and say at most {TEXT_CHARS_MAX} characters; nothing was sent.",
            )
        with context.db.transaction() as tx:
            case = context.office.casebook.get(tx, case_id)
            if rating_by(case, proof):
                raise StateError(
                    "public.rated",
                    zh="这件事您已经评价过，本次没有提交。谢谢！",
                    en="You have rated this case before; nothing was sent. Thank you.",
                )
            if case.completed_at is None:
                raise StateError(
                    "public.not_done",
                    zh="办件还没有办结，办结后再请评价。",
                    en="The case is not completed yet; please rate it when it is.",
                )
            actor = Actor(rater(proof), "申请人", Role.APPLICANT)
            context.office.casework.act(tx, case_id, actor, CaseRated(int(level), text))
            context.audit(tx, actor=actor.officer, action="case.rated", subject=case_id, level=int(level))
        return visit.go("/public?done=rated")


def style(visit: Visit) -> Response:
    """The style of these pages alone: a phone on a thin line fetches a kilobyte, not the desk's."""
    headers = {"Cache-Control": "public, max-age=86400"}
    return visit.dress(Response(_style(), media_type="text/css; charset=utf-8", headers=headers))


@cache
def _style() -> bytes:
    return resources.files("core.desk.public").joinpath("static", "public.css").read_bytes()


def _form(
    visit: Visit, status: int = 200, *, refused: str = "", number: str = "", done: bool = False
) -> Response:
    return visit.page("public_form.html", status, refused=refused, number=number[:80], done=done)


def _limited(visit: Visit, error: TooOften) -> Response:
    answer = _form(visit, 429, refused=error.text(visit.lang))
    answer.headers["Retry-After"] = str(error.retry_after_s)
    return answer


def _address(visit: Visit) -> str:
    client = visit.request.client
    return visitor_address(
        client.host if client else "", visit.request.headers.get("x-forwarded-for", "")[:500]
    )
