"""Why the city may refuse an enrolment, each in its own words, known to both sides beforehand."""

from core.errors import LiandongError, PeerError, StateError

_WORDS: dict[str, tuple[str, str]] = {
    "enrolment.unknown_code": (
        "市级没有这个注册码。请核对前五个字符；若无误，请向市级管理员重新索取。",
        "The city knows no such code. Check its first five characters; if they are right, ask the city's "
        "administrator for another.",
    ),
    "enrolment.wrong_code": (
        "注册码不正确，请对照重新输入。连续输错十次，该注册码作废。",
        "The code is wrong; please type it again. After ten wrong tries it is void.",
    ),
    "enrolment.void_code": (
        "该注册码因多次输错已作废，请向市级管理员重新索取。",
        "This code is void after too many wrong tries; ask the city's administrator for another.",
    ),
    "enrolment.expired_code": (
        "该注册码已过期，请向市级管理员重新索取。",
        "This code has expired; ask the city's administrator for another.",
    ),
    "enrolment.other_node": (
        "该注册码是发给另一个节点的，请核对本节点编号，或向市级管理员索取本节点的注册码。",
        "This code was made for another node. Check this node's number, or ask the city's administrator for "
        "a code for this node.",
    ),
    "enrolment.used_code": (
        "该注册码已被使用。若不是本节点所用，请立即报告市级管理员；否则请重新索取。",
        "This code has been used already. If it was not by this node, tell the city's administrator at "
        "once; otherwise ask for another.",
    ),
    "enrolment.bad_request": (
        "市级不能采用本节点的注册申请。请核对软件版本，再重新注册。",
        "The city cannot use this node's application. Check the software version and enrol again.",
    ),
}


def refusal(code: str) -> LiandongError:
    """The refusal with this code; one that this software does not know reads as a bad request."""
    known = code if code in _WORDS else "enrolment.bad_request"
    zh, en = _WORDS[known]
    kind = PeerError if known in ("enrolment.wrong_code", "enrolment.bad_request") else StateError
    return kind(known, zh=zh, en=en)
