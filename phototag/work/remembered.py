"""What an undo or redo takes from the log instead of grouping anew.

The grouping is a function of the photos, the decisions and the model. So where nothing but the
decision lies between two states, taking it back leads to the groups that stood before it, and these
were noted. In a library of 100,000 faces that is a tenth of the time (`benchmarks/library.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phototag.catalog import clusters as table
from phototag.catalog.clusters import AFTER, BEFORE
from phototag.catalog.store import Library


@dataclass(frozen=True, slots=True)
class Again:
    """Which decision an undo takes back, or a redo repeats."""

    decision: int
    side: int
    """`clusters.BEFORE` or `clusters.AFTER`."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """The clusters that a decision changed: numbers and faces."""

    now: Mapping[int, Collection[int]]
    """As they are."""
    then: Mapping[int, Collection[int]]
    """As they will be."""

    def fits(self, lib: Library, clusters: Mapping[int, int], open_now: Collection[int]) -> bool:
        """Whether the catalogue is as it was noted: `clusters` gives the cluster of each face
        before the decision was taken back (or repeated), `open_now` those without a name after."""
        there: dict[int, set[int]] = {number: set() for number in self.now}
        for face, number in clusters.items():
            if number in there:
                there[number].add(face)
        new = self.then.keys() - self.now.keys()
        return (
            all(there[number] == set(faces) for number, faces in self.now.items())
            and all(face in open_now for faces in self.then.values() for face in faces)
            and not any(table.is_alive(lib, number) for number in new)
        )


def remembered(lib: Library, again: Again) -> Remembered | None:
    """What is noted of a decision; None where something else changed the grouping since."""
    number = again.decision
    wanted = str(number) if again.side == BEFORE else table.stood_before(lib, number)
    if not wanted or table.standing(lib) != wanted:
        return None
    before = table.logged_clusters(lib, number, BEFORE)
    after = table.logged_clusters(lib, number, AFTER)
    if before is None or after is None:
        return None
    return Remembered(after, before) if again.side == BEFORE else Remembered(before, after)


def note_standing(lib: Library, decision: int | None, again: Again | None, *, plain: bool) -> None:
    """Say which grouping stands now. `plain`: nothing but the decision was settled."""
    before = table.standing(lib)
    if decision is None or not plain:
        table.set_standing(lib, "")
    elif again is None:
        table.log_standing(lib, decision, before or f"before {decision}")
        table.set_standing(lib, str(decision))
    elif again.side == BEFORE:
        stood = table.stood_before(lib, again.decision) if before == str(again.decision) else None
        table.set_standing(lib, stood or "")
    else:
        same = before and before == table.stood_before(lib, again.decision)
        table.set_standing(lib, str(again.decision) if same else "")


def as_mapping(faces: NDArray[np.int64], clusters: NDArray[np.int64]) -> dict[int, int]:
    """Cluster by face, of those in one."""
    those = clusters >= 0
    return dict(zip(faces[those].tolist(), clusters[those].tolist(), strict=True))
