"""The README names what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from phototag import errors
from phototag.cli.app import app

README = Path(__file__).resolve().parent.parent / "README.md"
ROOT: Any = typer.main.get_command(app)


@pytest.mark.parametrize("name", sorted(ROOT.commands))
def test_the_readme_names_every_command(name: str) -> None:
    said = re.findall(r"`(?:phototag )?([a-z-]+)", README.read_text(encoding="utf-8"))
    assert name in said


def test_the_readme_names_every_exit_code() -> None:
    text = README.read_text(encoding="utf-8").partition("**Exit codes**")[2].partition("\n\n")[0]
    said = {int(code) for code in re.findall(r"(?:^|[:·])\s*(\d+)\s", text)}
    assert said == {
        errors.OK,
        errors.NO,
        errors.USAGE,
        errors.SOME_FAILED,
        errors.GUARDED,
        errors.LIBRARY,
        errors.IN_USE,
        errors.INTERRUPTED,
    }


def test_the_help_shows_every_command_under_a_heading_with_its_whole_sentence() -> None:
    said = CliRunner().invoke(app, ["--help"]).output
    assert "More:" not in said
    assert "..." not in said.partition("Every day:")[2]
    for name in ROOT.commands:
        assert re.search(rf"^  {name} +[A-Z]", said, flags=re.MULTILINE), name
