"""Is all well? The installation and the library, looked at one thing at a time."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from phototag.catalog import store
from phototag.catalog.store import Library
from phototag.core.types import Thresholds, first_line
from phototag.errors import DamagedLibrary, ModelError, NoLibrary, PhototagError
from phototag.settings import Settings

State = Literal["ok", "note", "problem"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    area: str
    """`installation` or `library`."""
    name: str
    """A stable word: `models`, `journal`, `pictures`…"""
    state: State
    said: str
    """What was found, in a sentence."""
    advice: str = ""
    """What to do about it."""
    remedy: str | None = None
    """What `doctor --repair` does about it; None: it cannot."""


@dataclass(frozen=True, slots=True)
class Patient:
    """An open library with what its checks need."""

    lib: Library
    settings: Settings
    model: str
    """Id of the embedder's card."""
    thresholds: Thresholds
    is_settled: bool
    """No scan works now and the last one came to its end: nothing may be left undone."""
    is_thorough: bool


Look = Callable[[Patient], Iterator[Check]]


def ok(area: str, name: str, said: str) -> Check:
    return Check(area, name, "ok", said)


def problem(area: str, name: str, said: str, advice: str, remedy: str | None = None) -> Check:
    return Check(area, name, "problem", said, advice, remedy)


def listed(examples: tuple[str, ...], count: int) -> str:
    """`face-1, face-2 and 7 more`."""
    return first_line([*examples, *[""] * (count - len(examples))], len(examples))


def is_sound(checks: list[Check]) -> bool:
    return all(check.state != "problem" for check in checks)


def library_checks(
    folder: Path, settings: Settings, *, expected: bool, thorough: bool
) -> Iterator[Check]:
    """All checks of the library in `folder`. `expected`: the user named it, so it must be there."""
    from phototag.work import check_library, check_pictures

    try:
        lib = store.open_to_read(folder)
    except NoLibrary as error:
        state: State = "problem" if expected or (folder / store.CATALOG).exists() else "note"
        yield Check("library", "catalogue", state, str(error))
        return
    except PhototagError as error:
        yield problem("library", "catalogue", str(error), _advice(error))
        return
    with lib:
        sound = yield from _each(check_library.file(lib))
        if not sound:
            return
        patient, trouble = _patient(lib, settings, thorough)
        if trouble is not None:
            yield trouble
        looks: tuple[Look, ...] = (*check_library.LOOKS, *check_pictures.LOOKS)
        for look in looks if patient is not None else ():
            assert patient is not None
            yield from look(patient)


def _each(checks: Iterator[Check]) -> Generator[Check, None, bool]:
    """Hand on; whether all were sound."""
    sound = True
    for check in checks:
        sound = sound and check.state != "problem"
        yield check
    return sound


def _advice(error: PhototagError) -> str:
    if isinstance(error, DamagedLibrary):
        return "Nothing was changed. The photos and journal.jsonl hold all that is needed."
    return ""


def _patient(
    lib: Library, settings: Settings, thorough: bool
) -> tuple[Patient | None, Check | None]:
    from phototag.work.models import embedder_card, thresholds_of

    try:
        card = embedder_card(lib.folder, settings)
        thresholds = thresholds_of(card)
    except ModelError as error:
        said = str(error)
        return None, problem("library", "model", said, "Nothing else can be looked at without it.")
    last = store.last_run(lib)
    settled = not store.in_use(lib.folder) and (last is None or last["outcome"] == "done")
    return Patient(lib, settings, card.id, thresholds, settled, thorough), None


def unsettled(check: Check, patient: Patient) -> Check:
    """What a scan under way (or cut off) may leave undone is no problem yet."""
    if patient.is_settled or check.state != "problem":
        return check
    return replace(
        check,
        state="note",
        advice="A scan is at work, or the last one was cut off: the next scan settles it.",
    )
