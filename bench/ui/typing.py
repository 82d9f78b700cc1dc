"""Typing into the first field of an application."""

from bench.ui.pty_program import PtyProgram

ENTER, F2 = b"\r", b"\x1bOQ"
LETTERS = b"bcdefgijknopqrstuvwxyz"
"""Those that stand in no sequence that moves the cursor or sets a colour: what is written is looked through for them."""
FIELD_FULL = 20


def to_applicant(program: PtyProgram) -> None:
    """From home to the applicant of a new application."""
    program.press_ms(F2, "新建".encode())
    program.press_ms(b"lsjz", "临时救助".encode())
    program.press_ms(ENTER, b"1/4")
    program.rest()


def echo_ms(program: PtyProgram, at: int) -> float:
    """How long until the ``at``-th letter was painted; a field that is full is emptied after it."""
    letter = bytes([LETTERS[at % len(LETTERS)]])
    took = program.press_ms(letter, letter)
    if at % FIELD_FULL == FIELD_FULL - 1:
        program.write(b"\x7f" * FIELD_FULL)
        program.rest()
    return took
