"""A small album for tests of the contact sheet: values in memory, and pictures that we paint."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image, ImageDraw

from phototag.core.types import Box
from phototag.output.sheet import (
    SheetCluster,
    SheetCommand,
    SheetContent,
    SheetFace,
    SheetGuess,
    SheetMark,
    SheetMonth,
    SheetPerson,
    SheetPhoto,
    link_to,
)

AWKWARD = [
    "<script>document.title='run'</script>",
    'O\'Brien "Bob" & Söhne',
    "محمد بن علي",
    "</script><img src=x onerror=document.title='run'>",
    "javascript:document.title='run'",
    "{{ 7*7 }} ${7*7} \\",
]
"""Names of people and files that a careless page would run, or break on."""


@dataclass
class Album:
    """Photos (in any order) and people by id; the rest follows from the photos' marks."""

    folder: Path
    photos: list[SheetPhoto] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """What the sheet asked for, in order."""

    def add(self, name: str, taken: str | None, *who: str, status: str = "named") -> SheetPhoto:
        """A photo of people and clusters, by id; anything else is a face of nobody."""
        number = len(self.photos) + 1
        marks = tuple(
            SheetMark(
                face=f"face-{number * 10 + at}",
                box=Box(0.1 + 0.3 * at, 0.2, 0.2, 0.4),
                status=self._status(id, status),  # type: ignore[arg-type]
                name=self.names.get(id),
                target=id if id in self.names or id.startswith("cluster-") else None,
                similarity=0.61 if status in ("recognised", "suggested") else None,
            )
            for at, id in enumerate(who)
        )
        key = f"{number:032x}"
        photo = SheetPhoto(
            key=key,
            name=name,
            width=900,
            height=600,
            taken=taken,
            thumb=f"thumbs/{key}.webp",
            annotated=f"thumbnails/{key}.webp",
            original=link_to(self.folder / "photos" / name),
            marks=marks,
        )
        self.photos.append(photo)
        return photo

    def _status(self, id: str, status: str) -> str:
        return status if id in self.names else "unknown"

    def content(self, stamps: bool = False, **values: object) -> SheetContent:
        ids = {m.target for p in self.photos for m in p.marks if m.target}
        months: dict[str, int] = {}
        for photo in self.photos:
            month = (photo.taken or "")[:7]
            months[month] = months.get(month, 0) + 1
        content = SheetContent(
            people=[self._person(id) for id in self.names if id in ids],
            clusters=[self._cluster(id) for id in sorted(ids - set(self.names))],
            months=[SheetMonth(month, count) for month, count in months.items()],
            photos_in=self._photos_in,
            faces_of=self._faces_of,
            suggested_for=self._suggested_for,
            stamp=self._stamp if stamps else None,
        )
        return replace(content, **values)  # type: ignore[arg-type]

    def paint(self) -> Album:
        """Make the pictures that the pages show."""
        for photo in self.photos:
            picture = Image.new("RGB", (450, 300), (214, 190, 160))
            draw = ImageDraw.Draw(picture)
            for at, mark in enumerate(photo.marks):
                x, y, w, h = mark.box.pixels(450, 300)
                draw.ellipse((x, y, x + w, y + h), fill=(150 + 20 * at, 90, 60))
                crop = picture.crop((x, y, x + w, y + h)).resize((160, 160))
                _save(crop, self.folder / f"faces/{mark.face}.webp")
            _save(picture, self.folder / f"thumbs/{photo.key}.webp")
        return self

    def _photos_in(self, month: str) -> Iterable[SheetPhoto]:
        self.asked.append(month)
        found = [p for p in self.photos if (p.taken or "")[:7] == month]
        yield from sorted(found, key=lambda p: (p.taken or "", p.name))

    def _faces(self, id: str, suggested: bool) -> list[SheetFace]:
        latest_first = sorted(self.photos, key=lambda p: p.taken or "", reverse=True)
        return [
            SheetFace(m.face, f"faces/{m.face}.webp", p, similarity=m.similarity)
            for p in latest_first
            for m in p.marks
            if m.target == id and (m.status == "suggested") == suggested
        ]

    def _faces_of(self, id: str) -> Iterable[SheetFace]:
        self.asked.append(id)
        yield from self._faces(id, suggested=False)

    def _suggested_for(self, id: str) -> Iterable[SheetFace]:
        yield from self._faces(id, suggested=True)

    def _stamp(self, key: str) -> str:
        if key[:6] in ("person", "cluste"):
            return repr((self._faces(key, suggested=False), self._faces(key, suggested=True)))
        return repr([p for p in self.photos if (p.taken or "")[:7] == key])

    def _person(self, id: str) -> SheetPerson:
        faces = self._faces(id, suggested=False)
        dates = sorted(f.photo.taken for f in faces if f.photo.taken) or [None]
        return SheetPerson(
            id=id,
            name=self.names[id],
            crop=faces[0].crop if faces else None,
            faces=len(faces),
            photos=len({f.photo.key for f in faces}),
            first=dates[0],
            last=dates[-1],
            suggested=len(self._faces(id, suggested=True)),
            actions=(SheetCommand("Not this person", "phototag reject {faces} X"),),
            suggested_actions=(SheetCommand("Yes", "phototag label {faces} X"),),
        )

    def _cluster(self, id: str) -> SheetCluster:
        faces = self._faces(id, suggested=False)
        dates = sorted(f.photo.taken for f in faces if f.photo.taken) or [None]
        guess = next(iter(self.names), None)
        return SheetCluster(
            id=id,
            faces=len(faces),
            photos=len(faces),
            first=dates[0],
            last=dates[-1],
            crops=tuple(f.crop for f in faces[:8]),
            command=f'phototag label {id} ""',
            guess=SheetGuess(self.names[guess], 0.41, guess) if guess else None,
            actions=(
                SheetCommand("Name these", 'phototag label {faces} ""'),
                SheetCommand("Somebody else", "phototag split --faces {faces,}"),
            ),
        )


def _save(picture: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)


def family(folder: Path) -> Album:
    """Three people, two clusters, a suggestion, a stranger, and a photo without a date."""
    album = Album(folder, names={"person-1": "Alice", "person-2": "Bob", "person-3": "Zoë"})
    album.add("IMG_1.JPG", "2018-12-24T18:00:00", "person-1", "person-2")
    album.add("IMG_2.JPG", "2019-07-04T15:20:00+02:00", "person-1")
    album.add("IMG_3.JPG", "2019-07-04T16:00:00", "person-1", "person-2", status="recognised")
    album.add("IMG_4.JPG", "2019-08-01T09:00:00", "cluster-3", "cluster-9")
    album.add("IMG_5.JPG", "2021-01-31", "cluster-3", "stranger")
    album.add("IMG_6.JPG", "2021-02-01", "person-2", status="suggested")
    album.add("scan 7.png", None, "person-3")
    return album


def awkward(folder: Path) -> Album:
    """People and files with names that mean something to HTML, scripts, URLs or a template."""
    names = {f"person-{at}": name for at, name in enumerate(AWKWARD, 1)}
    album = Album(folder, names=names)
    for at, id in enumerate(names):
        album.add(f"{AWKWARD[at].replace('/', '_')}.jpg", f"2020-0{at + 1}-01", id, "cluster-1")
    album.add(b"caf\xe9 #1?.jpg".decode("utf-8", "surrogateescape"), "2020-09-09", "person-1")
    return album
