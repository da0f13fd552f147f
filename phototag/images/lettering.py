"""Names as pixels, in any script for which there is a font.

OpenCV 5 brings two typefaces with it: Rubik for Latin, Cyrillic and Hebrew, and WenQuanYi for
Chinese, Japanese, Korean and Greek. Scripts whose letters join or stack (Arabic, Devanagari, Thai)
are left to Pillow and a font of the system that has them.
"""

from __future__ import annotations

import functools
import os
import sys
import unicodedata
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont, features

from phototag.core.types import Pixels

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

WEIGHT = 500
"""Of Rubik: a little bolder than plain, since names stand small on a coloured ground."""

LINE = 1.5
"""Height of the picture of a name, and BASELINE where its letters stand, in font sizes."""
BASELINE = 1.08

MOST_FONTS = 100
"""Font files looked at before a script is given up: about 1 ms each, once."""

_PREFERRED = (
    "NotoSans-", "NotoSans[", "DejaVuSans.", "NotoSansArabic", "NotoSansDevanagari",
    "NotoSansThai", "NotoSans", "GeezaPro", "Geeza", "Arial Unicode", "segoeui", "Nirmala",
    "LeelawUI", "tahoma", "arial", "FreeSans", "Lohit",
)  # fmt: skip
_JOINING = ("AL",)
_LEFTWARD = {"R": True, "AL": True, "L": False, "EN": False, "AN": False}
_MARKS = ("Mn", "Mc", "Me")


def lettered(text: str, size: int, widest: int) -> Pixels:
    """[h, w] coverage 0..255 of `text` in letters of `size` px, cut with `…` to `widest` px.

    What cannot be shown (control characters, letters that no font has) becomes a space or a mark;
    nothing raises. All names of one size have one height and one baseline.
    """
    clean = " ".join("".join(c if c.isprintable() else " " for c in text).split()) or "?"
    picture = _picture(clean, size)
    kept = clean
    while picture.shape[1] > widest and len(kept) > 1:
        kept = kept[: min(len(kept) - 1, len(kept) * widest // picture.shape[1])]
        picture = _picture(kept.rstrip() + "…", size)
    return picture[:, :widest]


def in_reading_order(text: str) -> str:
    """The letters from left to right as they are seen: Hebrew and Arabic runs turned round.

    The part of Unicode's bidirectional algorithm that names need: no embeddings, numbers and
    foreign words inside keep their own direction.
    """
    directions = _directions(text)
    if not any(directions):
        return text
    runs: list[tuple[bool, str]] = []
    for letter, leftward in zip(text, directions, strict=True):
        if runs and runs[-1][0] == leftward:
            runs[-1] = (leftward, runs[-1][1] + letter)
        else:
            runs.append((leftward, letter))
    if directions[0]:
        runs.reverse()
    return "".join(_turned(run) if leftward else run for leftward, run in runs)


def _directions(text: str) -> list[bool]:
    """For each letter, whether it belongs to a run that is read from right to left."""
    strong = [_LEFTWARD.get(unicodedata.bidirectional(letter)) for letter in text]
    base = next((way for way in strong if way is not None), False)
    before: list[bool] = []
    for way in strong:
        before.append(way if way is not None else before[-1] if before else base)
    after: list[bool] = []
    for way in reversed(strong):
        after.append(way if way is not None else after[-1] if after else base)
    after.reverse()
    return [one if one == other else base for one, other in zip(before, after, strict=True)]


def _turned(run: str) -> str:
    """A run from right to left, accents still behind their letters and brackets mirrored."""
    letters: list[str] = []
    for letter in run:
        if letters and unicodedata.category(letter) in _MARKS:
            letters[-1] += letter
        else:
            letters.append(letter)
    return "".join(reversed(letters)).translate(str.maketrans("()[]{}<>", ")(][}{><"))


def _picture(text: str, size: int) -> Pixels:
    face = _face()
    if face and _is_simple(text) and all(_opencv_has(face, letter) for letter in set(text)):
        return _with_opencv(face, in_reading_order(text), size)
    font = _system_font("".join(sorted(set(text))))
    if font is not None:
        return _with_pillow(text, ImageFont.truetype(font, size), size)
    if face is not None:
        return _with_opencv(face, in_reading_order(text), size)
    return _with_pillow(text, ImageFont.load_default(size), size)


def _is_simple(text: str) -> bool:
    """Whether each letter looks the same whatever stands beside it."""
    return not any(
        unicodedata.bidirectional(letter) in _JOINING or unicodedata.category(letter) in _MARKS
        for letter in text
    )


def _with_opencv(face: cv2.FontFace, text: str, size: int) -> Pixels:
    left, _, wide, _ = cv2.getTextSize((10_000, 100), text, (0, 50), face, size, WEIGHT)
    canvas = np.zeros((round(LINE * size), int(left) + int(wide) + 3, 3), np.uint8)
    white = (255, 255, 255)
    cv2.putText(canvas, text, (1, round(BASELINE * size)), white, face, size, WEIGHT)
    return canvas[:, :, 1]


@functools.lru_cache(maxsize=1)
def _face() -> cv2.FontFace | None:
    """OpenCV's typeface; None before OpenCV 5."""
    return cv2.FontFace("sans") if hasattr(cv2, "FontFace") else None


@functools.lru_cache(maxsize=4096)
def _opencv_has(face: cv2.FontFace, letter: str) -> bool:
    """Whether OpenCV draws the letter and not the question mark that it has for unknown ones."""
    if letter.isspace() or letter == "?":
        return True
    shown, unknown = (_with_opencv(face, one, 20) for one in (letter, "?"))
    return shown.shape != unknown.shape or not np.array_equal(shown, unknown)


def _with_pillow(text: str, font: Font, size: int) -> Pixels:
    joins = features.check("raqm")  # then Pillow puts it into reading order itself
    text = text if joins else in_reading_order(text)
    left, _, right, _ = font.getbbox(text)
    canvas = Image.new("L", (max(1, round(right - left) + 2), round(LINE * size)))
    anchor = "ls" if isinstance(font, ImageFont.FreeTypeFont) else None
    place = (1 - left, BASELINE * size if anchor else 1)
    ImageDraw.Draw(canvas).text(place, text, fill=255, font=font, anchor=anchor)
    return np.asarray(canvas)


@functools.lru_cache(maxsize=256)
def _system_font(letters: str) -> str | None:
    """The file of the first font of the system that has all of `letters`."""
    return next((file for file in _font_files() if _has_all(file, letters)), None)


def _has_all(file: str, letters: str) -> bool:
    font, unknown = _opened(file)
    return font is not None and all(
        letter.isspace() or bytes(font.getmask(letter)) != unknown for letter in letters
    )


@functools.lru_cache(maxsize=MOST_FONTS)
def _opened(file: str) -> tuple[ImageFont.FreeTypeFont | None, bytes]:
    """The font and what it draws for a letter that it does not have; (None, b"") if broken."""
    try:
        font = ImageFont.truetype(file, 20)
        return font, bytes(font.getmask("\U0010fffe"))
    except (OSError, ValueError):
        return None, b""


@functools.lru_cache(maxsize=1)
def _font_files() -> list[str]:
    """The system's font files, those of wide coverage first."""
    files = sorted(
        str(file)
        for folder in _font_folders()
        for ending in ("ttf", "ttc", "otf")
        for file in folder.rglob(f"*.{ending}")
    )
    return sorted(files, key=lambda file: _rank(Path(file).name))[:MOST_FONTS]


def _rank(name: str) -> int:
    ranks = (rank for rank, start in enumerate(_PREFERRED) if name.startswith(start))
    return next(ranks, len(_PREFERRED))


def _font_folders() -> list[Path]:
    home = Path.home()
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    if sys.platform == "win32":
        return [Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts"]
    return [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), home / ".local/share/fonts"]
