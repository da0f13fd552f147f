"""Identify: who is on a picture that was dropped on the page, register them, and are two pictures
one person.

An upload stays in memory, the latest few, until it is registered or the server ends.
"""

from __future__ import annotations

import re
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import PurePath
from threading import Lock
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from phototag.catalog.store import Library
from phototag.catalog.verdicts import people
from phototag.core.types import FaceRecord
from phototag.errors import NotFound, NotTaken, UnreadableImage, UsageError
from phototag.images.read import as_webp, read
from phototag.web.decisions import Words, spoken
from phototag.web.desk import Desk
from phototag.web.pages import html, shows
from phototag.web.shown import per_cent, said
from phototag.work.deciding import Ground, Said
from phototag.work.enroll import enroll
from phototag.work.extract import Extractor, Job, Outcome
from phototag.work.identify import Identified, identify
from phototag.work.models import kit_of, thresholds_of
from phototag.work.verify import Verified, verify

LARGEST = 40 << 20
"""Bytes of the largest upload."""

KEPT = 4
"""Uploads in memory: two pictures side by side, and the two before."""

_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}\Z")

RATE = 0.01
"""Share of strangers that may be taken for one person where two pictures are compared: as
`phototag verify` does."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture in memory."""

    id: str
    """Stands for its path; ends as its name does."""
    name: str
    data: bytes
    outcome: Outcome
    """What was seen in it."""
    picture: bytes
    """WebP, upright, for the page."""

    @property
    def faces(self) -> tuple[FaceRecord, ...]:
        """From left to right: `#1`, `#2`, …"""
        record = self.outcome.record
        found = () if record is None else record.faces
        return tuple(sorted(found, key=lambda face: face.box.centre[0]))


@dataclass(slots=True)
class Uploads:
    """The latest pictures, and the tools to look at them, made when the first one comes."""

    _found: OrderedDict[str, Upload] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)
    _eyes: tuple[object, Extractor] | None = None

    def take(self, desk: Desk, lib: Library, name: str, data: bytes) -> Upload:
        """Look at a picture and keep it. Raises UnreadableImage, ModelError."""
        with self._lock:
            (outcome,) = self._eyes_for(desk, lib).run([Job(name, data=data)])
            if outcome.record is None:
                raise UnreadableImage(name, outcome.reason or "unreadable", outcome.message)
            shown = as_webp(read(data, name, longest=1600).pixels, 1600)
            suffix = PurePath(name).suffix
            number = secrets.token_hex(8) + (suffix.lower() if _SUFFIX.match(suffix) else "")
            upload = Upload(number, name, data, outcome, shown)
            self._found[upload.id] = upload
            while len(self._found) > KEPT:
                self._found.popitem(last=False)
        return upload

    def get(self, number: object) -> Upload:
        """Raises NotFound for one that is in memory no more."""
        found = self._found.get(number) if isinstance(number, str) else None
        if found is None:
            raise NotFound("That picture is not in memory any more. Drop it once more.")
        return found

    def look(self, jobs: Sequence[Job]) -> list[Outcome]:
        """What was seen in uploads, by their ids: nothing is looked at twice."""
        return [replace(self.get(job.path).outcome, path=job.path) for job in jobs]

    def bytes_of(self, number: str) -> bytes:
        return self.get(number).data

    def _eyes_for(self, desk: Desk, lib: Library) -> Extractor:
        kit = kit_of(lib.folder, desk.settings(lib))
        if self._eyes is None or self._eyes[0] != kit:
            self._eyes = (kit, Extractor.from_kit(kit))
        return self._eyes[1]


# ---- the page


@shows
def identify_page(desk: Desk, lib: Library, request: Request) -> Response:
    return html(lib, "identify.html", "identify", title="Identify")


async def upload(request: Request) -> Response:
    """`POST /identify?name=…`: the picture's bytes; its faces and who they are."""
    data = await _body(request)
    name = request.query_params.get("name", "picture")[:200]
    return JSONResponse(await run_in_threadpool(_identified, request, name, data))


async def _body(request: Request) -> bytes:
    """All bytes of an upload, in memory. Raises UsageError beyond `LARGEST`."""
    stated = request.headers.get("content-length", "0")
    data = bytearray()
    if int(stated) <= LARGEST:
        async for part in request.stream():
            data += part
            if len(data) > LARGEST:
                break
    if int(stated) > LARGEST or len(data) > LARGEST:
        raise UsageError(f"That is too large: {LARGEST >> 20} MB is the most.")
    return bytes(data)


def _identified(request: Request, name: str, data: bytes) -> dict[str, Any]:
    desk: Desk = request.app.state.desk
    uploads: Uploads = request.app.state.uploads
    with desk.reading() as lib:
        return _who(desk, lib, uploads, uploads.take(desk, lib, name, data))


def again(request: Request) -> Response:
    """`GET /identify/ID`: who they are by now, of a picture that is in memory."""
    desk: Desk = request.app.state.desk
    uploads: Uploads = request.app.state.uploads
    with desk.reading() as lib:
        found = uploads.get(request.path_params["id"])
        return JSONResponse(_who(desk, lib, uploads, found))


def _who(desk: Desk, lib: Library, uploads: Uploads, found: Upload) -> dict[str, Any]:
    card = desk.card(lib)
    searched = identify(lib, card.id, thresholds_of(card), uploads.look, [found.id])
    names = {who: number for number, who in people(lib).items()}
    (photo,) = searched.photos
    return {
        "id": found.id,
        "name": found.name,
        "picture": f"/identify/{found.id}/picture",
        "width": photo.width,
        "height": photo.height,
        "people": searched.people,
        "faces": [_face(found, face, names) for face in photo.faces],
    }


def _face(upload: Upload, face: Identified, numbers: dict[str, int]) -> dict[str, Any]:
    number = next(n for n, each in enumerate(upload.faces, 1) if each.box == face.place)
    return {
        "index": face.index,
        "box": per_cent(face.place),
        "picture": f"/identify/{upload.id}/face/{number}",
        "person": face.person,
        "href": f"/people/{numbers[face.person]}" if face.person else None,
        "suggestion": face.suggestion,
        "similarity": face.similarity,
        "quality": face.quality,
        "nearest": asdict(face)["nearest"],
    }


def uploaded_picture(request: Request) -> Response:
    found: Upload = request.app.state.uploads.get(request.path_params["id"])
    return Response(found.picture, media_type="image/webp")


def uploaded_face(request: Request) -> Response:
    found: Upload = request.app.state.uploads.get(request.path_params["id"])
    number = request.path_params["number"]
    if number > len(found.faces):
        raise NotFound("There is no such face in that picture.")
    return Response(found.faces[number - 1].crop, media_type="image/webp")


# ---- registering


async def register(request: Request) -> Response:
    """`POST /do/enroll`: a face of an upload as a person, by the same law as `phototag enroll`. The
    library keeps the picture from then on."""
    words = await spoken(request)
    desk: Desk = request.app.state.desk
    uploads: Uploads = request.app.state.uploads
    found = await run_in_threadpool(
        desk.decide, lambda lib, ground: _registered(desk, uploads, lib, ground, words)
    )
    return JSONResponse(said(found))


def _registered(desk: Desk, uploads: Uploads, lib: Library, ground: Ground, words: Words) -> Said:
    """Raises NotTaken where the face is a poor example of the person, and `yes` was not said."""
    name, side = words.get("name"), _side(uploads, words)
    if not isinstance(name, str):
        raise UsageError("The page did not say who it is.")
    made = enroll(
        lib,
        ground,
        uploads.look,
        kit_of(lib.folder, desk.settings(lib)).detector,
        [side],
        name,
        yes=words.get("yes") is True,
        bytes_of=uploads.bytes_of,
    )
    if made.said is not None:
        return made.said
    (photo,) = made.photos
    text = f"{photo.message[:1].upper()}{photo.message[1:]}."
    raise NotTaken(text) if photo.may_be_taken else UsageError(text)


# ---- are they one person


async def compare(request: Request) -> Response:
    """`POST /verify`: two uploads, and which face of each; one person or not."""
    words = await spoken(request)
    return JSONResponse(await run_in_threadpool(_compared, request, words))


def _compared(request: Request, words: Words) -> dict[str, Any]:
    desk: Desk = request.app.state.desk
    uploads: Uploads = request.app.state.uploads
    with desk.reading() as lib:
        card = desk.card(lib)
        one, other = (_side(uploads, words.get(side)) for side in ("one", "other"))
        found = verify(card, uploads.look, one, other, RATE)
    return _verified(found)


def _side(uploads: Uploads, said: object) -> str:
    if not isinstance(said, dict):
        raise UsageError("Drop two pictures.")
    found = uploads.get(said.get("id"))
    index = said.get("index")
    return f"{found.id}#{index}" if isinstance(index, int) else found.id


def _verified(found: Verified) -> dict[str, Any]:
    bar = found.bar
    return {
        "same": found.same,
        "similarity": found.similarity,
        "threshold": bar.threshold,
        "false_accepts": bar.false_accepts,
        "false_rejects": bar.false_rejects,
        "faces": [found.one.index, found.other.index],
        "problem": found.one.problem or found.other.problem,
    }
