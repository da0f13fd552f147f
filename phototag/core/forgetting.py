"""A person leaves the journal: what each row says when they were never there.

Names in payloads mean what they meant when they were written, so the journal is followed from its
beginning to tell which rows speak of the person, under whatever name, and which of somebody else
who once had the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from phototag.core.decisions import KINDS, PARTS, Decision, State, entries_of, same_name, standing

FORGOTTEN = "forgotten"
"""Kind of a row that is left of a decision about a forgotten person: it says nothing."""

IMPORTED = (*PARTS, "lives")
"""Parts of an import's payload."""

_FIELDS = ("person", "into", "name")


@dataclass(slots=True)
class Forgotten:
    """What becomes of the journal."""

    rows: dict[int, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    """Rows that change: number → (kind, payload)."""
    names: set[str] = field(default_factory=set)
    """Every name that the person ever had."""


def without(decisions: Iterable[Decision], name: str) -> Forgotten:
    """The journal without the person who is called `name` now."""
    rows = sorted(decisions, key=lambda d: d.id)
    said, state, heirs = _followed(rows)
    person = state.person_named(name)
    found = Forgotten(names={name})
    if person is None:
        return found
    who = {row: {n: _final(p, heirs) for n, p in those.items()} for row, those in said.items()}
    found.names |= {n for those in who.values() for n, p in those.items() if p == person.id}
    found.names.add(person.name)
    keys = {same_name(n) for n in found.names}
    namesakes = {
        p: state.people[p].name
        for those in who.values()
        for n, p in those.items()
        if p != person.id and same_name(n) in keys and p in state.people
    }
    for decision in rows:
        new = _new(decision, who.get(decision.id), person.id, keys, namesakes)
        if new != (decision.kind, dict(decision.payload)):
            found.rows[decision.id] = new
    return found


def _followed(
    rows: Iterable[Decision],
) -> tuple[dict[int, dict[str, int]], State, dict[int, int]]:
    """(standing row → who each of its names was, the state at the end without faces, who became
    whom by a merge)."""
    state = State()
    said: dict[int, dict[str, int]] = {}
    heirs: dict[int, int] = {}
    for decision in standing(rows):
        names = _names(decision.payload)
        before = {n: state.person_named(n) for n in names}
        state.apply(decision, lambda _: [])
        after = {n: state.person_named(n) for n in names}
        known = {n: before[n] or after[n] for n in names}
        said[decision.id] = {n: p.id for n, p in known.items() if p is not None}
        if decision.kind == "merge":
            gone, heir = known[decision.payload["person"]], known[decision.payload["into"]]
            if gone is not None and heir is not None and gone.id != heir.id:
                heirs[gone.id] = heir.id
    return said, state, heirs


def _names(payload: Mapping[str, Any]) -> list[str]:
    found = [payload[name] for name in _FIELDS if payload.get(name)]
    for entry in (*entries_of(payload), *payload.get("lives", ())):
        if entry.get("person"):
            found.append(entry["person"])
    return list(dict.fromkeys(found))


def _final(person: int, heirs: Mapping[int, int]) -> int:
    while person in heirs:
        person = heirs[person]
    return person


def _new(
    decision: Decision,
    who: Mapping[str, int] | None,
    person: int,
    keys: set[str],
    namesakes: Mapping[int, str],
) -> tuple[str, dict[str, Any]]:
    """A row as it is from now on."""
    kind, payload = decision.kind, dict(decision.payload)
    if kind not in KINDS:
        return kind, payload
    if who is None:  # undone: nobody knows any more whom it meant
        mine = any(same_name(name) in keys for name in _names(payload))
        return (FORGOTTEN, {}) if mine else (kind, payload)

    def is_hers(name: object) -> bool:
        return isinstance(name, str) and who.get(name) == person

    if kind == "import":
        for part in IMPORTED:
            if part in payload:
                payload[part] = [e for e in payload[part] if not is_hers(e.get("person"))]
        if not any(payload.get(part) for part in IMPORTED):
            return FORGOTTEN, {}
    elif kind == "split" and is_hers(payload["person"]) != is_hers(payload.get("into")):
        hers = is_hers(payload["person"])
        other = payload.get("into") if hers else payload["person"]
        if not other:
            return FORGOTTEN, {}
        kind = "label" if hers else "reject"
        payload = {"person": other, "faces": payload["faces"]}
    elif any(is_hers(payload.get(name)) for name in _FIELDS):
        return FORGOTTEN, {}
    if kind == "rename" and who.get(payload["person"]) in namesakes:
        return FORGOTTEN, {}
    return kind, _called_as_now(payload, who, namesakes)


def _called_as_now(
    payload: dict[str, Any], who: Mapping[str, int], namesakes: Mapping[int, str]
) -> dict[str, Any]:
    """With the present names of people who once had a name that is forgotten."""

    def now(name: str) -> str:
        return namesakes.get(who.get(name, -1), name)

    for each in _FIELDS:
        if isinstance(payload.get(each), str):
            payload[each] = now(payload[each])
    for part in IMPORTED:
        if any("person" in entry for entry in payload.get(part, ())):
            payload[part] = [
                {**e, "person": now(e["person"])} if "person" in e else e for e in payload[part]
            ]
    return payload
