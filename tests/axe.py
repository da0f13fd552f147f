"""What axe-core says of a page: its `axe.min.js` is named by the variable PHOTOTAG_AXE."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

AXE = os.environ.get("PHOTOTAG_AXE", "")

needs_axe = pytest.mark.skipif(not Path(AXE).is_file(), reason="PHOTOTAG_AXE names no axe.min.js")


def audit(page: Any, where: str) -> list[str]:
    """What is wrong with a page in which axe-core was loaded; `where` begins each line."""
    result = page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{where}: {rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in result["violations"]
        for node in rule["nodes"]
    ]
