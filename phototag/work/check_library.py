"""Does the library hold together? The file, the journal, what follows from it, the graph."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from phototag.catalog import assignments as assignment_table
from phototag.catalog import checks, journal, mirror, store
from phototag.catalog import clusters as cluster_table
from phototag.catalog import faces as table
from phototag.catalog import photos as photo_table
from phototag.catalog import verdicts as verdict_table
from phototag.catalog.arrays import forget_arrays
from phototag.catalog.recognizer import recognizer
from phototag.catalog.schema import VERSION
from phototag.catalog.store import CATALOG, JOURNAL, Library
from phototag.core.decisions import State, replay
from phototag.errors import ModelError
from phototag.vision.classify import load_classifier_card
from phototag.vision.models import verify
from phototag.work import enrolled
from phototag.work.check import Check, Patient, listed, ok, problem, unsettled
from phototag.work.face_table import misfit
from phototag.work.group import regroup
from phototag.work.recognizers import folder_of

AREA = "library"

ENOUGH_SPACE = 500_000_000
"""Bytes: a backup of the catalogue of 100,000 photos and the pictures of the next few thousand."""

MOST_REGROUPED = 50_000
"""Faces that are grouped anew to compare (about a minute); beyond only with --thorough."""


def file(lib: Library) -> Iterator[Check]:
    """The catalogue as a file: SQLite's own view of it."""
    size = (lib.folder / CATALOG).stat().st_size
    found = store.integrity(lib)
    if found:
        first = found[0].rpartition("\n")[2]
        said = f"{lib.folder / CATALOG} is damaged: {first}"
        if len(found) > 1:
            said += f" (and {len(found) - 1} more)"
        advice = (
            "An index can be made anew (--repair). If that is not enough, put a copy from backups/ "
            "in its place, or move it away and scan again: journal.jsonl keeps your decisions."
        )
        yield problem(AREA, "catalogue", said, advice, "reindex")
        return
    said = f"{lib.folder / CATALOG}: {size / 1e6:,.1f} MB, sound, schema {VERSION}"
    yield ok(AREA, "catalogue", said)


def _lock(patient: Patient) -> Iterator[Check]:
    owner = store.owner_of(patient.lib.folder)
    if store.in_use(patient.lib.folder):
        said = f"process {owner.get('pid')} works on it: {owner.get('command')}"
        yield Check(AREA, "lock", "note", said)
    else:
        yield ok(AREA, "lock", "nobody works on it now")


def _roots(patient: Patient) -> Iterator[Check]:
    known = sorted(photo_table.roots(patient.lib).values())
    gone = [path for path in known if not Path(path).is_dir()]
    if gone:
        said = f"not there: {', '.join(gone)}"
        advice = "Is the disk mounted? If the folder moved: phototag relocate OLD NEW."
        yield Check(AREA, "folders", "note", said, advice)
    else:
        yield ok(AREA, "folders", f"{len(known)} scanned folders are there")


def _mirror(patient: Patient) -> Iterator[Check]:
    found = mirror.compare(patient.lib)
    if found.is_same:
        yield ok(AREA, "journal", f"{found.rows:,} decisions, all of them in {JOURNAL} too")
        return
    parts = []
    if found.lacking:
        parts.append(f"{found.lacking:,} decisions are not in it")
    if found.beyond:
        parts.append(f"{found.beyond:,} of its decisions are not in the catalogue")
    if found.different:
        parts.append(f"decision {found.different[0]} is another one there")
    if found.damaged:
        parts.append(f"line {found.damaged[0]} cannot be read")
    said = f"{JOURNAL} is not the journal: {', '.join(parts)}"
    if found.beyond and (found.different or found.damaged):
        advice = "Repair or remove the line named: the others are taken in then."
        yield problem(AREA, "journal", said, advice)
        return
    advice = "--repair takes in newer decisions, and writes the file anew from the catalogue."
    yield problem(AREA, "journal", said, advice, "journal")


def _replay(patient: Patient) -> Iterator[Check]:
    lib = patient.lib
    kept = verdict_table.load_state(lib)
    again = replay(journal.decisions(lib), table.resolver(lib))
    wrong = differences(kept, again)
    if not wrong:
        said = (
            f"replaying the journal gives the same {len(kept.people):,} people and "
            f"{len(kept.verdicts):,} decided faces"
        )
        yield ok(AREA, "decisions", said)
        return
    said = f"replaying the journal gives something else: {'; '.join(wrong)}"
    advice = "--repair replays the journal: what you decided holds."
    yield unsettled(problem(AREA, "decisions", said, advice, "replay"), patient)


def differences(kept: State, again: State) -> list[str]:
    """In words, how two states differ."""
    wrong = []
    if kept.people != again.people:
        names = {p.name for p in kept.people.values()} ^ {p.name for p in again.people.values()}
        wrong.append(f"people ({', '.join(sorted(names)[:3]) or 'their numbers'})")
    faces = sorted(
        face
        for face in kept.verdicts.keys() | again.verdicts.keys()
        if kept.verdicts.get(face) != again.verdicts.get(face)
    )
    if faces:
        shown = listed(tuple(f"face-{face}" for face in faces[:3]), len(faces))
        wrong.append(f"{len(faces):,} decided faces ({shown})")
    refused = sorted(kept.rejected ^ again.rejected)
    if refused:
        wrong.append(f"{len(refused):,} refusals (face-{refused[0][0]})")
    if kept.twice != again.twice:
        wrong.append("photos that may show somebody twice")
    if kept.present != again.present:
        wrong.append("people who are in photos without a face")
    return wrong


def _assignments(patient: Patient) -> Iterator[Check]:
    lib = patient.lib
    unseen, undone = checks.waiting(lib, patient.model)
    if unseen:
        said = f"{unseen:,} faces were not seen by {patient.model} yet"
        yield Check(AREA, "faces", "note", said, "phototag scan brings them in.")
    if undone:
        said = f"{undone:,} faces were not compared yet"
        advice = "--repair compares them, and so does phototag scan."
        yield unsettled(problem(AREA, "faces", said, advice, "regroup"), patient)
    found = checks.assignments(lib)
    for finding in found:
        said = f"{finding.count:,} {finding.said}: {listed(finding.examples, finding.count)}"
        advice = "--repair settles them by the decisions and the laws."
        yield unsettled(problem(AREA, "assignments", said, advice, "regroup"), patient)
    if not found and not undone:
        count = checks.count_live_faces(lib) - unseen
        yield ok(AREA, "assignments", f"{count:,} faces follow the decisions and the laws")


def _clusters(patient: Patient) -> Iterator[Check]:
    lagging = len(cluster_table.stirred(patient.lib))
    if lagging:
        said = f"clusters were not grouped again around {lagging:,} faces yet"
        advice = "--repair does it, and so does phototag scan."
        yield unsettled(problem(AREA, "clusters", said, advice, "regroup"), patient)
        return
    found = checks.clusters(patient.lib)
    for finding in found:
        said = f"{finding.count:,} {finding.said}: {listed(finding.examples, finding.count)}"
        yield unsettled(
            problem(AREA, "clusters", said, "--repair groups all faces anew.", "regroup"), patient
        )
    if not found:
        yield ok(AREA, "clusters", "every cluster has its faces, none twice in a photo")


def _graph(patient: Patient) -> Iterator[Check]:
    lacking, stale = misfit(patient.lib, patient.model, patient.thresholds)
    if not lacking and not stale:
        yield ok(AREA, "neighbours", "the graph of neighbours fits the faces")
        return
    said = f"the graph of neighbours lacks {lacking:,} faces and has {stale:,} too many"
    advice = "--repair makes it anew."
    yield unsettled(problem(AREA, "neighbours", said, advice, "regroup"), patient)


def _from_nothing(patient: Patient) -> Iterator[Check]:
    """Group a copy of the catalogue anew, and compare: names and clusters are a function of the
    photos, the decisions and the model."""
    count = checks.count_live_faces(patient.lib)
    if not patient.is_settled:
        return
    if count > MOST_REGROUPED and not patient.is_thorough:
        said = f"not grouped anew to compare: {count:,} faces take minutes"
        yield Check(AREA, "from nothing", "note", said, "phototag doctor --thorough does it.")
        return
    try:
        changed = regrouped(patient)
    except OSError as error:
        said = f"not grouped anew to compare: {error}"
        yield Check(AREA, "from nothing", "note", said, "It needs room for a copy in TMPDIR.")
        return
    if changed:
        shown = listed(tuple(f"face-{face}" for face in changed[:3]), len(changed))
        said = f"grouping all anew changes {len(changed):,} faces ({shown})"
        advice = "--repair groups all faces anew."
        yield problem(AREA, "from nothing", said, advice, "regroup")
        return
    yield ok(AREA, "from nothing", f"grouping {count:,} faces anew gives the same")


def regrouped(patient: Patient) -> list[int]:
    """The faces whose assignment is another one when a copy of the catalogue is grouped anew."""
    with (
        tempfile.TemporaryDirectory(prefix="phototag-") as folder,
        store.copied(patient.lib, Path(folder)) as copy,
    ):
        before = assignment_table.assignments(copy)
        forget_arrays(copy)
        regroup(copy, patient.model, patient.thresholds, everything=True)
        after = assignment_table.assignments(copy)
    return sorted(f for f in before.keys() | after.keys() if before.get(f) != after.get(f))


def _enrolled(patient: Patient) -> Iterator[Check]:
    gone = enrolled.lacking(patient.lib)
    if gone:
        said = f"of {len(gone):,} enrolled photos neither a file nor a copy is there"
        advice = "What is known of them stays, but another model cannot see them: enroll again."
        yield Check(AREA, "enrolled", "note", said, advice)
        return
    count = sum(1 for _ in enrolled.copies(patient.lib.folder))
    yield ok(AREA, "enrolled", f"{count:,} copies of enrolled photos")


def _recognizer(patient: Patient) -> Iterator[Check]:
    used = recognizer(patient.lib)
    if used.is_gallery:
        yield ok(AREA, "recogniser", "people are recognised by the faces that were named")
        return
    try:
        verify(load_classifier_card(folder_of(patient.lib.folder, used.id)).model)
    except ModelError as error:
        advice = "Name the run again: phototag scan PATH --recognizer classifier:RUN; or gallery."
        yield problem(AREA, "recogniser", str(error), advice)
        return
    yield ok(AREA, "recogniser", f"people are recognised by {used.id}, which is whole")


def _space(patient: Patient) -> Iterator[Check]:
    free = shutil.disk_usage(patient.lib.folder).free
    said = f"{free / 1e9:,.1f} GB free beside the library"
    if free < ENOUGH_SPACE:
        yield problem(AREA, "disk", said, "Free some space: a scan needs room for what it writes.")
    else:
        yield ok(AREA, "disk", said)


LOOKS = (
    _lock,
    _space,
    _roots,
    _mirror,
    _replay,
    _recognizer,
    _enrolled,
    _assignments,
    _clusters,
    _graph,
    _from_nothing,
)
