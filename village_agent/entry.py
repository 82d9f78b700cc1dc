"""``village-agent``: the splash is on the screen before the program that it stands for is read from the disk."""

import sys

from village_agent.splash import opens_screens, splash


def main() -> None:
    """Paint, then hand over to the command line."""
    if sys.stdin.isatty() and sys.stdout.isatty() and opens_screens(sys.argv[1:]):
        splash()
    from village_agent.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
