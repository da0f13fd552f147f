"""Terminal talk: stdout is data, stderr is for people."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import typer


def say(text: str = "", *, style: str | None = None) -> None:
    """A line for people, on stderr."""
    typer.echo(painted(text, style, sys.stderr) if style else _safe(text, sys.stderr), err=True)


def out(text: str, *, end: str = "\n") -> None:
    """A line of data, on stdout; bytes of names that are not UTF-8 go out as they are."""
    sys.stdout.flush()
    data = os.fsencode(text + end) if _has_surrogates(text) else (text + end).encode()
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # the reader (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit from None


def stream(texts: Iterable[str], *, end: str = "\n") -> int:
    """Many lines of data, written in blocks; how many there were."""
    count = 0
    waiting: list[str] = []
    for text in texts:
        waiting.append(text + end)
        count += 1
        if len(waiting) == 500:
            out("".join(waiting), end="")
            waiting.clear()
    if waiting:
        out("".join(waiting), end="")
    return count


def document(kind: str, content: dict[str, Any]) -> None:
    """One JSON document on stdout."""
    said = {"schema": f"phototag/{kind}/1", **content}
    out(json.dumps(said, ensure_ascii=True, indent=2, default=str))


def line(kind: str, content: dict[str, Any]) -> None:
    """One line of a JSON stream."""
    out(as_line(kind, content))


def as_line(kind: str, content: dict[str, Any]) -> str:
    """The text of such a line."""
    return json.dumps({"schema": f"phototag/{kind}/1", **content}, ensure_ascii=True, default=str)


def painted(text: str, style: str | None, stream: Any) -> str:
    """The text in a style (`bold`, `dim`, `red`, `green`, `yellow`), where the stream takes
    colours."""
    text = _safe(text, stream)
    if style is None or os.environ.get("NO_COLOR") or not stream.isatty():
        return text
    if style in ("bold", "dim"):
        return typer.style(text, bold=style == "bold", dim=style == "dim")
    return typer.style(text, fg=style)


def table(
    rows: Iterable[tuple[str, ...]], heads: tuple[str, ...], *, flexible: int | None = None
) -> None:
    """Columns on stdout, as wide as they need to be; no frames, so that `cut` and `awk` work.

    On a terminal that is too narrow the column `flexible` is cut; elsewhere nothing is.
    """
    lines = [heads, *rows]
    widths = [max(width(row[i]) for row in lines) for i in range(len(heads))]
    if flexible is not None and sys.stdout.isatty():
        over = sum(widths) + 2 * (len(widths) - 1) - shutil.get_terminal_size().columns
        widths[flexible] = max(8, widths[flexible] - max(0, over))
    for number, row in enumerate(lines):
        cells = [_padded(cell, columns) for cell, columns in zip(row, widths, strict=True)]
        text = "  ".join(cells).rstrip()
        out(painted(text, "bold" if number == 0 else None, sys.stdout))


def pairs(rows: Sequence[tuple[str, str]]) -> None:
    """Names and what is said of each, on stdout."""
    wide = max(width(name) for name, _ in rows)
    for name, value in rows:
        out(_padded(name, wide) + "  " + value)


def _padded(cell: str, columns: int) -> str:
    """The cell at exactly that many columns, cut with an ellipsis where it is longer."""
    if width(cell) > columns:
        while width(cell) > columns - 1:
            cell = cell[:-1]
        cell += "…"
    return cell + " " * (columns - width(cell))


def shown(path: str) -> str:
    """A path for people: bytes that are not UTF-8 and control characters are made visible."""
    text = path.encode("utf-8", "replace").decode()
    return "".join(c if c.isprintable() or c == " " else f"\\x{ord(c):02x}" for c in text)


def width(text: str) -> int:
    """Columns that a text takes on a terminal: 2 for each wide character."""
    from rich.cells import cell_len

    return cell_len(text)


def _safe(text: str, stream: Any) -> str:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= c <= "\udfff" for c in text)
