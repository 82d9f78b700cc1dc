"""``village-agent``: the splash is on the screen before the program that it stands for is read from the disk."""

import gc
import sys
from io import TextIOWrapper

from village_agent.splash import hide_typing, is_at_terminal, opens_screens, splash


def main() -> None:
    """Paint, then hand over to the commands that open the screens; every other command has a program line of its own."""
    speak_utf8()
    if is_at_terminal() and opens_screens(sys.argv[1:]):
        hide_typing()
        splash()
        # What is read now stays until the end: looking through it for garbage would take a tenth of the start.
        gc.disable()
        from village_agent.screens_command import main as command_line
    else:
        from village_agent.cli import main as command_line

    command_line()


def speak_utf8() -> None:
    """What is written to a file or another program is UTF-8 on every machine, whatever its code page."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and not stream.isatty():
            stream.reconfigure(encoding="utf-8", errors=stream.errors)


if __name__ == "__main__":
    main()
