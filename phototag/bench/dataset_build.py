"""Make a set of aligned faces from a folder with a folder of photos for each person."""

from __future__ import annotations

import io
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from phototag.bench.dataset import Dataset, FaceFile, Skipped, save_dataset
from phototag.bench.evaluate_identification import Portrait, read_portraits
from phototag.bench.pipeline import Detect, MainFace, aligned_crop, face_of_portrait
from phototag.bench.splits import groups_of, independent, set_aside, split, tied
from phototag.core.types import Pixels, first_line
from phototag.errors import UnreadableImage, UsageError
from phototag.output import atomic

QUALITY = 95
"""Of the JPEG files."""


@dataclass(frozen=True, slots=True)
class Choices:
    """How a set is divided."""

    shares: dict[str, float]
    seed: int = 1
    least: int = 3
    """People with fewer independent photos become no class."""
    outsiders: int = 0
    """So many more people are set aside to test what becomes of strangers."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A face to be written."""

    person: str
    name: str
    """Of its file, without suffix."""
    crop: Pixels
    photo: str
    source: str
    photo_hash: NDArray[np.float32]
    faces: int
    quality: float


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What `dataset build` made."""

    dataset: Dataset
    skipped: tuple[Skipped, ...]

    def as_json(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {"folder": str(self.dataset.folder), **self.dataset.about}


def build_from_folders(
    path: Path,
    out: Path,
    detect: Detect | None,
    choices: Choices,
    *,
    on_start: Callable[[int], None] = lambda _: None,
    on_photo: Callable[[], None] = lambda: None,
) -> BuildReport:
    """Cut the main face of every photo; without `detect`, the photos are aligned crops already.

    Raises UsageError where there is nobody to be told apart, or `out` holds something already.
    """
    check_out(out, path)
    portraits = read_portraits(path)
    on_start(len(portraits))
    skipped: list[Skipped] = []
    kept = _without_copies(portraits, skipped)
    found: list[Cut] = []
    for portrait, key, data in kept:
        one = _cut(portrait, key, data, detect, skipped)
        found += [] if one is None else [one]
        on_photo()
    return write_set(out, found, skipped, choices, source=str(path))


def _without_copies(
    portraits: Iterable[Portrait], skipped: list[Skipped]
) -> Iterable[tuple[Portrait, str, bytes]]:
    """Each photo once, with its key and bytes: a second file with the same bytes is left out, and a
    photo that is filed under two people altogether."""
    from phototag.images.read import photo_key

    first: dict[str, Portrait] = {}
    people: dict[str, set[str]] = defaultdict(set)
    keys: list[tuple[Portrait, str]] = []
    for portrait in portraits:
        try:
            key = photo_key(portrait.path.read_bytes())
        except OSError as error:
            skipped.append(Skipped(str(portrait.path), "unreadable", error.strerror or str(error)))
            continue
        keys.append((portrait, key))
        people[key].add(portrait.person)
    for portrait, key in keys:
        if len(people[key]) > 1:
            names = " and ".join(sorted(people[key]))
            said = f"this photo is filed under {names}: which of them is it?"
            skipped.append(Skipped(str(portrait.path), "two-people", said))
        elif first.setdefault(key, portrait) is not portrait:
            said = f"the same file as {first[key].path}"
            skipped.append(Skipped(str(portrait.path), "copy", said))
        else:
            yield portrait, key, portrait.path.read_bytes()


def _cut(
    portrait: Portrait, key: str, data: bytes, detect: Detect | None, skipped: list[Skipped]
) -> Cut | None:
    from phototag.images.fingerprint import picture_hash
    from phototag.images.read import read

    path = str(portrait.path)
    try:
        if detect is None:
            face: MainFace | None = MainFace(aligned_crop(portrait.path), 1.0, 1)
        else:
            face = face_of_portrait(data, path, detect)
        whole = picture_hash(read(data, path, longest=256).pixels)
    except UnreadableImage as error:
        skipped.append(Skipped(path, "unreadable", error.message))
        return None
    if face is None:
        skipped.append(Skipped(path, "no-face", "no face was found in it"))
        return None
    return Cut(
        portrait.person, portrait.path.stem, face.crop, key, path, whole, face.faces, face.quality
    )


# ---- what both ways of building share


def check_out(out: Path, source: Path | None = None) -> None:
    """Raises UsageError unless `out` is free and does not lie in the source."""
    if source is not None and out.resolve().is_relative_to(source.resolve()):
        raise UsageError(
            f"{out} lies in {source}, whose faces it shall hold. Choose another --out."
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out}: there is something already. Remove it, or choose another folder.")


def write_set(
    out: Path, found: Sequence[Cut], skipped: list[Skipped], choices: Choices, *, source: str
) -> BuildReport:
    """Divide the faces, write them and their manifest. Raises UsageError, CannotWrite."""
    if not found:
        more = f" {len(skipped)} were skipped, the first: {skipped[0].message}." if skipped else ""
        raise UsageError(f"{source}: no face to make a set of.{more}")
    people = [one.person for one in found]
    groups = groups_of(len(found), _ties(found))
    counts = independent(people, groups)
    outside = set_aside(counts, choices.least, choices.outsiders, choices.seed)
    if len(counts) - len(outside) < 2:
        raise UsageError(_too_few(counts, choices))
    parts = _parts(found, groups, outside, choices, skipped)
    rows = _written(out, found, groups, parts)
    about = {
        "source": source,
        "seed": choices.seed,
        "shares": choices.shares,
        "least_photos": choices.least,
        "outside": sorted(outside),
    }
    return BuildReport(save_dataset(out, rows, skipped, about), tuple(skipped))


def _too_few(counts: dict[str, int], choices: Choices) -> str:
    told = first_line([f"{person} ({count})" for person, count in counts.items()], 5)
    return (
        f"To tell people apart takes two with {choices.least} photos each that are no copies of "
        f"one another (--min-photos), besides those set aside (--outsiders {choices.outsiders}). "
        f"There are: {told}."
    )


def _ties(found: Sequence[Cut]) -> list[tuple[int, int]]:
    """Faces that belong together: of one photo, or copies by what is seen of the face or of the
    photo."""
    from phototag.images.fingerprint import near_pairs, picture_hash

    same = tied([one.photo for one in found])
    same += near_pairs(np.stack([picture_hash(one.crop) for one in found]))
    same += near_pairs(np.stack([one.photo_hash for one in found]))
    return same


def _parts(
    found: Sequence[Cut],
    groups: Sequence[int],
    outside: dict[str, str],
    choices: Choices,
    skipped: list[Skipped],
) -> list[str]:
    """The part of each face; '' for a face of an outsider that shares a photo with somebody of
    another part, which is skipped."""
    inside = [i for i, one in enumerate(found) if one.person not in outside]
    parts = [outside.get(one.person, "") for one in found]
    drawn = split(
        [found[i].person for i in inside],
        [groups[i] for i in inside],
        choices.shares,
        choices.seed,
    )
    for i, part in zip(inside, drawn, strict=True):
        parts[i] = part
    sides = defaultdict(set)
    for group, part in zip(groups, parts, strict=True):
        sides[group].add(part)
    for i, one in enumerate(found):
        if one.person in outside and len(sides[groups[i]]) > 1:
            said = f"{one.person} is no class, and the photo shows people of another part"
            skipped.append(Skipped(one.source, "outside-photo", said))
            parts[i] = ""
    return parts


def _written(
    out: Path, found: Sequence[Cut], groups: Sequence[int], parts: Sequence[str]
) -> list[FaceFile]:
    rows = []
    folders = names_for(sorted({one.person for one in found}))
    for person, folder in folders.items():
        atomic.make_folder(out / folder)
        mine = [i for i, one in enumerate(found) if one.person == person and parts[i]]
        for i, name in zip(mine, _distinct([plain(found[i].name) for i in mine]), strict=True):
            data = as_jpeg(found[i].crop)
            file = f"{folder}/{name}.jpg"
            atomic.write(out / file, data, flush_folder=False)
            rows.append(_row(found[i], file, data, groups[i], parts[i]))
        atomic.flush(out / folder)
    numbers = {group: place for place, group in enumerate(sorted({r.group for r in rows}))}
    return [replace(row, group=numbers[row.group]) for row in rows]


def _row(face: Cut, file: str, data: bytes, group: int, part: str) -> FaceFile:
    return FaceFile(
        file=file,
        person=face.person,
        part=part,
        group=group,
        digest=atomic.digest(data),
        photo=face.photo,
        source=face.source,
        faces=face.faces,
        quality=face.quality,
    )


def as_jpeg(crop: Pixels) -> bytes:
    """A file of the aligned face, its colours at full resolution."""
    out = io.BytesIO()
    Image.fromarray(crop).save(out, "JPEG", quality=QUALITY, subsampling=0)
    return out.getvalue()


def names_for(people: Sequence[str]) -> dict[str, str]:
    """A folder name for each person, fit for every file system and each different from the others,
    whatever the case of its letters."""
    return dict(zip(people, _distinct([plain(person) for person in people]), strict=True))


def plain(text: str) -> str:
    """A file's name without what some file systems refuse."""
    kept = "".join(c if c.isprintable() else "_" for c in unicodedata.normalize("NFC", text))
    kept = re.sub(r'[<>:"/\\|?*]', "_", kept).strip(" .")[:80]
    reserved = re.fullmatch(r"(?i)con|prn|aux|nul|com\d|lpt\d", kept)
    return f"_{kept}" if reserved or not kept else kept


def _distinct(names: Sequence[str]) -> list[str]:
    """The same names, the second `a` as `a-2`."""
    seen: Counter[str] = Counter()
    taken = {name.casefold() for name in names}
    out = []
    for name in names:
        seen[name.casefold()] += 1
        made = name
        while seen[name.casefold()] > 1 and made.casefold() in taken:
            made = f"{name}-{seen[name.casefold()]}"
            seen[name.casefold()] += made.casefold() in taken
        taken.add(made.casefold())
        out.append(made)
    return out
