"""The first thing on the screen, by escape sequences alone: painted before anything slow is imported."""

import os
import shutil
import sys

_CLEAR = "\x1b[2J\x1b[H"
_WORDS = {"zh": "联动 村级代办终端  正在打开…", "en": "Liandong village agent  opening..."}


def splash(lang: str) -> None:
    """Paint one centred line; nothing where the output is no terminal."""
    if not sys.stdout.isatty():
        return
    columns, rows = shutil.get_terminal_size()
    words = _WORDS[lang].replace("…", "")
    cells = len(words) * (2 if lang == "zh" else 1)
    left, top = max(1, (columns - cells) // 2), max(1, rows // 2)
    os.write(sys.stdout.fileno(), f"{_CLEAR}\x1b[{top};{left}H{words}".encode())
