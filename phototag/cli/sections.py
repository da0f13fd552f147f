"""The commands in `phototag --help`: by what somebody wants, each with its whole sentence."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

SECTIONS = {
    "Every day": ("scan", "clusters", "label", "find", "show", "serve", "undo"),
    "Say who is who": (
        "reject",
        "ignore",
        "not-a-face",
        "draw",
        "restore",
        "rename",
        "merge",
        "split",
        "redo",
        "log",
        "enroll",
    ),
    "Look": ("people", "status", "diff", "identify", "verify", "audit", "video"),
    "Other programs": ("import", "export"),
    "Keep house": ("sheet", "relocate", "doctor", "forget", "calibrate", "models"),
    "Train and measure": ("dataset", "train", "compare", "evaluate"),
}
"""Commands by section, in the order in which they are shown."""

LONGEST = 200
"""More characters than any first sentence has."""


class Sections(TyperGroup):
    """The commands under headings."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        placed = {name for names in SECTIONS.values() for name in names}
        others = tuple(name for name in self.list_commands(ctx) if name not in placed)
        width = max(map(len, self.commands), default=0)
        for title, names in {**SECTIONS, "More": others}.items():
            rows = [
                (name.ljust(width), self.commands[name].get_short_help_str(LONGEST))
                for name in names
                if name in self.commands and not self.commands[name].hidden
            ]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)
