"""``village-agent``: the splash is on the screen before the program that it stands for is read from the disk."""

import gc
import sys

from village_agent.splash import hide_typing, opens_screens, splash


def main() -> None:
    """Paint, then hand over to the commands that open the screens; every other command has a program line of its own."""
    if sys.stdin.isatty() and sys.stdout.isatty() and opens_screens(sys.argv[1:]):
        hide_typing()
        splash()
        # What is read now stays until the end: looking through it for garbage would take a tenth of the start.
        gc.disable()
        from village_agent.screens_command import main as command_line
    else:
        from village_agent.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
