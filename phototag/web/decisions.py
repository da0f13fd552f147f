"""What is done from the page: each request is one decision of the journal, by the same verbs as on
the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import islice
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from phototag.catalog import grids, journal, views
from phototag.catalog.store import Library
from phototag.core.decisions import to_redo, to_undo
from phototag.errors import NothingToUndo, UsageError
from phototag.web import shown
from phototag.web.desk import Desk
from phototag.work import tag
from phototag.work.deciding import Ground, Said
from phototag.work.models import thresholds_of
from phototag.work.review import backlog, questions

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
    found = await run_in_threadpool(desk.decide, lambda lib, ground: verb(lib, ground, words))
    return JSONResponse(shown.said(found))


async def next_questions(request: Request) -> Response:
    """`POST /review/next`: the questions that are asked next, without those that are named."""
    words = await spoken(request)
    skip = {str(word) for word in words.get("skip", ())}
    return JSONResponse(await run_in_threadpool(_questions, request.app.state.desk, skip))


def _questions(desk: Desk, skip: set[str]) -> dict[str, Any]:
    with desk.reading() as lib:
        card = desk.card(lib)
        levels = thresholds_of(card)
        found = list(islice(questions(lib, card.id, levels, skip), AHEAD))
        waiting = backlog(lib)
        return {
            "questions": [
                shown.question(q, views.photo(lib, q.photo), levels.suggest) for q in found
            ],
            "left": {
                "questions": waiting.questions,
                "clusters": waiting.clusters,
                "suggestions": waiting.suggestions,
                "alone": waiting.alone,
                "people": grids.count_people(lib),
            },
        }


# ---- the verbs


def _targets(words: Words) -> list[str]:
    found = words.get("targets", ())
    if not isinstance(found, list) or not found:
        raise UsageError("Choose a face first.")
    if not all(isinstance(word, str) and _TARGET.match(word) for word in found):
        raise UsageError("A target is cluster-3 or face-17.")
    return found


def _word(words: Words, name: str) -> str:
    found = words.get(name)
    if not isinstance(found, str):
        raise UsageError(f"The page did not say {name!r}.")
    return found


def _label(lib: Library, ground: Ground, words: Words) -> Said:
    twice = bool(words.get("allow_twice"))
    return tag.label(lib, ground, _targets(words), _word(words, "name"), allow_twice=twice)


def _reject(lib: Library, ground: Ground, words: Words) -> Said:
    return tag.reject(lib, ground, _targets(words), _word(words, "name"))


def _ignore(lib: Library, ground: Ground, words: Words) -> Said:
    return tag.ignore(lib, ground, _targets(words))


def _not_a_face(lib: Library, ground: Ground, words: Words) -> Said:
    return tag.not_a_face(lib, ground, _targets(words))


def _restore(lib: Library, ground: Ground, words: Words) -> Said:
    return tag.restore(lib, ground, _targets(words))


def _rename(lib: Library, ground: Ground, words: Words) -> Said:
    return tag.rename(lib, ground, _word(words, "name"), _word(words, "into"))


def _merge(lib: Library, ground: Ground, words: Words) -> Said:
    return tag.merge(lib, ground, _word(words, "name"), _word(words, "into"))


def _split(lib: Library, ground: Ground, words: Words) -> Said:
    into = words.get("into")
    return tag.split(
        lib,
        ground,
        _word(words, "name"),
        _targets(words),
        _word(words, "into") if into is not None else None,
    )


def _undo(lib: Library, ground: Ground, words: Words) -> Said:
    _still(lib, words, to_undo(journal.decisions(lib)))
    return tag.undo(lib, ground)


def _redo(lib: Library, ground: Ground, words: Words) -> Said:
    _still(lib, words, to_redo(journal.decisions(lib)))
    return tag.redo(lib, ground)


def _still(lib: Library, words: Words, meant: Any) -> None:
    """The page names the decision that it takes back: another may have been made meanwhile, in a
    terminal or another window, and is not taken back by mistake."""
    wanted = words.get("decision")
    if wanted is not None and meant is not None and meant.id != wanted:
        raise NothingToUndo(
            f"Something else was decided since ({tag.describe(meant)}). Take that back first, on "
            "the page of decisions."
        )


VERBS: dict[str, Callable[[Library, Ground, Words], Said]] = {
    "label": _label,
    "reject": _reject,
    "ignore": _ignore,
    "not-a-face": _not_a_face,
    "restore": _restore,
    "rename": _rename,
    "merge": _merge,
    "split": _split,
    "undo": _undo,
    "redo": _redo,
}
