"""What a contact sheet shows of a library."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from functools import cached_property

from phototag.catalog import verdicts as verdict_table
from phototag.catalog import views
from phototag.catalog.store import Library
from phototag.catalog.tracks import film_of
from phototag.catalog.views import PhotoRow, SeenFace
from phototag.core.tracks import clock, clocks
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
from phototag.work.film import picture_of
from phototag.work.pictures import annotated_path, crop_path, thumb_path


def content_of(lib: Library, where: str) -> SheetContent:
    """`where` is what commands need besides their words: ` --library PATH`, or nothing."""
    maker = Maker(lib, where, verdict_table.people(lib))
    stamps = views.stamps(lib)
    return SheetContent(
        people=[maker.person(row) for row in views.people_rows(lib) if row.faces],
        clusters=[maker.cluster(row) for row in views.cluster_rows(lib)],
        months=[SheetMonth(month, photos) for month, photos in views.months(lib)],
        photos_in=maker.photos_in,
        faces_of=maker.faces_of,
        suggested_for=maker.suggested_for,
        stamp=lambda page: f"{stamps[page]} {where}" if page in stamps else None,
    )


class Maker:
    """Makes what single pages show, as they are asked for."""

    def __init__(self, lib: Library, where: str, names: dict[int, str]) -> None:
        self.lib = lib
        self.where = where
        self.names = names

    @cached_property
    def first_faces(self) -> dict[int, list[tuple[str, int]]]:
        """(photo key, face) of the best faces of every cluster."""
        return views.first_faces(self.lib, 8)

    def person(self, row: views.PersonRow) -> SheetPerson:
        best = views.best_face(self.lib, "person_id", row.id)
        name = shlex.quote(row.name)
        return SheetPerson(
            id=f"person-{row.id}",
            name=row.name,
            crop=crop_path(*best) if best else None,
            faces=row.faces,
            photos=row.photos,
            first=row.first,
            last=row.last,
            suggested=row.suggested,
            actions=(
                self._command(f"Not {row.name}", f"reject {{faces}} {name}"),
                self._command("Somebody else", f'split {name} --faces {{faces,}} --into ""'),
            ),
            suggested_actions=(
                self._command(f"Yes, {row.name}", f"label {{faces}} {name}"),
                self._command(f"Not {row.name}", f"reject {{faces}} {name}"),
            ),
        )

    def cluster(self, row: views.ClusterRow) -> SheetCluster:
        guess = None
        if row.guess in self.names and row.guess_score is not None:
            guess = SheetGuess(
                self.names[row.guess], round(row.guess_score, 2), f"person-{row.guess}"
            )
        return SheetCluster(
            id=f"cluster-{row.id}",
            faces=row.faces,
            photos=row.photos,
            first=row.first,
            last=row.last,
            crops=tuple(crop_path(*face) for face in self.first_faces.get(row.id, ())),
            command=f'phototag label{self.where} cluster-{row.id} ""',
            guess=guess,
            actions=(
                self._command("Name these", 'label {faces} ""'),
                self._command("Ignore these", "ignore {faces}"),
                self._command("Not a face", "not-a-face {faces}"),
            ),
        )

    def photos_in(self, month: str) -> Iterator[SheetPhoto]:
        for row in views.photos_of_month(self.lib, month):
            yield self._photo(row)

    def faces_of(self, page: str) -> Iterator[SheetFace]:
        kind, _, number = page.partition("-")
        rows = (
            views.faces_of_person(self.lib, int(number))
            if kind == "person"
            else views.faces_of_cluster(self.lib, int(number))
        )
        for face in rows:
            yield from self._face(face, face.similarity)

    def suggested_for(self, page: str) -> Iterator[SheetFace]:
        for face in views.faces_suggested(self.lib, int(page.partition("-")[2])):
            yield from self._face(face, face.suggestion_score)

    def _face(self, face: SeenFace, similarity: float | None) -> Iterator[SheetFace]:
        photo = views.photo(self.lib, face.photo)
        if photo is not None:
            named = face.state in ("manual", "imported", "automatic")
            yield SheetFace(
                id=f"face-{face.id}",
                crop=crop_path(face.key, face.id),
                photo=self._photo(photo),
                how=face.state if named else None,  # type: ignore[arg-type]
                similarity=round(similarity, 2) if similarity is not None else None,
            )

    def _photo(self, row: PhotoRow) -> SheetPhoto:
        faces = views.faces_in_photo(self.lib, row.id) if row.faces else []
        picture = picture_of(self.lib, row.id, faces)
        film = film_of(self.lib, row.id)
        return SheetPhoto(
            key=row.key,
            name=row.path.rpartition("/")[2],
            width=picture.width,
            height=picture.height,
            taken=row.taken,
            thumb=thumb_path(row.key) if row.faces else None,
            annotated=annotated_path(row.key) if row.faces else None,
            original=link_to(row.path),
            marks=tuple(self._mark(f, picture.boxes[f.id]) for f in faces if f.id in picture.boxes),
            length=None if film is None else clock(film.duration).removeprefix("00:"),
        )

    def _mark(self, face: SeenFace, box: Box) -> SheetMark:
        status, name, target, similarity = "unknown", None, None, None
        if face.person is not None:
            status = "recognised" if face.state == "automatic" else "named"
            name, target = self.names.get(face.person), f"person-{face.person}"
            similarity = face.similarity
        elif face.state == "ignored":
            status = "ignored"
        elif face.suggestion in self.names:
            status, name = "suggested", self.names[face.suggestion]
            similarity = face.suggestion_score
        if target is None and face.cluster is not None:
            target = f"cluster-{face.cluster}"
        return SheetMark(
            face=f"face-{face.id}",
            box=box,
            status=status,  # type: ignore[arg-type]
            name=name,
            target=target,
            similarity=round(similarity, 2) if similarity is not None else None,
            times=None if face.span is None else clocks(face.span),
        )

    def _command(self, text: str, words: str) -> SheetCommand:
        verb, _, rest = words.partition(" ")
        return SheetCommand(text, f"phototag {verb}{self.where} {rest}")
