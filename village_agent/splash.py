"""The first thing on the screen, by escape sequences alone: painted before anything slow is imported."""

import atexit
import os
import sys
from collections.abc import Sequence

_CLEAR = "\x1b[2J\x1b[H"
WORDS = "联动 村级代办终端  Liandong village agent"
_CELLS = len(WORDS) + sum(char > "\u2e80" for char in WORDS)
_SCREENS = ("tui", "practice")
_WITH_VALUE = ("--data", "--lang", "--pin-file", "--operator", "--operator-name")


def is_at_terminal() -> bool:
    """Whether a person sits before this program."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def splash() -> None:
    """Paint one centred line in both languages, since the one that was chosen is not known yet."""
    if sys.platform == "win32":
        # Its console takes no escape sequences before it is told to, nor bytes that are not of its code page.
        sys.stdout.write(f"{WORDS}\n")
        sys.stdout.flush()
        return
    columns, rows = os.get_terminal_size(sys.stdout.fileno())
    left, top = max(1, (columns - _CELLS) // 2), max(1, rows // 2)
    os.write(sys.stdout.fileno(), f"{_CLEAR}\x1b[{top};{left}H{WORDS}".encode())


def hide_typing() -> None:
    """Keep a PIN that is typed before the door is there from being shown; it reaches the door all the same."""
    if sys.platform == "win32":
        # A Windows console shows nothing of what is typed ahead.
        return
    import termios

    stdin = sys.stdin.fileno()
    before = termios.tcgetattr(stdin)
    atexit.register(termios.tcsetattr, stdin, termios.TCSANOW, before)
    silent = [*before]
    silent[3] &= ~termios.ECHO
    termios.tcsetattr(stdin, termios.TCSANOW, silent)


def opens_screens(words: Sequence[str]) -> bool:
    """Whether these words of a command line open the screens: their verb does, or there is none."""
    rest = iter(words)
    for word in rest:
        if word in _WITH_VALUE:
            next(rest, None)
        elif word == "--help":
            return False
        elif not word.startswith("-"):
            return word in _SCREENS and "--help" not in rest
    return True
