"""`journal.jsonl` against the journal: what a crash, an old backup or an editor made of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phototag.catalog.store import JOURNAL, Library

SHOWN = 3


@dataclass(slots=True)
class Comparison:
    """How the file differs from the table. All zero and empty: it is the same."""

    rows: int = 0
    lacking: int = 0
    """Rows that the file does not have."""
    beyond: int = 0
    """Lines newer than the newest row: the catalogue was put back from an older copy."""
    different: list[int] = field(default_factory=list)
    """Ids whose line says something else than the row, or that the table lacks."""
    damaged: list[int] = field(default_factory=list)
    """Numbers of lines that are no decision."""

    @property
    def is_same(self) -> bool:
        return not (self.lacking or self.beyond or self.different or self.damaged)


def compare(lib: Library) -> Comparison:
    """Read both once, side by side."""
    found = Comparison()
    found.rows = int(lib.db.execute("SELECT COUNT(*) FROM decisions").fetchone()[0])
    newest = int(lib.db.execute("SELECT COALESCE(MAX(id), 0) FROM decisions").fetchone()[0])
    seen: set[int] = set()
    for number, line in _lines(lib.folder / JOURNAL):
        if line is None:
            found.damaged.append(number)
            continue
        row = lib.db.execute(
            "SELECT time, actor, kind, payload FROM decisions WHERE id = ?", (line["id"],)
        ).fetchone()
        if row is None and line["id"] > newest:
            found.beyond += 1
        elif row is None or not _says_the_same(line, row) or line["id"] in seen:
            found.different.append(line["id"])
        seen.add(line["id"])
    found.lacking = found.rows - sum(1 for number in seen if number <= newest)
    found.lacking = max(0, found.lacking)
    return found


def _says_the_same(line: dict[str, Any], row: Any) -> bool:
    return (line["time"], line["actor"], line["kind"]) == tuple(row)[:3] and line[
        "payload"
    ] == json.loads(row["payload"])


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """(number, decision) of each line; None for what is none. A torn last line is left out."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            if not raw.strip():
                continue
            try:
                line = json.loads(raw)
                whole = {key: line[key] for key in ("id", "time", "actor", "kind", "payload")}
                if not isinstance(whole["id"], int):
                    raise TypeError
            except (ValueError, KeyError, TypeError):
                if raw.endswith(b"\n"):
                    yield number, None
                continue
            yield number, whole


def rewrite(lib: Library) -> Path | None:
    """Write the file anew from the table; where the former file is kept, if there was one."""
    path = lib.folder / JOURNAL
    kept = None
    if path.exists():
        kept = path.with_name(f"{JOURNAL}.before-repair")
        number = 1
        while kept.exists():
            number += 1
            kept = path.with_name(f"{JOURNAL}.before-repair-{number}")
    fresh = path.with_name(f".{JOURNAL}.new")
    with fresh.open("w", encoding="utf-8") as lines:
        for row in lib.db.execute("SELECT * FROM decisions ORDER BY id"):
            line = {key: row[key] for key in ("id", "time", "actor", "kind")}
            line["payload"] = json.loads(row["payload"])
            lines.write(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n")
        lines.flush()
        os.fsync(lines.fileno())
    if kept is not None:
        path.replace(kept)
    fresh.replace(path)
    return kept
