"""Look at a set of photos by person before anything is trained on it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phototag.bench.dataset import ABOUT, load_dataset
from phototag.bench.evaluate_identification import Portrait, read_portraits
from phototag.bench.pipeline import CROP, Detect, Embed, aligned_crop, face_of_portrait
from phototag.bench.splits import groups_of, tied
from phototag.core.matching import person_scores
from phototag.core.types import Pixels, Thresholds, Vectors
from phototag.errors import UnreadableImage, UsageError


@dataclass(frozen=True, slots=True)
class Look:
    """One file that could be read."""

    file: str
    """Relative to the folder."""
    person: str
    width: int
    """Of the upright photo, in pixels."""
    height: int
    brightness: float
    """Mean grey of the face (of the photo where none is found), 0..255."""
    sharpness: float
    """Of the face, see `core.quality.sharpness`; 0 where none is found."""
    has_face: bool


@dataclass(frozen=True, slots=True)
class Suspect:
    """A face that looks more like another person of the set than like its own."""

    file: str
    person: str
    own_score: float
    """Mean of the three best similarities to the person's other faces; -1 where there are none."""
    other: str
    other_score: float


@dataclass(frozen=True, slots=True)
class Exploration:
    """What `phototag dataset explore` says."""

    folder: Path
    files: tuple[Look, ...]
    people: dict[str, int]
    """Files of each person, the unreadable ones too."""
    unreadable: tuple[tuple[str, str], ...]
    """(file, reason)"""
    copies: tuple[tuple[str, ...], ...]
    """Files that show the same picture."""
    suspects: tuple[Suspect, ...]
    """The clearest first."""
    pictures: dict[str, bytes]
    """By file: WebP of the aligned face."""

    @property
    def faces(self) -> int:
        return sum(one.has_face for one in self.files)

    @property
    def without_face(self) -> tuple[str, ...]:
        return tuple(one.file for one in self.files if not one.has_face)

    @property
    def least(self) -> int:
        return min(self.people.values())

    @property
    def most(self) -> int:
        return max(self.people.values())

    @property
    def middle(self) -> float:
        return float(np.median(list(self.people.values())))

    def as_json(self) -> dict[str, Any]:
        """What `--json` prints and `exploration.json` holds."""
        return {
            "folder": str(self.folder),
            "people": self.people,
            "faces": self.faces,
            "spread": {
                name: spread([getattr(one, name) for one in self.files])
                for name in ("width", "height", "brightness", "sharpness")
            },
            "unreadable": [{"file": file, "reason": said} for file, said in self.unreadable],
            "no_face": list(self.without_face),
            "copies": [list(group) for group in self.copies],
            "suspects": [asdict(one) for one in self.suspects],
            "files": [asdict(one) for one in self.files],
        }


def spread(values: Sequence[float]) -> dict[str, float]:
    """Least, median and most; nothing of no values."""
    if not len(values):
        return {}
    low, middle, high = np.percentile(values, [0, 50, 100]).round(3).tolist()
    return {"least": low, "median": middle, "most": high}


def explore(
    folder: Path,
    embed: Embed,
    detect: Detect | None,
    *,
    thresholds: Thresholds | None = None,
    on_start: Callable[[int], None] = lambda _: None,
    on_photo: Callable[[], None] = lambda: None,
) -> Exploration:
    """Look at a dataset, or at a folder with a folder of photos for each person (their main faces
    are found by `detect`). A face is suspected of a wrong name where a scan by `thresholds` would
    at least suggest another: any lead without them.

    Raises UsageError where there is nothing to look at.
    """
    portraits, aligned = _portraits(folder)
    on_start(len(portraits))
    seen = _Seen(folder, None if aligned else detect)
    for portrait in portraits:
        seen.add(portrait)
        on_photo()
    people = Counter(portrait.person for portrait in portraits)
    if not seen.files:
        raise UsageError(f"{folder}: none of its {len(portraits)} files can be read.")
    return Exploration(
        folder=folder,
        files=tuple(seen.files),
        people={person: people[person] for person in sorted(people)},
        unreadable=tuple(seen.unreadable),
        copies=seen.copies(),
        suspects=seen.suspects(embed, thresholds),
        pictures=seen.pictures,
    )


def _portraits(folder: Path) -> tuple[list[Portrait], bool]:
    """The files with their people, and whether they are aligned faces."""
    if not (folder / ABOUT).is_file():
        return read_portraits(folder), False
    rows = load_dataset(folder).rows
    return [Portrait(folder / row.file, row.person) for row in rows], True


class _Seen:
    """What has been seen so far."""

    def __init__(self, folder: Path, detect: Detect | None) -> None:
        self.folder, self.detect = folder, detect
        self.files: list[Look] = []
        self.unreadable: list[tuple[str, str]] = []
        self.pictures: dict[str, bytes] = {}
        self._keys: list[str] = []
        self._hashes: list[NDArray[np.float32]] = []
        self._crops: list[Pixels | None] = []

    def add(self, portrait: Portrait) -> None:
        from phototag.images.read import as_webp

        file = portrait.path.relative_to(self.folder).as_posix()
        try:
            look, crop = self._look(portrait, file)
        except UnreadableImage as error:
            self.unreadable.append((file, error.message))
            return
        self.files.append(look)
        self._crops.append(crop)
        if crop is not None:
            self.pictures[file] = as_webp(crop, CROP)

    def _look(self, portrait: Portrait, file: str) -> tuple[Look, Pixels | None]:
        from phototag.core.quality import sharpness
        from phototag.images.fingerprint import picture_hash
        from phototag.images.read import photo_key, read

        try:
            data = portrait.path.read_bytes()
        except OSError as error:
            said = error.strerror or str(error)
            raise UnreadableImage(portrait.path, "unreadable-file", said) from error
        picture = read(data, file, longest=256)
        crop = self._crop(portrait.path, data)
        self._keys.append(photo_key(data))
        self._hashes.append(picture_hash(picture.pixels))
        grey = (picture.pixels if crop is None else crop) @ np.array((0.299, 0.587, 0.114))
        look = Look(
            file=file,
            person=portrait.person,
            width=picture.width,
            height=picture.height,
            brightness=round(float(grey.mean()), 1),
            sharpness=0.0 if crop is None else round(sharpness(crop), 4),
            has_face=crop is not None,
        )
        return look, crop

    def _crop(self, path: Path, data: bytes) -> Pixels | None:
        if self.detect is None:
            return aligned_crop(path)
        found = face_of_portrait(data, str(path), self.detect)
        return None if found is None else found.crop

    def groups(self) -> list[int]:
        """A number for each file, equal for copies."""
        from phototag.images.fingerprint import near_pairs

        same = tied(self._keys) + near_pairs(np.stack(self._hashes))
        return groups_of(len(self.files), same)

    def copies(self) -> tuple[tuple[str, ...], ...]:
        inside: dict[int, list[str]] = defaultdict(list)
        for group, look in zip(self.groups(), self.files, strict=True):
            inside[group].append(look.file)
        return tuple(tuple(files) for files in inside.values() if len(files) > 1)

    def suspects(self, embed: Embed, thresholds: Thresholds | None) -> tuple[Suspect, ...]:
        rows = [i for i, crop in enumerate(self._crops) if crop is not None]
        if not rows:
            return ()
        crops = [crop for crop in self._crops if crop is not None]
        parts = [embed(np.stack(crops[i : i + 64])) for i in range(0, len(crops), 64)]
        groups = self.groups()
        looks = [self.files[i] for i in rows]
        vectors = np.concatenate(parts)
        return mislabelled(looks, [groups[i] for i in rows], vectors, thresholds)


def mislabelled(
    looks: Sequence[Look],
    groups: Sequence[int],
    vectors: Vectors,
    thresholds: Thresholds | None = None,
) -> tuple[Suspect, ...]:
    """The faces that are more like somebody else, the clearest first: by `margin`, and at least at
    `suggest`. A face's copies, which would bear it out, are not counted as its person's faces."""
    least, margin = (thresholds.suggest, thresholds.margin) if thresholds else (-1.0, 1e-6)
    people = np.array([look.person for look in looks])
    names = sorted(set(people.tolist()))
    if len(names) < 2:
        return ()
    scores = np.stack([person_scores(vectors, vectors[people == name]) for name in names], axis=1)
    found = []
    for row, look in enumerate(looks):
        others = (people == look.person) & (np.array(groups) != groups[row])
        face = vectors[row : row + 1]
        own = float(person_scores(face, vectors[others])[0]) if others.any() else -1.0
        rest = np.where(np.array(names) == look.person, -np.inf, scores[row])
        best = int(rest.argmax())
        if others.any() and rest[best] >= max(least, own + margin):
            scored = round(own, 4), names[best], round(float(rest[best]), 4)
            found.append(Suspect(look.file, look.person, *scored))
    return tuple(sorted(found, key=lambda s: (s.own_score - s.other_score, s.file)))
