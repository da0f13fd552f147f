"""What it gains and costs to weigh a child's examples by age, and to ask for a larger margin.

    python benchmarks/ages.py ../shared/faces [--json]

There are no faces of growing children here, so growing up is simulated on a strong recogniser's
vectors of labelled faces (people with 12 faces and more). Each face is given an age from 0 to 16.
What a person's faces have in common is moved with age on a random path: part of it stays, the rest
is forgotten with the difference of the ages' logarithms (a child changes more in its second year
than in its twelfth). At one age faces are as alike as they were. The path is fitted to the share of
pairs that are accepted at a false accept rate of 0.1 % when a year (90.2 %) and three years
(73.3 %) lie between them (Deb, Nain, Jain: Longitudinal Study of Child Face Recognition, ICB 2018,
ages 2 to 18). And infants are moved towards one point, so that two children under six are mistaken
for one another ten times as often as others: an assumption, and without it beside it.

A third of the people is nobody here. Half of the faces of the others are examples, all the rest is
asked for. Reported: of the known, how many get their name, and of a thousand faces, how many get a
wrong one, at the `accept` that one stranger in 10,000 reaches on faces that do not grow; and how
many get their name where `accept` is moved until 1 or 10 in 1,000 are wrong: what is gained at any
threshold. What this cannot tell: whether real faces grow like that.

`--spans`: the law that nobody is recognised before their birth, instead; births are spread over 60
years, all known, each photo's date is that of its child's age, and none or one date in 20 is wrong
(any year of the collection, as a scanner or a camera without a battery says).
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phototag.core import lives
from phototag.core.examples import highest
from phototag.core.types import Vectors, on_grid

LEAST, MOST = 12, 24
OLDEST = 16.0
MARGIN = 0.05
STAYS = 0.3
REACHES = (0.3, 0.4, 0.45, 0.5, 0.6)
PULLS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
FADES = (0.0, 0.02, 0.04, 0.06, 0.1, 0.15)
MARGINS = (0.0, 0.02, 0.04, 0.06, 0.1)
YEARS = 60.0
MARGINS_AT = (0.0, 0.04)
SEEDS = 3


@dataclass(frozen=True, slots=True)
class Faces:
    vectors: Vectors
    people: NDArray[np.int64]
    ages: NDArray[np.float64]


def labelled(folder: Path) -> tuple[Vectors, NDArray[np.int64]]:
    """Vectors [n, d] and people [n] of everybody with enough faces; at most `MOST` of each."""
    vectors, people = [], []
    for name in ("shard-0", "shard-1", "shard-2", "calibration"):
        with np.load(folder / f"{name}.npz") as shard:
            known = shard["label"] >= 0
            labels = shard["label"][known].astype(np.int64)
            people.append(labels + (10**6 if name == "calibration" else 0))
            vectors.append(shard["target"][known].astype(np.float32))
    every, who = np.concatenate(vectors), np.concatenate(people)
    rows = []
    for person in np.unique(who):
        own = np.flatnonzero(who == person)
        if len(own) >= LEAST:
            rows.append(own[:MOST])
    chosen = np.concatenate(rows)
    return every[chosen] / np.linalg.norm(every[chosen], axis=1, keepdims=True), who[chosen]


def grown(
    vectors: Vectors, people: NDArray[np.int64], reach: float, infant: float, seed: int
) -> Faces:
    """The faces as those of children. `reach`: doublings of the age (plus one) after which a path
    has forgotten all but 1/e of what changes."""
    dice = np.random.default_rng(seed)
    count, dim = vectors.shape
    ages = dice.uniform(0, OLDEST, count)
    place = np.log2(1 + ages)
    common = dice.normal(size=dim)
    common /= np.linalg.norm(common)
    moved = vectors.astype(np.float64)
    for person in np.unique(people):
        own = np.flatnonzero(people == person)
        mean = moved[own].mean(axis=0)
        near = np.exp(-np.abs(place[own, None] - place[None, own]) / reach)
        root = np.linalg.cholesky(near + 1e-6 * np.eye(len(own)))
        path = root @ dice.normal(size=(len(own), dim)) / np.sqrt(dim)
        size = np.linalg.norm(mean)
        moved[own] += (np.sqrt(STAYS) - 1) * mean + np.sqrt(1 - STAYS) * size * path
    moved += infant * np.exp(-ages / 4)[:, None] * common
    return Faces(on_grid(moved), people, ages)


def accepted(faces: Faces, gap: float, seed: int = 0) -> float:
    """The share of pairs of one person, 2 years old and more and about `gap` years apart, above the
    similarity that one pair of strangers in 1,000 reaches."""
    dice = np.random.default_rng(seed)
    one, other = dice.integers(0, len(faces.people), (2, 400_000))
    strange = faces.people[one] != faces.people[other]
    sims = (faces.vectors[one] * faces.vectors[other]).sum(axis=1)
    bar = np.quantile(sims[strange], 0.999)
    mine = []
    for person in np.unique(faces.people):
        own = np.flatnonzero((faces.people == person) & (faces.ages >= 2))
        apart = np.abs(faces.ages[own, None] - faces.ages[None, own])
        rows, columns = np.nonzero(np.triu(np.abs(apart - gap) < 0.5, 1))
        mine.append((faces.vectors[own[rows]] * faces.vectors[own[columns]]).sum(axis=1))
    return float((np.concatenate(mine) >= bar).mean())


def crowding(faces: Faces, bar: float) -> float:
    """How many times as often two children under six reach a similarity as two of other ages."""
    rates = []
    for chosen in (faces.ages < lives.YOUNG, faces.ages >= lives.YOUNG):
        vectors, people = faces.vectors[chosen], faces.people[chosen]
        strange = people[:, None] != people[None]
        rates.append(float(((vectors @ vectors.T) >= bar)[strange].mean()))
    return rates[0] / max(rates[1], 1e-9)


def fitted(vectors: Vectors, people: NDArray[np.int64], times: float) -> dict[str, float]:
    """How far the path reaches, and how strong the common point is."""
    found = [(reach, grown(vectors, people, reach, 0.0, 1)) for reach in REACHES]
    misses = [abs(accepted(f, 1) - 0.902) + abs(accepted(f, 3) - 0.733) for _, f in found]
    reach, still = found[int(np.argmin(misses))]
    bar = accept_at(still)
    infant = 0.0
    if times > 1:
        infant = min(
            (abs(np.log(crowding(grown(vectors, people, reach, pull, 1), bar) / times)), pull)
            for pull in PULLS
        )[1]
    faces = grown(vectors, people, reach, infant, 1)
    return {
        "reach": reach,
        "infant": infant,
        "accepted_after_1_year": round(accepted(still, 1), 3),
        "accepted_after_3_years": round(accepted(still, 3), 3),
        "crowding_under_six": round(crowding(faces, bar), 1),
    }


def accept_at(faces: Faces, rate: float = 1e-3) -> float:
    sims = faces.vectors @ faces.vectors.T
    strange = faces.people[:, None] != faces.people[None]
    return float(np.quantile(sims[strange], 1 - rate))


@dataclass(frozen=True, slots=True)
class Asked:
    """Faces that are asked for, and how alike they are to every example."""

    people: NDArray[np.int64]
    """-1 for children who are nobody here."""
    children: NDArray[np.int64]
    """Who they are."""
    ages: NDArray[np.float64]
    sims: Vectors
    """[examples, asked]"""
    example_people: NDArray[np.int64]
    example_ages: NDArray[np.float64]

    def scores(self, fade: float) -> Vectors:
        """[people, asked], each person's examples weighed by themselves."""
        lives.FADE = fade
        found = []
        for name in np.unique(self.example_people):
            own = self.example_people == name
            sims = self.sims[own] - lives.faded(self.ages, self.example_ages[own])
            found.append(highest(sims, min(3, len(sims))).mean(axis=0))
        return np.stack(found)

    def born_yet(self, wrong_dates: float) -> NDArray[np.bool_]:
        """[people, asked]: whether each person was born when each photo was taken."""
        dates = births(self.children) + self.ages
        dice = np.random.default_rng(1)
        wrong = dice.random(len(dates)) < wrong_dates
        dates = np.where(wrong, dice.uniform(0, YEARS + OLDEST, len(dates)), dates)
        return births(np.unique(self.example_people))[:, None] <= dates[None]


def births(people: NDArray[np.int64]) -> NDArray[np.float64]:
    """Years from the collection's first."""
    return np.array([np.random.default_rng(p).uniform(0, YEARS) for p in people.tolist()])


def asked(faces: Faces, seed: int) -> Asked:
    """A third of the people is nobody here; of the others, half of the faces are examples."""
    dice = np.random.default_rng(seed)
    names = dice.permutation(np.unique(faces.people))
    here = np.isin(faces.people, names[len(names) // 3 :])
    half = dice.random(len(faces.people)) < 0.5
    examples, probes = here & half, ~(here & half)
    return Asked(
        np.where(here, faces.people, -1)[probes],
        faces.people[probes],
        faces.ages[probes],
        faces.vectors[examples] @ faces.vectors[probes].T,
        faces.people[examples],
        faces.ages[examples],
    )


@dataclass(frozen=True, slots=True)
class Turn:
    """Best and second-best person of every face that is asked for."""

    probes: Asked
    best: NDArray[np.int64]
    score: Vectors
    lead: Vectors

    @staticmethod
    def of(probes: Asked, fade: float, wrong_dates: float | None = None) -> Turn:
        """`wrong_dates`: with the law of births, and such a share of wrong dates."""
        scores = probes.scores(fade)
        if wrong_dates is not None:
            scores = np.where(probes.born_yet(wrong_dates), scores, np.float32(-1))
        order = np.argsort(-scores, axis=0)[:2]
        columns = np.arange(scores.shape[1])
        top, next_ = scores[order[0], columns], scores[order[1], columns]
        return Turn(probes, np.unique(probes.example_people)[order[0]], top, top - next_)

    def outcome(self, accept: float, more: float, young: bool) -> tuple[float, float]:
        """(share of the known that get their name, wrong names in 1,000 faces)."""
        ages = self.probes.ages
        only = ages < lives.YOUNG if young else np.ones(len(ages), dtype=bool)
        given = (self.score >= accept) & (
            self.lead >= MARGIN + np.where(ages < lives.YOUNG, more, 0.0)
        )
        right = self.best == self.probes.people
        known = only & (self.probes.people >= 0)
        return float((given & right)[known].mean()), float(1000 * (given & ~right)[only].mean())


Result = tuple[float, float]


def mean(turns: list[tuple[Turn, float]], more: float, young: bool, shift: float) -> Result:
    found = [turn.outcome(accept + shift, more, young) for turn, accept in turns]
    return float(np.mean([f[0] for f in found])), float(np.mean([f[1] for f in found]))


def row(turns: list[tuple[Turn, float]], more: float, young: bool) -> dict[str, float | str]:
    named, missed = mean(turns, more, young, 0.0)
    moved = [mean(turns, more, young, shift) for shift in np.arange(-0.4, 0.2, 0.004)]
    return {
        "faces": "under six" if young else "all",
        "named": round(named, 4),
        "wrong_in_1000": round(missed, 2),
        **{
            f"named_at_{most}_wrong": round(max(n for n, w in moved if w <= most), 4)
            for most in (1, 10)
        },
    }


def measured(
    vectors: Vectors, people: NDArray[np.int64], times: float, spans: bool
) -> dict[str, Any]:
    fit = fitted(vectors, people, times)
    worlds = []
    for seed in range(SEEDS):
        still = asked(Faces(on_grid(vectors), people, np.full(len(people), 30.0)), seed)
        level, names = still.scores(0.0), np.unique(still.example_people)
        accept = float(np.quantile(level[names[:, None] != still.people[None]], 1 - 1e-4))
        worlds.append(
            (asked(grown(vectors, people, fit["reach"], fit["infant"], seed), seed), accept)
        )
    rows = []
    for dates in (None, 0.0, 0.05) if spans else ():
        turns = [(Turn.of(probes, 0.02, dates), accept) for probes, accept in worlds]
        rows += [{"wrong_dates": dates, **row(turns, 0.0, young)} for young in (False, True)]
    for fade in () if spans else FADES:
        turns = [(Turn.of(probes, fade), accept) for probes, accept in worlds]
        for more in MARGINS if fade in MARGINS_AT else (0.0,):
            for young in (False, True):
                found = row(turns, more, young)
                rows.append({"fade": fade, "more_margin": more, **found})
    return {"times": times, **fit, "accept": round(worlds[0][1], 3), "rows": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--spans", action="store_true")
    words = parser.parse_args()
    vectors, people = labelled(words.folder)
    for times in (10.0, 1.0):
        found = measured(vectors, people, times, words.spans)
        found = {"people": len(np.unique(people)), "faces": len(people), **found}
        if words.json:
            print(json.dumps(found))
            continue
        print({k: v for k, v in found.items() if k != "rows"})
        for row in found["rows"]:
            print(*row.values(), sep="\t")


if __name__ == "__main__":
    main()
