"""How a library is opened: with its journal met, and with the settings that were in force last."""

from __future__ import annotations

from typing import Any

from phototag.catalog import journal
from phototag.catalog.recognizer import recognizer
from phototag.catalog.store import Library, meta


def as_written(lib: Library) -> dict[str, Any]:
    """Where the library's outputs are, as the last command wrote them, and what recognises:
    settings that hold until others are chosen."""
    used = recognizer(lib)
    found: dict[str, Any] = {} if used.is_gallery else {"recognizer": f"classifier:{used.id}"}
    said = (meta(lib, "outputs") or "").split()
    if len(said) < 2:
        return found
    return {**found, "sidecars": said[0], "thumbnails": said[1] == "True"}


def meet_mirror(lib: Library) -> int:
    """Bring the journal and `journal.jsonl` together; how many decisions only the file had. They
    count again: the catalogue is new, or was put back from an older copy."""
    count = journal.restore_from_mirror(lib)
    journal.mirror(lib)
    return count
