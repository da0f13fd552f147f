"""Terminal talk: stdout is data, stderr is for people."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
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


def document(kind: str, content: dict[str, Any]) -> None:
    """One JSON document on stdout."""
    said = {"schema": f"phototag/{kind}/1", **content}
    out(json.dumps(said, ensure_ascii=True, indent=2, default=str))


def line(kind: str, content: dict[str, Any]) -> None:
    """One line of a JSON stream."""
    out(json.dumps({"schema": f"phototag/{kind}/1", **content}, ensure_ascii=True, default=str))


def painted(text: str, style: str | None, stream: Any) -> str:
    """The text in a style (`bold`, `dim`, `red`, `green`, `yellow`), where the stream takes
    colours."""
    text = _safe(text, stream)
    if style is None or os.environ.get("NO_COLOR") or not stream.isatty():
        return text
    if style in ("bold", "dim"):
        return typer.style(text, bold=style == "bold", dim=style == "dim")
    return typer.style(text, fg=style)


def table(rows: Iterable[tuple[str, ...]], heads: tuple[str, ...]) -> None:
    """Columns on stdout, as wide as they need to be; no frames, so that `cut` and `awk` work."""
    lines = [heads, *rows]
    widths = [max(_width(row[i]) for row in lines) for i in range(len(heads))]
    for number, row in enumerate(lines):
        cells = [cell + " " * (widths[i] - _width(cell)) for i, cell in enumerate(row)]
        text = "  ".join(cells).rstrip()
        out(painted(text, "bold" if number == 0 else None, sys.stdout))


def shown(path: str) -> str:
    """A path for people: bytes that are not UTF-8 and control characters are made visible."""
    text = path.encode("utf-8", "replace").decode()
    return "".join(c if c.isprintable() or c == " " else f"\\x{ord(c):02x}" for c in text)


def _width(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def _safe(text: str, stream: Any) -> str:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= c <= "\udfff" for c in text)
