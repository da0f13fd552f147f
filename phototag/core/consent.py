"""How much a scan may change of the names that it gave earlier, without anybody looking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from phototag.errors import UsageError

Kind = Literal["named", "moved", "withdrawn"]


@dataclass(frozen=True, slots=True)
class NameChange:
    """An undecided face whose automatic name becomes another."""

    face: int
    was: int | None
    """Person."""
    now: int | None

    @property
    def kind(self) -> Kind:
        if self.was is None:
            return "named"
        return "withdrawn" if self.now is None else "moved"


@dataclass(frozen=True, slots=True)
class Limits:
    """Moved and withdrawn names beyond which a scan applies none of its changes: more than both."""

    count: int = 50
    share: float = 0.05
    """Of all automatic names."""

    def exceeded(self, changes: int, names: int) -> bool:
        return changes > self.count and changes > self.share * names

    def __str__(self) -> str:
        parts = [f"{self.count:,}"] if self.count else []
        parts += [f"{100 * self.share:g} %"] if self.share else []
        return " and ".join(parts) or "0"


def parse_limits(text: str) -> Limits:
    """`50,5%`, `200`, `10%`, `0`, `all`: a number, a share of the automatic names, or both; `all`
    lets everything through. Raises UsageError."""
    if text.strip() == "all":
        return Limits(0, 1.0)
    count, share = 0, 0.0
    try:
        for part in text.split(","):
            if part.strip().endswith("%"):
                share = float(part.strip()[:-1]) / 100
            else:
                count = int(part)
        if count < 0 or not 0 <= share <= 1:
            raise ValueError(text)
    except ValueError:
        raise UsageError(f"max_changes {text!r}: say it like 50, 5% or 50,5%.") from None
    return Limits(count, share)
