"""Which of the faces that a user named are named wrong? The likeliest first, with the commands that
put them right. Nothing is changed."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phototag.catalog import evidence
from phototag.catalog import verdicts as verdict_table
from phototag.catalog.examples import Decided, decided_faces
from phototag.catalog.store import Library
from phototag.core.audit import Suspicions, suspect
from phototag.core.leave_out import NONE, Trials, trials
from phototag.core.quality import GOOD
from phototag.core.types import Thresholds
from phototag.work.calibrate import stand_of
from phototag.work.names import person_wanted


@dataclass(frozen=True, slots=True)
class Doubt:
    """A named face, and what speaks against its name."""

    face: str
    person: str
    suspicion: float
    """Above 0: somebody else fits better, or the date cannot be."""
    own: float | None
    """How well it fits its person, its own photo left out; None: it is the only one."""
    rival: str | None
    """Who fits best besides."""
    rival_score: float | None
    quality: float
    taken: str | None
    why: tuple[str, ...]
    path: str | None
    """A file of its photo."""
    fix: str | None
    """The command to say so; None: nothing speaks against it."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What came out."""

    person: str | None
    """None: everybody."""
    faces: int
    """That were looked at."""
    suspicious: int
    doubts: tuple[Doubt, ...]
    """The most suspicious first, as many as were asked for."""
    fixes: tuple[str, ...]
    """Commands for the suspicious ones among them, those of one kind together."""


def audit(
    lib: Library, model: str, thresholds: Thresholds, today: str, name: str | None, limit: int
) -> Audit:
    """Rank the named faces of a person, or of everybody. Raises NotFound."""
    names = verdict_table.people(lib)
    person = None if name is None else person_wanted(lib, name)
    decided = decided_faces(lib, model)
    wanted = np.ones(len(decided.people), bool) if person is None else decided.people == person
    rows = np.flatnonzero(wanted)
    people, taken = decided.people[rows], [decided.taken[row] for row in rows]
    found = trials(decided.vectors[rows], people, decided.photos[rows], stand_of(decided))
    ranked = suspect(
        found, people, decided.qualities[rows], taken, alone=thresholds.suggest, today=today
    )
    order = ranked.order()[:limit]
    paths = evidence.first_paths(lib, [int(decided.faces[rows[at]]) for at in order])
    judge = _Judge(names, thresholds, decided, rows, found, ranked, paths)
    doubts = tuple(judge.doubt(at) for at in order.tolist())
    shown = None if person is None else names[person]
    count = int((ranked.suspicion > 0).sum())
    return Audit(shown, len(rows), count, doubts, _fixes(doubts, thresholds))


@dataclass(frozen=True, slots=True)
class _Judge:
    """What was found, face by face in words."""

    names: Mapping[int, str]
    thresholds: Thresholds
    decided: Decided
    rows: NDArray[np.intp]
    """Of `decided`: the faces that were tried."""
    found: Trials
    ranked: Suspicions
    paths: Mapping[int, str]

    def doubt(self, at: int) -> Doubt:
        """The face at a place of `rows`."""
        row, found = self.rows[at], self.found
        face, rival = int(self.decided.faces[row]), int(found.rival[at])
        who, other = self.names[int(self.decided.people[row])], self.names.get(rival)
        own = round(float(found.own[at]), 4) if found.own[at] > NONE else None
        score = round(float(found.rival_score[at]), 4) if rival >= 0 else None
        quality = round(float(self.decided.qualities[row]), 4)
        suspicion = round(float(self.ranked.suspicion[at]), 4)
        fix = _fix(who, [f"face-{face}"], _heir(other, score, self.thresholds))
        return Doubt(
            face=f"face-{face}",
            person=who,
            suspicion=suspicion,
            own=own,
            rival=other,
            rival_score=score,
            quality=quality,
            taken=self.decided.taken[row],
            why=_why(who, own, other, score, quality, self.ranked.dates[at]),
            path=self.paths.get(face),
            fix=fix if suspicion > 0 else None,
        )


def _why(
    who: str,
    own: float | None,
    other: str | None,
    score: float | None,
    quality: float,
    date: str | None,
) -> tuple[str, ...]:
    said = [] if date is None else [date]
    if own is None:
        said.append(f"the only photo of {who}")
    if other is not None and score is not None and score > (-1 if own is None else own):
        said.append(f"fits {other} better" if own is not None else f"{score:.2f} like {other}")
    if quality < GOOD:
        said.append(f"quality {quality:.2f}")
    return tuple(said)


def _heir(other: str | None, score: float | None, thresholds: Thresholds) -> str | None:
    """Who it is instead, where that much can be said."""
    return other if score is not None and score >= thresholds.suggest else None


def _fix(who: str, faces: Sequence[str], heir: str | None) -> str:
    into = "" if heir is None else f" --into {shlex.quote(heir)}"
    return f"phototag split {shlex.quote(who)} --faces {','.join(faces)}{into}"


def _fixes(doubts: Sequence[Doubt], thresholds: Thresholds) -> tuple[str, ...]:
    together: dict[tuple[str, str | None], list[str]] = defaultdict(list)
    for doubt in doubts:
        if doubt.fix is not None:
            heir = _heir(doubt.rival, doubt.rival_score, thresholds)
            together[doubt.person, heir].append(doubt.face)
    return tuple(_fix(who, faces, heir) for (who, heir), faces in together.items())
