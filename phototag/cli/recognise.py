"""Recognition on single photos: enroll, identify, verify."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phototag import errors
from phototag import settings as setup
from phototag.cli import console
from phototag.cli.common import JsonOption, LibraryOption, reading, writing

if TYPE_CHECKING:
    from phototag.work.enroll import Enrolment, Portrait
    from phototag.work.identify import Identified, PhotoIdentified, Searched
    from phototag.work.verify import Side, Verified

PHOTO = "A photo, or photo.jpg#2 for its second face from the left."


def mount(app: typer.Typer) -> None:
    app.command("enroll")(enroll)
    app.command("identify")(identify)
    app.command("verify")(verify)


# ---- enroll


def enroll(
    name: Annotated[str, typer.Argument(help="Who it is.")],
    photos: Annotated[list[str], typer.Argument(metavar="PHOTO...", help=PHOTO)],
    yes: Annotated[
        bool,
        typer.Option(
            "--yes", "-y", help="Take faces of low quality too, and those that look like others."
        ),
    ] = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Register a person by photos, which may lie anywhere: the library keeps a copy of those that
    are in none of its folders.

    Each photo is checked: one face, good enough, and not like somebody else. Exit code 0 when all
    were taken, 3 when some were not, 1 when none was.

    Example: phototag enroll "Alice" passport.jpg badge.jpg
    """
    from phototag.cli.deciding import ground_of, publish
    from phototag.work.enroll import enroll as register
    from phototag.work.extract import alone
    from phototag.work.models import kit_of

    with writing(library, create=True) as session:
        ground = ground_of(session)
        kit = kit_of(session.lib.folder, session.settings)
        found = register(session.lib, ground, alone(kit), kit.detector, photos, name, yes=yes)
        if not as_json:
            _tell_enrolled(found)  # it is decided; the outputs follow
        publish(session, ground.model, quiet=as_json)
    if as_json:
        console.document("enrolment", asdict(found))
    if found.said is None:
        return errors.NO
    return errors.OK if all(photo.taken for photo in found.photos) else errors.SOME_FAILED


def _tell_enrolled(found: Enrolment) -> None:
    from phototag.cli.deciding import in_words

    for photo in found.photos:
        where = console.shown(photo.path) + (f"#{photo.index}" if photo.index else "")
        if photo.taken:
            console.out(f"{where}: taken{_about(photo)}")
        else:
            hint = " Take it all the same with --yes." if photo.may_be_taken else ""
            console.say(f"{where}: not taken: {photo.message}.{hint}", style="yellow")
    if found.said is None:
        console.say(f"Nothing was enrolled as {found.person}.")
    else:
        console.say(in_words(found.said))


def _about(photo: Portrait) -> str:
    """`, quality 0.93, 0.71 like the faces so far; against it: …`."""
    parts = [f", quality {photo.quality:.2f}"]
    if photo.similarity is not None:
        parts.append(f", {photo.similarity:.2f} like the faces so far")
    if photo.other is not None:
        parts.append(f", next {photo.other} {photo.other_similarity:.2f}")
    if photo.reason is not None:
        parts.append(f"; though {photo.message}")
    return "".join(parts)


# ---- identify


def identify(
    photos: Annotated[list[str], typer.Argument(metavar="PHOTO...", help=PHOTO)],
    show: Annotated[
        Path | None,
        typer.Option(
            "--show",
            metavar="OUT",
            help="Write a picture with boxes, names and scores; a folder for several photos.",
        ),
    ] = None,
    recognizer: Annotated[
        str,
        typer.Option(
            metavar="gallery|classifier:RUN",
            help="What gives names: the people of the library, or a classifier that you trained "
            "(no library is needed).",
        ),
    ] = "gallery",
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Say who is on photos, by comparing each face with everybody whom the library knows.

    Nothing is written but OUT. Exit code 0 when somebody was recognised, 1 when nobody was, 3 when
    a photo could not be read.

    Example: phototag identify party.jpg --show who.jpg
    """
    from phototag.work.showing import draw, targets

    drawn = targets(photos, show)
    if recognizer == "gallery":
        found = _in_gallery(library, photos)
    else:
        found = _by_classifier(library, recognizer, photos)
    for photo, target in zip(found.photos, drawn, strict=True):
        if target is not None and photo.problem is None:
            draw(photo, target)
    _tell_identified(found, as_json)
    if any(photo.problem for photo in found.photos):
        return errors.SOME_FAILED
    return errors.OK if any(photo.recognised for photo in found.photos) else errors.NO


def _in_gallery(library: str | None, photos: list[str]) -> Searched:
    from phototag.work.extract import alone
    from phototag.work.identify import identify as search
    from phototag.work.models import embedder_card, kit_of, thresholds_of

    with reading(library) as session:
        folder, settings = session.lib.folder, session.settings
        card = embedder_card(folder, settings)
        look = alone(kit_of(folder, settings))
        return search(session.lib, card.id, thresholds_of(card), look, photos)


def _by_classifier(library: str | None, word: str, photos: list[str]) -> Searched:
    from phototag.work.extract import alone
    from phototag.work.identify import predict
    from phototag.work.models import kit_of
    from phototag.work.recognizers import classifier_named

    folder = setup.library_folder(library)
    card = classifier_named(folder, word)
    kit = replace(kit_of(folder, setup.load(folder, {})), classifier=str(card.model.folder))
    return predict(card, alone(kit), photos)


def _tell_identified(found: Searched, as_json: bool) -> None:
    if as_json:
        for photo in found.photos:
            console.line("identified", _photo_as_json(photo))
        return
    for photo in found.photos:
        if photo.problem is not None:
            console.say(f"{console.shown(photo.path)}: {photo.problem}.", style="red")
        elif not photo.faces:
            console.say(f"{console.shown(photo.path)}: no face was found in it.")
    rows = [
        (console.shown(photo.path), f"#{face.index}", *_who(face))
        for photo in found.photos
        for face in photo.faces
    ]
    if rows:
        score = "probability" if found.classifier else "similarity"
        console.table(rows, ("photo", "face", "who", score, "next"), flexible=0)
    from phototag.core.types import number

    if found.classifier:
        console.say(f"Asked was {found.classifier}, which knows {found.people:,}.")
        return
    known = f"{number(found.people, 'person', 'people')} with {number(found.examples, 'example')}"
    console.say(f"Compared with {known}." if found.people else "Nobody has a name yet.")


def _photo_as_json(photo: PhotoIdentified) -> dict[str, Any]:
    said = asdict(photo)
    for face in said["faces"]:
        del face["place"]
    return said


def _who(face: Identified) -> tuple[str, str, str]:
    """(who, similarity, next)."""
    who = face.person or (f"{face.suggestion}?" if face.suggestion else "not recognised")
    named = face.person or face.suggestion
    others = [near for near in face.nearest if near.person != named]
    following = f"{others[0].person} {others[0].similarity:.2f}" if others else ""
    score = "" if face.similarity is None else f"{face.similarity:.2f}"
    return who, score, following


# ---- verify


def verify(
    one: Annotated[str, typer.Argument(metavar="A.jpg", help=PHOTO)],
    other: Annotated[str, typer.Argument(metavar="B.jpg", help=PHOTO)],
    rate: Annotated[
        float,
        typer.Option(
            "--far",
            metavar="RATE",
            help="How many pairs of strangers may pass for one person: 0.01, 0.001 or 0.0001.",
        ),
    ] = 0.01,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Say whether two photos show the same person, and how often such an answer is wrong.

    Nothing is written, and no library is needed. Exit code 0: the same; 1: different; 3: no face
    to compare.

    Example: phototag verify passport.jpg visitor.jpg
    """
    from phototag.work.extract import alone
    from phototag.work.models import embedder_card, kit_of
    from phototag.work.verify import verify as compare

    folder = setup.library_folder(library)
    settings = setup.load(folder, {})
    card = embedder_card(folder, settings)
    found = compare(card, alone(kit_of(folder, settings)), one, other, rate)
    if as_json:
        console.document("verified", asdict(found))
    else:
        _tell_verified(found)
    if found.same is None:
        return errors.SOME_FAILED
    return errors.OK if found.same else errors.NO


def _tell_verified(found: Verified) -> None:
    for side in (found.one, found.other):
        if side.problem is not None:
            console.say(f"{console.shown(side.path)}: {side.problem}.", style="red")
    if found.same is None or found.similarity is None:
        return
    bar = found.bar
    answer = "the same person" if found.same else "different people"
    console.out(f"{answer}: similarity {found.similarity:.3f}, threshold {bar.threshold:.3f}")
    for side in (found.one, found.other):
        console.say(_side(side))
    if bar.false_accepts is not None and bar.false_rejects is not None:
        strangers = round(1 / bar.false_accepts)
        console.say(
            f"At that threshold 1 in {strangers:,} pairs of different people is called the same, "
            f"and {bar.false_rejects:.0%} of the pairs of one person are called different."
        )
    console.say(f"Measured on {bar.source}." if bar.false_accepts else f"{bar.source}.")


def _side(side: Side) -> str:
    which = f"face #{side.index} of {side.faces}" if side.faces > 1 else "its one face"
    width, height = side.box[2:] if side.box else (0, 0)
    return f"{console.shown(side.path)}: {which}, {width} x {height} px, quality {side.quality:.2f}"
