"""Worker processes that survive bad files: a worker that dies or hangs costs its chunk one retry,
file by file.

Results come back in the order in which chunks went in, whatever the number of workers, and at most
two chunks for each worker are under way, so memory stays flat.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

from phototag.errors import WorkerFailed
from phototag.work.extract import Extractor, Job, Kit, Outcome

Run = Callable[[Sequence[Job]], list[Outcome]]

PATIENCE = 180.0
"""Seconds that one file may take before its worker is taken to hang: a hundred times the slowest
photo of the test collection. A worker with a video says that it is alive at each frame that it
looks at, so a long one may take its time, and a decoder that hangs may not."""

ALIVE = "alive"

POLITE = (signal.SIGINT, signal.SIGTERM)

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
    """A worker's life: chunks in, outcomes out, until None comes or the parent is no more."""

    def tools() -> Run:
        from phototag.images.read import use_one_thread

        use_one_thread()
        return Extractor.from_kit(kit, signs_of_life(pipe)).run

    work(pipe, tools)


def signs_of_life(pipe: Connection) -> Callable[[], None]:
    """Called as often as one likes, it tells the parent once a second that the worker lives."""
    told = time.monotonic()

    def alive() -> None:
        nonlocal told
        if time.monotonic() - told >= 1.0:
            told = time.monotonic()
            pipe.send(ALIVE)

    return alive


def work(pipe: Connection, tools: Callable[[], Run]) -> None:
    """The same with other tools, made in the worker."""
    for number in POLITE:
        signal.signal(number, signal.SIG_IGN)
    _die_with_parent()
    try:
        run = tools()
    except Exception as error:  # told to the parent, which raises it
        pipe.send(error)
        return
    pipe.send("ready")
    while True:
        try:
            jobs = pipe.recv()
            if jobs is None:
                return
            pipe.send(_answer(run, jobs))
        except (EOFError, OSError):  # the parent is gone
            return


def _answer(run: Run, jobs: Sequence[Job]) -> list[Outcome] | Stumble:
    try:
        return run(jobs)
    except Exception as error:  # one photo of the chunk trips a decoder or network: found out next
        return Stumble(f"raised {type(error).__name__}: {error}")


def _die_with_parent() -> None:
    """A worker whose parent was killed ends at once, whatever it is doing."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="phototag-watch").start()


@dataclass(frozen=True, slots=True)
class Stumble:
    """A chunk that raised in the worker, which lives on."""

    how: str


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


Serve = Callable[[Connection, Kit], None]
Said = list[tuple[_Worker, "list[Outcome] | Stumble"]]


class Pool:
    """A fixed number of workers. Use as a context; leaving it ends them."""

    def __init__(
        self, kit: Kit, jobs: int, *, serve: Serve = serve, patience: float = PATIENCE
    ) -> None:
        """`serve` is what a worker process runs (a function of a module), `patience` the seconds
        that one file may take."""
        self._kit = kit
        self._size = max(1, jobs)
        self._serve = serve
        self._patience = patience
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
                target=self._serve, args=(theirs, self._kit), daemon=True, name="phototag-worker"
            )
            with _deaf():
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

    def _collect(self) -> Said:
        """What workers had to say, or what became of them."""
        pipes = {worker.pipe: worker for worker in self._workers}
        said: Said = []
        for pipe in wait(list(pipes), timeout=min(1.0, self._patience / 4)):
            worker = pipes[pipe]  # type: ignore[index]
            try:
                message = worker.pipe.recv()
            except (EOFError, OSError):
                worker.process.join(5)
                self._let_go(worker, _death(worker.process.exitcode), said)
                continue
            if isinstance(message, Exception):
                raise message
            if message == "ready":
                worker.ready = True
            elif message == ALIVE:
                worker.since = time.monotonic()
            else:
                said.append((worker, message))
        answered = [worker for worker, _ in said]
        now = time.monotonic()
        for worker in list(self._workers):
            if worker.chunk is None or worker in answered:
                continue
            if now - worker.since > self._patience * len(worker.chunk.jobs):
                self._let_go(worker, f"took more than {self._patience:.0f} seconds", said)
        return said

    def _let_go(self, worker: _Worker, how: str, said: Said) -> None:
        """End a worker that died or hangs; another is hired when there is work."""
        worker.process.kill()
        worker.process.join()
        worker.pipe.close()
        self._workers.remove(worker)
        if worker.chunk is not None:
            said.append((worker, Stumble(how)))
        elif not worker.ready:
            raise WorkerFailed(
                f"A worker process {how} before its first photo. Is there enough memory? "
                "Try again with --jobs 1."
            )

    def _settle(
        self,
        worker: _Worker,
        outcomes: list[Outcome] | Stumble,
        queue: deque[_Chunk],
        finished: dict[int, list[Outcome]],
        partial: dict[int, list[Outcome]],
    ) -> None:
        chunk = worker.chunk
        worker.chunk = None
        assert chunk is not None
        if isinstance(outcomes, Stumble):
            if not chunk.whole:
                singles = [_Chunk(chunk.number, (job,), chunk.jobs) for job in chunk.jobs]
                queue.extendleft(reversed(singles))
                partial[chunk.number] = []
                return
            outcomes = [file_that_killed(chunk.jobs[0], outcomes.how)]
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


@contextmanager
def _deaf() -> Iterator[None]:
    """Polite signals wait while a worker is started, and no worker ever hears one: they are the
    parent's, even where a terminal or a service manager sends them to all."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # it would let the signals through again if it began later
    before = signal.pthread_sigmask(signal.SIG_BLOCK, POLITE)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def file_that_killed(job: Job, how: str) -> Outcome:
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
