"""The workers of a scan on other machines: the same extraction on a Dask cluster.

The outcomes come back in the order of the chunks and only this process writes, so the catalogue is
that of a local scan, byte for byte. Dask is an extra: `pip install 'phototag[dask]'`.
"""

from __future__ import annotations

import logging
import os
import uuid
from asyncio import CancelledError as Ended
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from phototag.errors import UsageError, WorkerFailed
from phototag.work.extract import Job, Kit, Outcome
from phototag.work.workers import AHEAD, PATIENCE, file_that_killed

LOCAL = "local:"
CONNECT = 15.0
"""Seconds in which a scheduler must answer, and its first worker be there."""


def checked(address: str) -> str:
    """Raises UsageError for what is no address of a scheduler."""
    if address.startswith(LOCAL):
        count = address.removeprefix(LOCAL)
        if not (count.isdigit() and int(count)):
            raise UsageError(f"--scheduler {address}: how many workers? For example local:4.")
    elif not address.startswith(("tcp://", "tls://", "ucx://", "ws://", "wss://")):
        raise UsageError(
            f"--scheduler {address}: it is tcp://HOST:8786, as `dask scheduler` says, or local:4."
        )
    return address


@dataclass(slots=True)
class _Sent:
    """A chunk under way."""

    jobs: tuple[Job, ...]
    future: Any


class DaskPool:
    """A cluster's workers. Use as a context; leaving it lets them go."""

    def __init__(self, kit: Kit, *, scheduler: str, patience: float = PATIENCE) -> None:
        """`patience`: the seconds that one file may take. Raises UsageError where Dask is not
        installed."""
        self._kit = kit
        self._scheduler = checked(scheduler)
        self._patience = patience
        self._stack = ExitStack()
        self._client: Any = None
        self._name = f"phototag-{uuid.uuid4().hex}"
        self._versions: dict[str, str] = {}

    def __enter__(self) -> DaskPool:
        """Raises WorkerFailed: no scheduler, no worker, or one with other versions."""
        try:
            import distributed

            from phototag.work.distant_worker import Tools, versions
        except ImportError as error:
            raise UsageError(
                f"--scheduler needs Dask ({error}): pip install 'phototag[dask]'."
            ) from error
        _hush()
        self._versions = versions()
        try:
            self._connect(distributed)
            self._meet()
            self._client.register_plugin(Tools(_packed(self._kit, self._name)), name=self._name)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(Exception):  # a scheduler that is no more has nothing to forget
            self._client.unregister_worker_plugin(self._name)
        self._stack.close()

    def _connect(self, distributed: Any) -> None:
        where: Any = self._scheduler
        if where.startswith(LOCAL):
            where = self._stack.enter_context(
                distributed.LocalCluster(
                    n_workers=int(where.removeprefix(LOCAL)),
                    threads_per_worker=1,
                    dashboard_address=None,
                )
            )
        try:
            self._client = self._stack.enter_context(
                distributed.Client(where, timeout=CONNECT, set_as_default=False)
            )
            self._client.wait_for_workers(1, timeout=CONNECT)
        except (OSError, TimeoutError) as error:
            raise WorkerFailed(self._no_cluster()) from error

    def _no_cluster(self) -> str:
        if self._client is None:
            return (
                f"No Dask scheduler answers at {self._scheduler}. Start one with `dask scheduler`, "
                "or scan on this machine alone, without --scheduler."
            )
        return (
            f"The scheduler at {self._scheduler} has no workers. Start some, on machines that see "
            f"the photos: dask worker {self._scheduler}"
        )

    def _meet(self) -> None:
        """Every worker has what this process has."""
        from phototag.work.distant_worker import versions

        for address, found in self._everywhere(versions).items():
            if not isinstance(found, dict):
                raise WorkerFailed(f"The worker {address} cannot run phototag: {found!r}.")
            self._same(address, found)

    def _everywhere(self, function: Any, *words: Any) -> dict[str, Any]:
        """What a function says on each worker; its exception where it raises."""
        found: dict[str, Any] = self._client.run(function, *words, on_error="return")
        return found

    def _same(self, address: str, found: dict[str, str]) -> None:
        others = [
            f"{name} {found.get(name, 'none')} (here {mine})"
            for name, mine in self._versions.items()
            if found.get(name) != mine
        ]
        if others:
            raise WorkerFailed(
                f"The worker {address} has {', '.join(others)}: the same photo would come out "
                "differently there. Install the same versions everywhere."
            )

    # ---- photos

    def run(self, chunks: Iterable[Sequence[Job]]) -> Iterator[list[Outcome]]:
        """The outcomes of each chunk, in the chunks' order. Raises WorkerFailed."""
        source = iter(chunks)
        under_way: deque[_Sent] = deque()
        probed = drained = False
        while under_way or not drained:
            while not drained and len(under_way) < AHEAD * self._threads():
                jobs = next(source, None)
                if jobs is None:
                    drained = True
                    break
                if not probed:
                    self._probe(jobs[0].path)
                    probed = True
                under_way.append(self._send(tuple(jobs)))
            if under_way:
                yield self._outcomes(under_way.popleft())

    def _threads(self) -> int:
        """How many photos the cluster can read at once, now."""
        with self._lost():
            return max(1, int(sum(self._client.nthreads().values())))

    def _probe(self, path: str) -> None:
        """Every worker sees the first photo as it is seen here."""
        from phototag.work.distant_worker import look

        here = look(path)
        if here is None:
            return  # gone, or not to be read: the scan will say so
        with self._lost():
            blind = [a for a, there in self._everywhere(look, path).items() if there != here]
        if blind:
            raise WorkerFailed(_blind(blind[0], path))

    def _send(self, jobs: tuple[Job, ...]) -> _Sent:
        from phototag.work.distant_worker import extract

        with self._lost():
            future = self._client.submit(extract, self._name, jobs, self._versions, pure=False)
        return _Sent(jobs, future)

    def _outcomes(self, sent: _Sent) -> list[Outcome]:
        """Of a chunk; of each file alone where the chunk ended its worker, hung or raised."""
        answer = self._answer(sent)
        if isinstance(answer, list):
            return answer
        if len(sent.jobs) == 1:
            return [file_that_killed(sent.jobs[0], answer)]
        # One after the other: a worker that ends takes all that it was given with it.
        return [outcome for job in sent.jobs for outcome in self._outcomes(self._send((job,)))]

    def _answer(self, sent: _Sent) -> list[Outcome] | str:
        """The outcomes, or what became of the worker in words."""
        try:
            address, found = sent.future.result(AHEAD * self._patience * len(sent.jobs))
        except (Exception, Ended) as error:
            return self._mishap(sent, error)
        if isinstance(found, dict):
            self._same(address, found)
        for job, outcome in zip(sent.jobs, found, strict=True):
            if outcome.reason == "vanished" and os.path.exists(job.path):  # noqa: PTH110
                raise WorkerFailed(_blind(address, job.path))
        outcomes: list[Outcome] = found
        return outcomes

    def _mishap(self, sent: _Sent, error: BaseException) -> str:
        """In words, what happened to a chunk. Raises WorkerFailed where there is no cluster any
        more."""
        from distributed import KilledWorker

        if isinstance(error, KilledWorker):
            return "ended its worker, and others after it"
        if sent.future.status == "error":  # one photo trips a decoder or network: found out next
            return f"raised {type(error).__name__}: {error}"
        if isinstance(error, TimeoutError) and self._client.status == "running":
            self._restart(sent)
            return f"took more than {self._patience:.0f} seconds"
        raise WorkerFailed(self._gone()) from error

    def _restart(self, sent: _Sent) -> None:
        """End the workers that hold a chunk; their nannies, if they have some, start others."""
        busy = [a for a, keys in self._client.processing().items() if sent.future.key in keys]
        sent.future.cancel(force=True)
        with suppress(Exception):
            self._client.restart_workers(busy, timeout=CONNECT, raise_for_error=False)

    @contextmanager
    def _lost(self) -> Iterator[None]:
        """Says in words that the scheduler is no more, whatever Dask raises then."""
        from distributed.comm.core import CommClosedError

        try:
            yield
        except (CommClosedError, CancelledError, Ended, OSError) as error:
            raise WorkerFailed(self._gone()) from error

    def _gone(self) -> str:
        return (
            f"The Dask scheduler at {self._scheduler} went away. What was read until now is kept: "
            "run the same command again to go on."
        )


def _hush() -> None:
    """No log lines of Dask on the terminal: what goes wrong is said in our words."""
    for name in ["distributed", "tornado", *logging.root.manager.loggerDict]:
        if name.partition(".")[0] in ("distributed", "tornado"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _blind(address: str, path: str) -> str:
    return (
        f"The worker {address} does not see {path} as this machine does. Mount the photos under "
        "the same path on every machine of the cluster."
    )


def _packed(kit: Kit, name: str) -> Any:
    """The kit and its models' files, for machines that have none of them."""
    from phototag.vision.classify import CARD
    from phototag.vision.models import load_card
    from phototag.work.distant_worker import Parcel

    files: dict[str, bytes] = {}

    def packed(card: Path, folder: str) -> str:
        model = load_card(card)
        for file in (model.file, *(part.file for part in model.parts.values())):
            files[f"{folder}/{file}"] = (model.folder / file).read_bytes()
        files[f"{folder}/{card.name}"] = card.read_bytes()
        return f"{folder}/{card.name}"

    relative = replace(kit, embedder_card=packed(Path(kit.embedder_card), "embedder"))
    if kit.classifier:
        packed(Path(kit.classifier) / CARD, "classifier")
        relative = replace(relative, classifier="classifier")
    if kit.detector_model:
        files["detector.onnx"] = Path(kit.detector_model).read_bytes()
        relative = replace(relative, detector_model="detector.onnx")
    return Parcel(name, relative, tuple(files.items()))
