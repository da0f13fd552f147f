"""The application: every address, and what becomes of an error."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from phototag import errors
from phototag.web import changes, decisions, guard, identifying, pages, pictures, scanning
from phototag.web.desk import Desk
from phototag.web.guard import Guard, Keys
from phototag.web.identifying import Uploads
from phototag.web.pictures import Shelf
from phototag.web.render import page, static_files, static_place
from phototag.web.scanning import ScanJob

LOG = logging.getLogger("phototag.web")

STATUS = {
    "not-found": 404,
    "usage": 422,
    "twice-in-photo": 409,
    "not-taken": 409,
    "library-in-use": 423,
    "nothing-to-undo": 409,
    "unreadable": 415,
}
"""HTTP status of an error by its code; 503 for all that is wrong with the library."""


def application(desk: Desk, keys: Keys, scan: ScanJob, *, may_add: bool = True) -> ASGIApp:
    """`may_add`: whether folders that were never scanned can be added from the page."""

    @asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        desk.start()
        yield
        await run_in_threadpool(scan.end)
        await run_in_threadpool(desk.stop)

    app = Starlette(routes=_routes(), lifespan=life)
    app.state.desk, app.state.keys, app.state.may_add = desk, keys, may_add
    app.state.scan, app.state.shelf, app.state.uploads = scan, Shelf(), Uploads()
    app.state.looks = changes.Looks()
    app.add_exception_handler(errors.PhototagError, _refused)
    app.add_exception_handler(HTTPException, _not_here)
    return Guard(_Calm(app), keys)


class _Number(Convertor[int]):
    """An id in an address: SQLite knows none that is longer."""

    regex = "[1-9][0-9]{0,17}"

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


register_url_convertor("number", _Number())


def _routes() -> list[Route]:
    return [
        Route("/", pages.home),
        Route("/login", login, methods=["GET"]),
        Route("/login", enter, methods=["POST"]),
        Route("/static/{digest}/{name}", static),
        Route("/review", pages.review),
        Route("/review/next", decisions.next_questions, methods=["POST"]),
        Route("/people", pages.people),
        Route("/people/{number:number}", pages.person),
        Route("/clusters", pages.clusters),
        Route("/clusters/{number:number}", pages.cluster),
        Route("/photos", pages.photos),
        Route("/photos/{number:number}", pages.photo),
        Route("/log", pages.log),
        Route("/names", names),
        Route("/do/enroll", identifying.register, methods=["POST"]),
        Route("/do/{verb}", decisions.decide, methods=["POST"]),
        Route("/pictures/face/{number:number}", pictures.face),
        Route("/pictures/face/{number:number}/large", pictures.large_face),
        Route("/pictures/photo/{number:number}", pictures.photo),
        Route("/pictures/photo/{number:number}/large", pictures.large_photo),
        Route("/scan", scanning.scan_page, methods=["GET"]),
        Route("/scan", scanning.begin, methods=["POST"]),
        Route("/scan/stop", scanning.stop, methods=["POST"]),
        Route("/scan/events", scanning.events),
        Route("/changes", changes.changes_page),
        Route("/changes/accept", changes.accept, methods=["POST"]),
        Route("/identify", identifying.identify_page, methods=["GET"]),
        Route("/identify", identifying.upload, methods=["POST"]),
        Route("/identify/{id}", identifying.again),
        Route("/identify/{id}/picture", identifying.uploaded_picture),
        Route("/identify/{id}/face/{number:number}", identifying.uploaded_face),
        Route("/verify", identifying.compare, methods=["POST"]),
    ]


def static(request: Request) -> Response:
    """A file of the package, by its name alone; kept for good under the address of today's."""
    found = static_files().get(request.path_params["name"])
    if found is None:
        raise HTTPException(404)
    data, kind = found
    is_current = request.url.path.startswith(static_place() + "/")
    kept = "public, max-age=31536000, immutable" if is_current else "no-cache"
    return Response(data, media_type=kind, headers={"cache-control": kept})


def names(request: Request) -> Response:
    return JSONResponse(pages.names(request))


# ---- the door


def login(request: Request) -> Response:
    keys: Keys = request.app.state.keys
    if keys.password is None:
        return RedirectResponse("/", 303)
    return HTMLResponse(page("login.html", title="phototag", wrong=False))


async def enter(request: Request) -> Response:
    keys: Keys = request.app.state.keys
    said = (await guard.form(request)).get("password", "")
    if not await run_in_threadpool(keys.is_password, said):
        return HTMLResponse(page("login.html", title="phototag", wrong=True), 403)
    return RedirectResponse("/", 303, headers={"set-cookie": keys.cookie_header()})


# ---- errors


async def _refused(request: Request, error: Exception) -> Response:
    """An error of ours: its own words, for scripts or for eyes."""
    assert isinstance(error, errors.PhototagError)
    status = STATUS.get(error.code, 503)
    return _told(request, status, error.code, str(error))


async def _not_here(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    text = "There is no such page." if error.status_code == 404 else str(error.detail)
    return _told(request, error.status_code, "http", text)


def _told(request: Request, status: int, code: str, text: str) -> Response:
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        title = "Not here" if status == 404 else "That did not work"
        return HTMLResponse(page("error.html", title=title, text=text), status)
    return JSONResponse({"error": code, "message": text}, status)


class _Calm:
    """What was not foreseen is one line in the log and a page, never a traceback."""

    def __init__(self, app: Starlette) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        except Exception as error:
            where = f"{scope.get('method', '')} {scope.get('path', '')}"
            LOG.error("%s: %s: %s", where, type(error).__name__, error)
            LOG.debug("", exc_info=error)
