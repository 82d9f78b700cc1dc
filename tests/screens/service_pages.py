"""The pages beside applications: results, handing over, rating, appointments, consultations, a returned case.

They are walked in a practice, whose mark and guide leave the least room.
"""

from datetime import timedelta
from pathlib import Path

from core.clock import World
from core.consultation import ConsultationAnswered, encode_consultation
from tests.screens.hand import Family, Hand
from village_agent.practice import open_practice
from village_agent.practice_cases import PRACTICE_CITY
from village_agent.session import Session
from village_agent.tui.app import DeskApp

QUESTION = "孩子在外地上学，居住证和医保怎么转，需要带哪些材料，什么时候能办好？"
ANSWER = "带户口簿和居住证到镇便民服务中心窗口，当场受理，五个工作日内办好，结果由村级代办点送达。"
LONG_NAME = "古丽巴哈尔·阿卜杜热合曼"


def _open(folder: Path, world: World, lang: str) -> DeskApp:
    desk = open_practice(folder, world)
    with desk.village.installation.db.transaction() as tx:
        book = desk.intake.appointments.book
        today = desk.intake.appointments.today
        for kind, days, time, name, words in (
            ("home", 0, "09:30", LONG_NAME, "腿脚不便，上门收件，带上高拍仪"),
            ("window", 1, "", "王练习", ""),
            ("window", 9, "15:00", "李试用", "补交复印件"),
        ):
            day = (today + timedelta(days=days)).isoformat()
            one = book(tx, desk.actor, kind=kind, day=day, time=time, person=name, words=words)
        desk.intake.appointments.finish(tx, one.id)
    _ask_and_answer(desk, world)
    return DeskApp(folder, world, lang, desk)


def _ask_and_answer(desk: Session, world: World) -> None:
    consultations, db = desk.intake.consultations, desk.village.installation.db
    with db.transaction() as tx:
        for person in ("王练习", LONG_NAME):
            asked = consultations.ask(
                tx, desk.actor, person=person, phone="13800000001", department="沅江市公安局", words=QUESTION
            )
        answered = ConsultationAnswered(asked.id, "刘答复", world.now(), ANSWER)
        consultations.take_answer(tx, PRACTICE_CITY, "", encode_consultation(answered))


async def _walk(hand: Hand) -> None:
    hand.see("home")
    await hand.press("5")
    hand.see("results")
    await hand.press("enter")
    hand.see("hand-over")
    await hand.paste("9999")
    await hand.press("f9")
    hand.see("hand-over-refused")
    await hand.press("escape", "escape", "6")
    hand.see("appointments")
    await hand.press("m")
    hand.see("appointment-move")
    await hand.press("escape", "n")
    hand.see("appointment-new")
    await hand.paste("930")
    await hand.press("f9")
    hand.see("appointment-refused")
    await hand.press("escape", "escape", "7")
    hand.see("consultations")
    await hand.press("enter")
    hand.see("consultation-answered")
    await hand.press("escape", "down", "enter")
    hand.see("consultation-waiting")
    await hand.press("escape", "n")
    hand.see("consultation-new")
    await hand.press("escape", "escape", "4", "enter")
    hand.see("case-returned")
    await hand.press("b")
    hand.see("supplement")
    await hand.press("f8")
    hand.see("supplement-materials")
    await hand.press("f9")
    hand.see("supplement-check")
    await hand.press("escape", "escape", "down", "enter", "r")
    hand.see("rate")
    await hand.press("3")
    hand.see("rated")


SERVICE = Family(_open, _walk)
