"""Where the fonts of documents lie, on Debian and on Windows, and which are taken: 宋体 first, as documents are set.

A font is used where its system keeps it; of it only the characters used go into a document.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Font:
    """``face`` is its name within the file: a collection holds several, and their order differs between releases."""

    file: str
    face: str


REGULAR = (
    Font("NotoSerifCJK-Regular.ttc", "Noto Serif CJK SC"),
    Font("NotoSansCJK-Regular.ttc", "Noto Sans CJK SC"),
    Font("simsun.ttc", "SimSun"),
    Font("msyh.ttc", "Microsoft YaHei"),
)
BOLD = (
    Font("NotoSerifCJK-Bold.ttc", "Noto Serif CJK SC"),
    Font("NotoSansCJK-Bold.ttc", "Noto Sans CJK SC"),
    Font("simhei.ttf", "SimHei"),
    Font("msyhbd.ttc", "Microsoft YaHei"),
)
RARE = (Font("simsunb.ttf", "SimSun-ExtB"),)
"""For characters that the first has no sign for: Windows keeps its extension B in a file of its own."""


def font_folders(around: Mapping[str, str]) -> tuple[Path, ...]:
    """The folders to look in, the system's own first. ``around`` is the environment, which on Windows says where."""
    fixed = (
        Path("/usr/share/fonts/opentype/noto"),
        Path("/usr/share/fonts/noto-cjk"),
        Path("/usr/share/fonts/google-noto-cjk"),
        Path("/usr/share/fonts/truetype/noto"),
    )
    inner = (("SystemRoot", "Fonts"), ("LOCALAPPDATA", "Microsoft/Windows/Fonts"))
    return (*fixed, *(Path(around[name]) / below for name, below in inner if around.get(name)))


FOLDERS = font_folders(os.environ)


def first_of(fonts: Sequence[Font], folders: Sequence[Path]) -> tuple[Path, str] | None:
    """The first of ``fonts`` that is there, as its file and the name of the face; None if there is none of them."""
    for font in fonts:
        for folder in folders:
            if (folder / font.file).is_file():
                return folder / font.file, font.face
    return None
