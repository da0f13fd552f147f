"""What runs in the workers of a Dask cluster. They have phototag, and see the photos at the same
paths; the models are brought to them."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version_tuple
from typing import Any

from distributed import WorkerPlugin, get_worker

from phototag.work.extract import Extractor, Job, Kit, Outcome

MATTER = (
    "phototag",
    "numpy",
    "onnxruntime",
    "opencv-python-headless",
    "pillow",
    "pillow-heif",
    "av",
)
"""Packages that have a part in what is stored of a photo: with others, the same photo would have
other faces or vectors, depending on the worker that saw it."""

PROBE = 1 << 16
"""Bytes at the beginning of a file that tell whether two machines see the same one."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A kit, and the files of its models as bytes by their place in a folder."""

    name: str
    """One for each scan, so that several may use one cluster."""
    kit: Kit
    """Its paths are relative to that folder."""
    files: tuple[tuple[str, bytes], ...]


def versions() -> dict[str, str]:
    """Of Python and of the packages that matter; `none` where one is not installed."""
    found = {"python": ".".join(python_version_tuple()[:2])}
    for name in MATTER:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found


def look(path: str) -> str | None:
    """Size and beginning of a file in one word; None where it cannot be seen."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 (names that are not UTF-8)
            size = file.seek(0, 2)
            file.seek(0)
            return f"{size} {blake2b(file.read(PROBE), digest_size=16).hexdigest()}"
    except OSError:
        return None


class Tools(WorkerPlugin):
    """Detector and embedder in a worker: made when the first photo comes, once for each thread."""

    def __init__(self, parcel: Parcel) -> None:
        self.name = parcel.name
        self._parcel = parcel

    def setup(self, worker: Any) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="phototag-", dir=worker.local_directory)
        self._threads = threading.local()
        where = Path(self._folder.name)
        for name, content in self._parcel.files:
            (where / name).parent.mkdir(parents=True, exist_ok=True)
            (where / name).write_bytes(content)
        self._kit = placed(self._parcel.kit, where)

    def teardown(self, worker: Any) -> None:
        self._folder.cleanup()

    def run(self, jobs: Sequence[Job]) -> list[Outcome]:
        tools = getattr(self._threads, "tools", None)
        if tools is None:
            from phototag.images.read import use_one_thread

            use_one_thread()
            tools = self._threads.tools = Extractor.from_kit(self._kit)
        return tools.run(jobs)


def placed(kit: Kit, where: Path) -> Kit:
    """The kit with its relative paths in a folder."""

    def inside(path: str | None) -> str:
        return str(where / path) if path else ""

    return replace(
        kit,
        detector_model=inside(kit.detector_model) or None,
        embedder_card=inside(kit.embedder_card),
        classifier=inside(kit.classifier),
    )


def extract(
    name: str, jobs: Sequence[Job], expected: dict[str, str]
) -> tuple[str, list[Outcome] | dict[str, str]]:
    """The address of this worker, and the outcomes of the jobs; its versions instead, where they
    are not those expected (it joined while the scan was under way)."""
    worker: Any = get_worker()
    mine = versions()
    if mine != expected:
        return worker.address, mine
    return worker.address, worker.plugins[name].run(jobs)
