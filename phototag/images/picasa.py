"""Picasa's `.picasa.ini`: faces by rectangle and contact.

`faces=rect64(HEX),CONTACT;…` in the section of each photo. The names of contacts are in the ini
itself (`[Contacts2]`, since version 3.9) or in Picasa's `contacts.xml`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from phototag.core.regions import Region
from phototag.core.types import Box
from phototag.images.markup import LARGEST, NotReadable, parse

NAMES = (".picasa.ini", "Picasa.ini", "picasa.ini")

UNKNOWN = "ffffffffffffffff"
"""The contact of a face that Picasa's user gave no name."""

_FACE = re.compile(r"rect64\(([0-9a-fA-F]{1,16})\)\s*,\s*([0-9a-zA-Z]+)")
_SECTION = re.compile(r"\[(.+)\]\s*\Z")

Contacts = Mapping[str, str]
"""From a contact's id, without leading zeros, to the name."""


def read_text(path: str) -> str:
    """UTF-8, else Latin-1: old versions wrote what Windows had. Raises NotReadable."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise NotReadable(error.strerror or str(error)) from error
    if len(data) > LARGEST:
        raise NotReadable(f"it has {len(data):,} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def sections(text: str) -> dict[str, dict[str, str]]:
    """The lines of each section by key. A photo's name may hold anything but a line's end, so this
    is no ini file that Python's own reader would take."""
    found: dict[str, dict[str, str]] = {}
    lines: dict[str, str] = {}
    for line in text.splitlines():
        said = _SECTION.match(line)
        if said is not None:
            lines = found.setdefault(said[1], {})
        elif "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            lines[key.strip()] = value.strip()
    return found


def contacts_in(ini: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """`id=Name;mail;…` of `[Contacts2]`. (`[Contacts]` of older versions names web accounts.)"""
    lines = ini.get("Contacts2", {})
    names = {key: value.split(";")[0].strip() for key, value in lines.items()}
    return {_bare(key): name for key, name in names.items() if name}


def read_contacts(path: str) -> dict[str, str]:
    """A `contacts.xml`. Raises NotReadable."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise NotReadable(error.strerror or str(error)) from error
    return {
        _bare(node.attributes["id"]): node.attributes["name"].strip()
        for node in parse(data).walk()
        if node.name == "contact" and node.attributes.get("id") and node.attributes.get("name")
    }


def faces_of(lines: Mapping[str, str], contacts: Contacts) -> tuple[list[Region], int]:
    """(faces with a name, number of those whose contact nobody names) of a photo's section.

    Boxes in fractions: of the upright photo, and of a RAW file before its orientation.
    """
    found, nameless = [], 0
    for code, contact in _FACE.findall(lines.get("faces", "")):
        if contact.lower() == UNKNOWN:
            continue
        name = contacts.get(_bare(contact))
        if name is None:
            nameless += 1
        else:
            found.append(Region(name, rect64(code)))
    return found, nameless


def rect64(code: str) -> Box:
    """Left, top, right, bottom as 16 bits each, without leading zeros."""
    whole = code.rjust(16, "0")
    left, top, right, bottom = (int(whole[at : at + 4], 16) / 65535 for at in (0, 4, 8, 12))
    return Box(left, top, right - left, bottom - top)


def _bare(contact: str) -> str:
    return contact.lower().lstrip("0") or "0"
