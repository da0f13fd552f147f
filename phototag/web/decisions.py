"""What is done from the page: each request is one decision of the journal, by the same verbs as on
the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from phototag.catalog import grids, views
from phototag.catalog.store import Library
from phototag.core.decisions import Decision
from phototag.core.types import Box
from phototag.errors import NotFound, NothingToUndo, UsageError
from phototag.web import shown
from phototag.web.desk import Desk
from phototag.work import tag
from phototag.work.deciding import Ground, Said
from phototag.work.draw import draw
from phototag.work.eye import Eye
from phototag.work.models import kit_of
from phototag.work.review import backlog

MOST = 1 << 20
"""Bytes of what a page may say at once: a hundred thousand faces chosen by hand."""

AHEAD = 6
"""Questions that the review page is given at once: the next is there before it is needed."""

_TARGET = re.compile(r"(face|cluster)-[1-9]\d{0,17}\Z")

Words = dict[str, Any]


async def spoken(request: Request) -> Words:
    """The JSON object that a page sent. Raises UsageError."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST:
            raise UsageError("That is too much at once.")
    try:
        words = json.loads(bytes(body) or b"{}")
    except ValueError as error:
        raise UsageError("The page sent something that is no JSON.") from error
    if not isinstance(words, dict):
        raise UsageError("The page sent something that is no JSON object.")
    return words


async def decide(request: Request) -> Response:
    """`POST /do/label` and its kin; what it did."""
    words = await spoken(request)
    verb = VERBS.get(request.path_params["verb"])
    if verb is None:
        raise HTTPException(404)
    desk: Desk = request.app.state.desk
    found = await run_in_threadpool(
        desk.decide, lambda lib, ground: verb(Asked(desk, lib, ground, words))
    )
    return JSONResponse(shown.said(found))


async def next_questions(request: Request) -> Response:
    """`POST /review/next`: the questions that are asked next, without those that are named."""
    words = await spoken(request)
    skip = {str(word) for word in words.get("skip", ())}
    return JSONResponse(await run_in_threadpool(_questions, request.app.state.desk, skip))


def _questions(desk: Desk, skip: set[str]) -> dict[str, Any]:
    with desk.reading() as lib:
        queue = desk.queue(lib)
        found = list(islice(queue.questions(skip), AHEAD))
        waiting = backlog(lib)
        suggest = queue.thresholds.suggest
        return {
            "questions": [shown.question(q, views.photo(lib, q.photo), suggest) for q in found],
            "left": {
                "questions": waiting.questions,
                "clusters": waiting.clusters,
                "suggestions": waiting.suggestions,
                "alone": waiting.alone,
                "people": grids.count_people(lib),
            },
        }


# ---- the verbs


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page asks for, and where it is done."""

    desk: Desk
    lib: Library
    ground: Ground
    words: Words

    def word(self, name: str) -> str:
        """Raises UsageError where the page did not say it."""
        found = self.words.get(name)
        if not isinstance(found, str):
            raise UsageError(f"The page did not say {name!r}.")
        return found

    @property
    def twice(self) -> bool:
        return self.words.get("allow_twice") is True

    @property
    def targets(self) -> list[str]:
        """Faces and clusters by number: never a path. Raises UsageError."""
        found = self.words.get("targets", ())
        if not isinstance(found, list) or not found:
            raise UsageError("Choose a face first.")
        if not all(isinstance(word, str) and _TARGET.match(word) for word in found):
            raise UsageError("A target is cluster-3 or face-17.")
        return found


def _label(asked: Asked) -> Said:
    name = asked.word("name")
    return tag.label(asked.lib, asked.ground, asked.targets, name, allow_twice=asked.twice)


def _reject(asked: Asked) -> Said:
    return tag.reject(asked.lib, asked.ground, asked.targets, asked.word("name"))


def _ignore(asked: Asked) -> Said:
    return tag.ignore(asked.lib, asked.ground, asked.targets)


def _not_a_face(asked: Asked) -> Said:
    return tag.not_a_face(asked.lib, asked.ground, asked.targets)


def _restore(asked: Asked) -> Said:
    return tag.restore(asked.lib, asked.ground, asked.targets)


def _rename(asked: Asked) -> Said:
    return tag.rename(asked.lib, asked.ground, asked.word("name"), asked.word("into"))


def _merge(asked: Asked) -> Said:
    return tag.merge(asked.lib, asked.ground, asked.word("name"), asked.word("into"))


def _split(asked: Asked) -> Said:
    into = asked.word("into") if asked.words.get("into") is not None else None
    return tag.split(asked.lib, asked.ground, asked.word("name"), asked.targets, into)


def _draw(asked: Asked) -> Said:
    """A face that was not found: its photo by number, its box in fractions of the photo."""
    number, box = asked.words.get("photo"), asked.words.get("box")
    if not isinstance(number, int) or not 0 < number < 2**63:
        raise UsageError("The page did not say which photo.")
    photo = views.photo(asked.lib, number)
    if photo is None:
        raise NotFound("There is no such photo.")
    if not isinstance(box, list) or len(box) != 4 or not all(_is_fraction(v) for v in box):
        raise UsageError("A box is left, top, width and height in fractions of the photo.")
    return draw(
        asked.lib,
        asked.ground,
        photo.path,
        Box(*box),
        asked.word("name"),
        Eye(kit_of(asked.lib.folder, asked.desk.settings(asked.lib))),
        allow_twice=asked.twice,
    )


def _is_fraction(value: object) -> bool:
    return isinstance(value, int | float) and -1 <= value <= 2


def _undo(asked: Asked) -> Said:
    _still(asked, tag.undone_next(asked.lib))
    return tag.undo(asked.lib, asked.ground)


def _redo(asked: Asked) -> Said:
    _still(asked, tag.redone_next(asked.lib))
    return tag.redo(asked.lib, asked.ground)


def _still(asked: Asked, meant: Decision | None) -> None:
    """The page names the decision that it takes back: another may have been made meanwhile, in a
    terminal or another window, and is not taken back by mistake."""
    wanted = asked.words.get("decision")
    if wanted is not None and meant is not None and meant.id != wanted:
        raise NothingToUndo(
            f"Something else was decided since ({tag.describe(meant)}). Take that back first, on "
            "the page of decisions."
        )


VERBS: dict[str, Callable[[Asked], Said]] = {
    "label": _label,
    "reject": _reject,
    "ignore": _ignore,
    "not-a-face": _not_a_face,
    "restore": _restore,
    "rename": _rename,
    "merge": _merge,
    "split": _split,
    "draw": _draw,
    "undo": _undo,
    "redo": _redo,
}
