"""Invented people: names, numbers and telephones that belong to nobody."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from core.people import citizen_check

NO_COUNTY = "430999"
"""No county of Hunan has this code, so no living person has such a number."""

_SURNAMES = "王李张刘陈杨黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯董萧程曹袁邓许傅沈曾彭吕"
_GIVEN = "桂香国华德明志强秀英玉兰建军春梅立新小红海波丽萍文斌爱珍长生金莲冬生月娥光辉正清义和"


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    id_no: str
    born: date
    mobile: str


def invent(chance: Random, today: date, *, age_min: int = 22, age_max: int = 80) -> Person:
    """A person of an age between the two, whose number passes GB 11643."""
    born = today - timedelta(days=chance.randint(age_min * 366, age_max * 365))
    body = f"{NO_COUNTY}{born:%Y%m%d}{chance.randint(1, 999):03d}"
    mobile = f"1990000{chance.randint(0, 9999):04d}"
    return Person(invent_name(chance), body + citizen_check(body), born, mobile)


def invent_name(chance: Random) -> str:
    given = "".join(chance.choice(_GIVEN) for _ in range(chance.choice((1, 2, 2))))
    return chance.choice(_SURNAMES) + given
