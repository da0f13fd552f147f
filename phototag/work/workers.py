"""Worker processes that survive bad files: a worker that dies or hangs costs its chunk one retry,
file by file.

Results come back in the order in which chunks went in, whatever the number of workers, and at most
two chunks for each worker are under way, so memory stays flat.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

from phototag.work.extract import Extractor, Job, Kit, Outcome

PATIENCE = 180.0
"""Seconds that one file may take before its worker is taken to hang: a hundred times the slowest
photo of the test collection."""

AHEAD = 2
"""Chunks under way for each worker."""


def physical_cores() -> int:
    """Cores without their hyper-threads, as far as this process may use them."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    logical = allowed or os.cpu_count() or 1
    try:
        seen = set()
        physical = core = ""
        with open("/proc/cpuinfo") as lines:  # noqa: PTH123
            for line in lines:
                name, _, value = line.partition(":")
                if name.strip() == "physical id":
                    physical = value.strip()
                elif name.strip() == "core id":
                    core = value.strip()
                elif not line.strip() and core:
                    seen.add((physical, core))
        return min(len(seen) or logical, logical)
    except OSError:
        return logical


def serve(pipe: Connection, kit: Kit) -> None:
    """A worker's life: chunks in, outcomes out, until None comes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        from phototag.images.read import use_one_thread

        use_one_thread()
        extractor = Extractor.from_kit(kit)
    except Exception as error:  # told to the parent, which raises it
        pipe.send(error)
        return
    pipe.send("ready")
    while True:
        try:
            jobs = pipe.recv()
        except (EOFError, OSError):
            return
        if jobs is None:
            return
        pipe.send(extractor.run(jobs))


@dataclass(slots=True)
class _Chunk:
    number: int
    jobs: tuple[Job, ...]
    whole: tuple[Job, ...] = ()
    """The chunk that this one photo was taken from, when it is tried alone."""


@dataclass(slots=True)
class _Worker:
    process: Any
    pipe: Connection
    ready: bool = False
    chunk: _Chunk | None = None
    since: float = field(default_factory=time.monotonic)


class Pool:
    """A fixed number of workers. Use as a context; leaving it ends them."""

    def __init__(self, kit: Kit, jobs: int) -> None:
        self._kit = kit
        self._size = max(1, jobs)
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.process.kill()
            worker.pipe.close()
        for worker in self._workers:
            worker.process.join()
        self._workers.clear()

    def run(self, chunks: Iterable[Sequence[Job]]) -> Iterator[list[Outcome]]:
        """The outcomes of each chunk, in the chunks' order."""
        source = enumerate(chunks)
        queue: deque[_Chunk] = deque()
        finished: dict[int, list[Outcome]] = {}
        partial: dict[int, list[Outcome]] = {}
        wanted = 0
        drained = False
        while True:
            busy = sum(worker.chunk is not None for worker in self._workers)
            while not drained and len(queue) + busy + len(finished) < AHEAD * self._size:
                try:
                    number, jobs = next(source)
                except StopIteration:
                    drained = True
                    break
                queue.append(_Chunk(number, tuple(jobs)))
            while wanted in finished:
                yield finished.pop(wanted)
                wanted += 1
            busy = sum(worker.chunk is not None for worker in self._workers)
            if drained and not queue and not busy and not finished:
                return
            if not queue and not busy:
                continue
            self._hire(min(self._size, len(queue) + busy))
            self._hand_out(queue)
            for worker, outcomes in self._collect():
                self._settle(worker, outcomes, queue, finished, partial)

    def _hire(self, size: int) -> None:
        while len(self._workers) < size:
            ours, theirs = self._context.Pipe()
            process = self._context.Process(
                target=serve, args=(theirs, self._kit), daemon=True, name="phototag-worker"
            )
            process.start()
            theirs.close()
            self._workers.append(_Worker(process, ours))

    def _hand_out(self, queue: deque[_Chunk]) -> None:
        for worker in self._workers:
            if worker.ready and worker.chunk is None and queue:
                worker.chunk = queue.popleft()
                worker.since = time.monotonic()
                try:
                    worker.pipe.send(worker.chunk.jobs)
                except (BrokenPipeError, OSError):
                    continue  # found dead at the next collection

    def _collect(self) -> list[tuple[_Worker, list[Outcome] | str]]:
        """What workers had to say; a text for one that died or hangs."""
        pipes = {worker.pipe: worker for worker in self._workers}
        said: list[tuple[_Worker, list[Outcome] | str]] = []
        for pipe in wait(list(pipes), timeout=1.0):
            worker = pipes[pipe]  # type: ignore[index]
            try:
                message = worker.pipe.recv()
            except (EOFError, OSError):
                worker.process.join(5)
                said.append((worker, _death(worker.process.exitcode)))
                continue
            if isinstance(message, Exception):
                raise message
            if message == "ready":
                worker.ready = True
            else:
                said.append((worker, message))
        now = time.monotonic()
        for worker in self._workers:
            if worker.chunk is not None and now - worker.since > PATIENCE * len(worker.chunk.jobs):
                worker.process.kill()
                worker.process.join()
                said.append((worker, f"took more than {PATIENCE:.0f} seconds"))
        return said

    def _settle(
        self,
        worker: _Worker,
        outcomes: list[Outcome] | str,
        queue: deque[_Chunk],
        finished: dict[int, list[Outcome]],
        partial: dict[int, list[Outcome]],
    ) -> None:
        chunk = worker.chunk
        worker.chunk = None
        if isinstance(outcomes, str):
            if worker in self._workers:
                self._workers.remove(worker)
                worker.pipe.close()
            if chunk is None:
                raise RuntimeError(f"a worker {outcomes} before its first photo")
            if not chunk.whole:
                singles = [_Chunk(chunk.number, (job,), chunk.jobs) for job in chunk.jobs]
                queue.extendleft(reversed(singles))
                partial[chunk.number] = []
                return
            job = chunk.jobs[0]
            outcomes = [_killer(job, outcomes)]
        assert chunk is not None
        if not chunk.whole:
            finished[chunk.number] = outcomes
            return
        done = partial[chunk.number]
        done.extend(outcomes)
        waiting = any(c.number == chunk.number for c in queue) or any(
            w.chunk is not None and w.chunk.number == chunk.number for w in self._workers
        )
        if not waiting:
            by_path = {outcome.path: outcome for outcome in partial.pop(chunk.number)}
            finished[chunk.number] = [by_path[job.path] for job in chunk.whole]


def _killer(job: Job, how: str) -> Outcome:
    """The outcome of a file that ended its worker, with its signature, so that it is not tried
    again until it changes."""
    try:
        status = os.stat(job.path)  # noqa: PTH116
        size, mtime_ns = status.st_size, status.st_mtime_ns
    except OSError:
        size = mtime_ns = 0
    return Outcome(job.path, size, mtime_ns, reason="killed-worker", message=f"reading it {how}")


def _death(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            return f"ended the worker ({signal.Signals(-code).name})"
        except ValueError:
            return f"ended the worker (signal {-code})"
    return f"ended the worker (exit code {code})"
