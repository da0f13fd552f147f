"""Google Takeout: a JSON file beside each photo, with the names of people and no place of them."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from phototag.images.markup import LARGEST, NotReadable

LONGEST = 51
"""Characters of a name before `.json`: Takeout cuts longer ones."""

_COUNTED = re.compile(r"(.+)(\(\d+\))(\.[^.]+)\Z")

MORE = ".supplemental-metadata"
"""What stands before `.json` since 2024; cut off as the name is."""


def documents_of(path: str) -> list[str]:
    """Where the JSON of a photo may be, best first. `a(1).jpg` has its in `a.jpg(1).json`, and that
    of `a-edited.jpg` is the original's."""
    folder, name = os.path.split(path)
    names = [name]
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 (names not UTF-8)
    if stem.endswith("-edited"):
        names.append(stem.removesuffix("-edited") + suffix)
    found = []
    for each in names:
        said = _COUNTED.match(each)
        base, number = (said[1] + said[3], said[2]) if said else (each, "")
        found.append(f"{_cut(base + MORE)}{number}.json")
        found.append(f"{_cut(base)}{number}.json")
        if number:
            found.append(f"{each}.json")
        found.append(f"{os.path.splitext(base)[0]}{number}.json")  # noqa: PTH122
    return [os.path.join(folder, each) for each in dict.fromkeys(found)]  # noqa: PTH118


def _cut(name: str) -> str:
    return name[:LONGEST] if len(name) > LONGEST else name


def read_people(path: str) -> list[str] | None:
    """The names in such a file; None where there is none, or it is not Takeout's. Raises
    NotReadable."""
    try:
        if os.stat(path).st_size > LARGEST:  # noqa: PTH116
            raise NotReadable(f"it has more than {LARGEST:,} bytes")
        said: Any = json.loads(Path(path).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise NotReadable(error.strerror or str(error)) from error
    except (ValueError, RecursionError) as error:
        raise NotReadable(f"it is no JSON ({error})") from error
    if not isinstance(said, dict) or not isinstance(said.get("title"), str):
        return None
    people = said.get("people")
    listed = people if isinstance(people, list) else []
    names = (entry.get("name") for entry in listed if isinstance(entry, dict))
    return [name for name in names if isinstance(name, str) and name.strip()]
