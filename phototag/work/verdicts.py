"""The journal's outcome: keep what the catalogue holds of it in step with the decisions."""

from __future__ import annotations

from dataclasses import dataclass, field

from phototag.catalog import drawings as drawing_table
from phototag.catalog import journal
from phototag.catalog import photos as photo_table
from phototag.catalog import verdicts as table
from phototag.catalog.assignments import assigned, automatic_of, give_to
from phototag.catalog.faces import photos_behind, photos_of, resolver
from phototag.catalog.store import Library, meta, set_meta
from phototag.core.decisions import Anchor, Decision, State, entries_of, replay, same_name
from phototag.core.drawings import drawings, drawings_of


@dataclass(frozen=True, slots=True)
class Change:
    """What became different between two states."""

    people: frozenset[int] = field(default_factory=frozenset)
    """People with other decided faces, or who came or went."""
    faces: frozenset[int] = field(default_factory=frozenset)
    """Faces with another verdict or refusal."""
    photos: frozenset[str] = field(default_factory=frozenset)
    """Keys of photos that may show somebody twice from now on, or no more."""
    lives: frozenset[int] = field(default_factory=frozenset)
    """People of whom something else is known about when they lived."""

    def __or__(self, other: Change) -> Change:
        return Change(
            self.people | other.people,
            self.faces | other.faces,
            self.photos | other.photos,
            self.lives | other.lives,
        )


def apply(lib: Library, decision: Decision) -> Change:
    """Let one new decision take effect, reading only what it touches."""
    if table.kept_people(lib):  # a name may mean somebody who is only kept
        return replay_all(lib)
    drawing_table.bring(lib, drawings_of(decision))
    entries = entries_of(decision.payload)
    resolve = resolver(lib, [entry["photo"] for entry in entries])
    faces: list[int] = []
    for entry in entries:
        if "box" not in entry:
            continue
        faces += resolve(Anchor.parse(entry))
    old = table.load_part(lib, faces, _people_meant(lib, decision))
    new = old.copy()
    new.apply(decision, resolve)
    return _settle(lib, old, new)


def take_back(lib: Library, decision: Decision) -> Change:
    """Let a decision that was undone have no effect any more: the journal is replayed, as far as it
    speaks of the same faces. Call inside a transaction."""
    if decision.kind == "merge" or drawings_of(decision) or table.kept_people(lib):
        return replay_all(lib)  # these change other faces, too
    anchors = [Anchor.parse(entry) for entry in entries_of(decision.payload) if "box" in entry]
    resolve = resolver(lib, {anchor.photo for anchor in anchors})
    faces = {face for anchor in anchors for face in resolve(anchor)}
    faces |= table.faces_decided_by(lib, decision.id)
    photos = photos_behind(lib, faces)

    def resolve_these(anchor: Anchor) -> list[int]:
        there = resolve(anchor) if anchor.photo in photos else ()
        return [face for face in there if face in faces]

    old = table.load_state(lib, faces)
    return _settle(lib, old, replay(journal.decisions(lib), resolve_these))


def _people_meant(lib: Library, decision: Decision) -> list[int]:
    """People all of whose faces a decision may change."""
    if decision.kind != "merge":
        return []
    state = table.load_part(lib, ())
    both = (state.person_named(decision.payload[word]) for word in ("person", "into"))
    return [person.id for person in both if person is not None]


def replay_all(lib: Library) -> Change:
    """Replay the whole journal and write what follows. Call inside a transaction."""
    old = table.load_state(lib)
    rows = journal.decisions(lib)
    drawn = drawings(rows)
    drawing_table.bring(lib, drawn)
    drawing_table.take_away(lib, drawn)
    new = replay(rows, resolver(lib, journal.photos_named(lib)))
    return _settle(lib, old, new)


def catch_up(lib: Library) -> Change:
    """Replay the journal if the catalogue lacks something of it (rows came from
    `journal.jsonl`)."""
    if int(meta(lib, "replayed") or 0) == journal.newest_id(lib):
        return Change()
    return replay_all(lib)


def _settle(lib: Library, old: State, new: State) -> Change:
    table.save_state(lib, old, new)
    set_meta(lib, "replayed", str(journal.newest_id(lib)))
    _republish_renamed(lib, old, new)
    _renew_kept(lib)
    told = photo_table.photos_with_keys(lib, {photo for photo, _ in old.present ^ new.present})
    told |= {heir for photo in told for heir in drawing_table.same_pixels(lib, photo)}
    photo_table.unpublish(lib, sorted(told))
    return difference(old, new)


def _renew_kept(lib: Library) -> None:
    """Somebody who was only kept, and has the name of a person again, is that person."""
    kept = table.kept_people(lib)
    if not kept:
        return
    names = table.people(lib)
    known = {same_name(name): p for p, name in names.items() if p not in kept}
    for person in kept & names.keys():
        heir = known.get(same_name(names[person]))
        if heir is not None:
            give_to(lib, automatic_of(lib, [person]), heir)
            table.release_people(lib, [person])


def _republish_renamed(lib: Library, old: State, new: State) -> None:
    """Photos that show a name that changed are written again."""
    for person in new.people.values():
        if person.id in old.people and old.people[person.id].name != person.name:
            shown = assigned(lib, "person_id", person.id)
            shown += assigned(lib, "suggestion_id", person.id)
            photo_table.unpublish(lib, sorted(set(photos_of(lib, shown).values())))


def difference(old: State, new: State) -> Change:
    """What changed between two states, or between the same parts of two."""
    faces = {
        f
        for f in old.verdicts.keys() | new.verdicts.keys()
        if old.verdicts.get(f) != new.verdicts.get(f)
    }
    people = {
        v.person
        for state in (old, new)
        for f, v in state.verdicts.items()
        if f in faces and v.person is not None
    }
    people |= old.people.keys() ^ new.people.keys()
    faces |= {f for f, _ in old.rejected ^ new.rejected}
    lives = {p for p, _ in old.lives.items() ^ new.lives.items()}
    return Change(
        frozenset(people | lives),
        frozenset(faces),
        frozenset(old.twice ^ new.twice),
        frozenset(lives),
    )
