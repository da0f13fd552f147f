"""Completion in the shell: installed where the shell looks for it, and it completes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

MAIN = [sys.executable, "-c", "import phototag.cli.app as a; a.main()"]


def asked(words: str, cword: int, **environment: str) -> list[str]:
    """What bash would be offered."""
    done = subprocess.run(
        MAIN,
        env={
            **os.environ,
            "_PHOTOTAG_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(cword),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout.split("\n")


def test_completion_is_installed_for_bash_in_the_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    script = tmp_path / "phototag"
    script.write_text(
        f"#!{sys.executable}\nimport phototag.cli.app as a\na.main()\n", encoding="utf-8"
    )
    script.chmod(0o755)
    done = subprocess.run(
        ["bash", "-c", f"{script} --install-completion bash; echo code $?"],
        env={
            **os.environ,
            "HOME": str(home),
            "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "code 0" in done.stdout, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    installed = home / ".bash_completions" / "phototag.sh"
    assert "_PHOTOTAG_COMPLETE=complete_bash" in installed.read_text()
    assert "phototag.sh" in (home / ".bashrc").read_text()
    checked = subprocess.run(["bash", "-n", str(installed)], capture_output=True, timeout=60)
    assert checked.returncode == 0


def test_commands_are_completed() -> None:
    offered = asked("phototag cl", 1)
    assert "clusters" in offered
    assert "scan" not in offered


@pytest.mark.parametrize(
    "words", ["phototag find Al", "phototag show Al", "phototag find Bob --with Al"]
)
def test_names_of_people_are_completed_from_the_library(reading, words: str) -> None:
    last = len(words.split()) - 1
    assert "Alice" in asked(words, last, PHOTOTAG_LIBRARY=str(reading.library))
    assert "Bob" not in asked(words, last, PHOTOTAG_LIBRARY=str(reading.library))


def test_without_a_library_nothing_is_completed_and_nothing_is_said(tmp_path) -> None:
    assert "Alice" not in asked("phototag find Al", 2, PHOTOTAG_LIBRARY=str(tmp_path / "none"))
