"""`phototag video --camera`: who is seen, who has left."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phototag import errors
from phototag.cli import console
from phototag.cli.common import reading

if TYPE_CHECKING:
    from phototag.work.live import Event, Watch


def watch_live(
    camera: str, library: str | None, *, show: bool, out: Path | None, every: int, as_json: bool
) -> int:
    """Watch until the frames end, the window is closed, or Ctrl-C."""
    from phototag.images.camera import Window
    from phototag.output.recording import Recording
    from phototag.work.live import drawn

    _check(camera, out)
    watch = _watch(library, every)
    with ExitStack() as stack:
        window = stack.enter_context(Window()) if show else None
        recording = stack.enter_context(Recording(out)) if out is not None else None
        with _until_stopped():
            for at, pixels in _frames(camera):
                view = watch.see(at, pixels)
                _tell(view.events, as_json)
                if window is None and recording is None:
                    continue
                picture = drawn(view)
                if recording is not None:
                    recording.add(at, picture)
                if window is not None and not window.show(picture):
                    break
    _tell(watch.leave(), as_json)
    return errors.OK


def _check(camera: str, out: Path | None) -> None:
    from phototag.output.recording import FORMATS

    if not camera.isdigit() and not os.path.isfile(camera):  # noqa: PTH113
        raise errors.UsageError(
            f"--camera {camera}: there is no such file, and a camera is a number: 0, 1, …"
        )
    if out is None:
        return
    if out.suffix.lower() not in FORMATS:
        raise errors.UsageError(f"--out {out}: a video ends in {', '.join(FORMATS)}.")
    if os.path.lexists(out):
        raise errors.UsageError(f"--out {out}: there is a file already. Name another.")


def _watch(library: str | None, every: int) -> Watch:
    from phototag.work.live import watch_of
    from phototag.work.models import embedder_card, kit_of, thresholds_of

    with reading(library) as session:
        folder, settings = session.lib.folder, session.settings
        card = embedder_card(folder, settings)
        kit = kit_of(folder, settings)
        return watch_of(session.lib, card.id, thresholds_of(card), kit, every)


def _frames(camera: str) -> Iterator[tuple[int, Any]]:
    from phototag.images.camera import frames_of

    try:
        yield from frames_of(camera)
    except OSError as error:
        raise errors.CannotWatch(f"{camera}: {error.strerror or error}.") from error


@contextmanager
def _until_stopped() -> Iterator[None]:
    """Ctrl-C, or a polite kill, is how one stops watching: no failure."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        console.say("Stopped.")
    finally:
        signal.signal(signal.SIGTERM, before)


def _tell(events: Sequence[Event], as_json: bool) -> None:
    from phototag.core.tracks import clock

    for event in events:
        if as_json:
            console.line("video-event", _as_json(event))
            continue
        maybe = f"{event.suggestion}?" if event.suggestion else "somebody unknown"
        likeness = "" if event.similarity is None else f"  {event.similarity:.2f}"
        console.out(f"{clock(event.at)}  {event.event}  {event.person or maybe}{likeness}")


def _as_json(event: Event) -> dict[str, Any]:
    """Times in seconds from the first frame."""
    return {
        "event": event.event,
        "at": event.at / 1000,
        "from": event.first / 1000,
        "to": event.last / 1000,
        "person": event.person,
        "suggestion": event.suggestion,
        "similarity": event.similarity,
        "track": event.track,
        "box": event.box and dict(zip(("x", "y", "width", "height"), event.box, strict=True)),
    }
