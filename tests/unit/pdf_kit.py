"""Reads a PDF back without the library that drew it: its text by the fonts' own tables, and which signs are drawn."""

import io
import re
import zlib
from dataclasses import dataclass

from fontTools.cffLib import CFFFontSet
from fontTools.pens.recordingPen import RecordingPen


@dataclass(frozen=True)
class Font:
    """``text`` by character code; ``drawn`` tells how many strokes each code's sign has."""

    text: dict[int, str]
    drawn: dict[int, int]
    embedded_bytes: int


def read_pdf(data: bytes) -> tuple[str, dict[str, Font]]:
    """The text line by line as it was drawn, and the fonts by name."""
    objects = {
        int(m[1]): m[2] for m in re.finditer(rb"(?<![0-9])(\d+) 0 obj\n(.*?)\nendobj", data, re.DOTALL)
    }
    fonts = {}
    for name, number in re.findall(rb"/(F\d+) (\d+) 0 R", data):
        fonts[name.decode()] = _font(objects, int(number))
    lines = []
    for body in objects.values():
        if b"/Contents" in body:
            number = re.search(rb"/Contents (\d+) 0 R", body)
            assert number
            lines += _lines(_stream(objects[int(number[1])]), fonts)
    return "\n".join(lines), fonts


def strokes(fonts: dict[str, Font], char: str) -> int:
    """How many strokes the sign of ``char`` is drawn with, 0 if it is blank or not there."""
    found = [
        font.drawn.get(code, 0) for font in fonts.values() for code, text in font.text.items() if text == char
    ]
    return max(found, default=0)


def _font(objects: dict[int, bytes], number: int) -> Font:
    body = objects[number]
    unicode = _stream(objects[_reference(body, b"ToUnicode")]).decode("latin-1")
    text = {
        int(code, 16): bytes.fromhex(value).decode("utf-16-be")
        for code, value in re.findall(r"^<([0-9A-Fa-f]+)> <([0-9A-Fa-f]+)>$", unicode, re.MULTILINE)
    }
    encoding = _stream(objects[_reference(body, b"Encoding")]).decode("latin-1")
    cids = {
        int(code, 16): int(cid)
        for code, cid in re.findall(r"^<([0-9A-Fa-f]+)> (\d+)$", encoding, re.MULTILINE)
    }
    below = _reference(body, b"DescendantFonts")
    descriptor = objects[_reference(objects[below], b"FontDescriptor")]
    file = _stream(objects[_reference(descriptor, b"FontFile3")])
    return Font(text, _drawn(file, cids), len(file))


def _drawn(file: bytes, cids: dict[int, int]) -> dict[int, int]:
    fonts = CFFFontSet()
    fonts.decompile(io.BytesIO(file), None)
    signs = fonts[0].CharStrings
    found = {}
    for code, cid in cids.items():
        name = f"cid{cid:05d}"
        if name in signs:
            pen = RecordingPen()
            signs[name].draw(pen)
            found[code] = len(pen.value)
    return found


def _lines(content: bytes, fonts: dict[str, Font]) -> list[str]:
    font, found = next(iter(fonts.values())), []
    for name, shown in re.findall(rb"/(F\d+) [0-9.]+ Tf|\(((?:\\.|[^\\()])*)\) Tj", content, re.DOTALL):
        if name:
            font = fonts[name.decode()]
            continue
        codes = re.sub(
            rb"\\(.)", lambda m: {b"n": b"\n", b"r": b"\r"}.get(m[1], m[1]), shown, flags=re.DOTALL
        )
        pairs = zip(codes[::2], codes[1::2], strict=True)
        found.append("".join(font.text.get(256 * high + low, "\ufffd") for high, low in pairs))
    return found


def _reference(body: bytes, key: bytes) -> int:
    found = re.search(rb"/" + key + rb" \[?(\d+) 0 R", body)
    assert found, f"no {key!r}"
    return int(found[1])


def _stream(body: bytes) -> bytes:
    head, _, rest = body.partition(b"stream\n")
    raw = rest.rpartition(b"\nendstream")[0]
    return zlib.decompress(raw) if b"FlateDecode" in head else raw
