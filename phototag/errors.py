"""Every error that phototag raises on purpose: what happened, to which file, and what to do.

Each class has a stable `code` for scripts and the exit code of the command that it ends.
"""

from __future__ import annotations

from pathlib import Path

OK = 0
NO = 1
USAGE = 2
SOME_FAILED = 3
GUARDED = 4
LIBRARY = 5
IN_USE = 75
INTERRUPTED = 130


class PhototagError(Exception):
    """What happened and what to do about it, in words for the person at the terminal."""

    code = "error"
    exit_code = USAGE


class UsageError(PhototagError):
    """The command's words do not fit together."""

    code = "usage"


class TwiceInPhoto(UsageError):
    """A decision would put one person into a photo twice."""

    code = "twice-in-photo"


class NotTaken(UsageError):
    """A face is no good example of the person that it was to stand for; the user may insist."""

    code = "not-taken"


class CannotServe(PhototagError):
    """The page cannot be shown at that address."""

    code = "cannot-serve"


class CannotWatch(PhototagError):
    """A camera, or a window to show it in, is not to be had."""

    code = "cannot-watch"


class UnreadableImage(PhototagError):
    """One photo that cannot be read: recorded, named in the report, never the end of a scan."""

    code = "unreadable"
    exit_code = SOME_FAILED

    def __init__(self, path: Path | str, reason: str, message: str) -> None:
        """`reason` is a stable word (`truncated`, `not-an-image`, `too-large`, `empty`, …)."""
        super().__init__(f"{path}: {message}")
        self.path = str(path)
        self.reason = reason
        self.message = message

    def __reduce__(self) -> tuple[type[UnreadableImage], tuple[str, str, str]]:
        return (type(self), (self.path, self.reason, self.message))


class ModelError(PhototagError):
    """A model file is missing, damaged, or not what its card says."""

    code = "model"
    exit_code = LIBRARY


class WorkerFailed(PhototagError):
    """Worker processes do not come up on this machine."""

    code = "worker"
    exit_code = LIBRARY


class NoLibrary(PhototagError):
    """There is no library where one was expected."""

    code = "no-library"
    exit_code = LIBRARY


class DamagedLibrary(PhototagError):
    """The catalogue cannot be read, or does not hold together."""

    code = "damaged-library"
    exit_code = LIBRARY


class LibraryTooNew(PhototagError):
    """The catalogue was made by a newer phototag."""

    code = "library-too-new"
    exit_code = LIBRARY


class LibraryInUse(PhototagError):
    """Another phototag writes to this library."""

    code = "library-in-use"
    exit_code = IN_USE


class NotFound(PhototagError):
    """No face, cluster, person or photo of that name."""

    code = "not-found"
    exit_code = USAGE


class NothingToUndo(PhototagError):
    """The journal holds no decision to take back (or to bring back)."""

    code = "nothing-to-undo"
    exit_code = NO


class Guarded(PhototagError):
    """phototag stopped because going on could lose something."""

    code = "guarded"
    exit_code = GUARDED


class CannotWrite(PhototagError):
    """A file that phototag must write cannot be written."""

    code = "cannot-write"
    exit_code = LIBRARY
