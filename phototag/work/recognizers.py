"""What a scan recognises with: the gallery, or a trained classifier that is taken into the
library."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from phototag.catalog.recognizer import GALLERY, Recognizer, set_recognizer
from phototag.catalog.store import Library
from phototag.errors import CannotWrite, UsageError
from phototag.output import atomic
from phototag.settings import Settings
from phototag.vision.classify import CARD, ClassifierCard, load_classifier_card
from phototag.vision.models import verify
from phototag.work.extract import Kit
from phototag.work.models import kit_of

PREFIX = "classifier:"


def folder_of(library: Path, number: str) -> Path:
    """Where a library keeps its copy of a classifier: its card and its network."""
    return library / "classifiers" / number


def adopt(lib: Library, word: str) -> tuple[Recognizer, str]:
    """Recognise with `gallery`, or with `classifier:RUN` (a run folder, or the id of a classifier
    that the library has): (what recognises now, the folder of the library's copy or '').

    The library keeps a copy of card and network, since decisions are matched anew long after the
    run folder is gone. Raises UsageError, ModelError, CannotWrite.
    """
    if word == GALLERY:
        chosen, folder = Recognizer(), None
    else:
        card = classifier_named(lib.folder, word)
        folder = folder_of(lib.folder, card.id)
        _keep(card, folder)
        chosen = Recognizer(card.id, card.classes, card.not_recognised)
    with lib.transaction():
        set_recognizer(lib, chosen)
    return chosen, "" if folder is None else str(folder)


def kit_for(lib: Library, settings: Settings, *, dry_run: bool) -> Kit:
    """What the workers of a scan need, the recogniser that the settings say being taken into use
    (not by a dry run). Raises UsageError, ModelError, CannotWrite."""
    kit = kit_of(lib.folder, settings)
    if dry_run:
        return kit
    _, folder = adopt(lib, settings.recognizer)
    return replace(kit, classifier=folder)


def classifier_named(library: Path, word: str) -> ClassifierCard:
    """The classifier of `classifier:RUN`: RUN is a run folder, or the id of one that the library
    has. Raises UsageError, ModelError."""
    if not word.startswith(PREFIX):
        raise UsageError(f"--recognizer is {word!r}; it can be gallery or classifier:RUN.")
    name = word.removeprefix(PREFIX)
    if not name:
        raise UsageError("--recognizer classifier:RUN: which run? Name its folder.")
    own = folder_of(library, name)
    card = load_classifier_card(own if (own / CARD).is_file() else Path(name).expanduser())
    verify(card.model)
    return card


def _keep(card: ClassifierCard, folder: Path) -> None:
    """Copy card and network; the card last, since a folder with one is whole."""
    if card.model.folder == folder:
        return
    atomic.make_folder(folder)
    for path in (card.model.path, card.model.folder / CARD):
        try:
            data = path.read_bytes()
        except OSError as error:
            raise CannotWrite(f"{path} cannot be copied: {error.strerror}.") from error
        atomic.write_if_changed(folder / path.name, data)
