"""Native decoders (libjpeg, libtiff, libpng) print on file descriptor 2: here that is caught."""

from __future__ import annotations

import functools
import os
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

MOST = 4096
"""Bytes kept of what a decoder prints."""

_turn = threading.RLock()


@contextmanager
def caught_noise() -> Iterator[Callable[[], str]]:
    """Within the block nothing native reaches stderr and no Python warning is shown.

    Yields a function that returns what was printed so far: libjpeg says there, and nowhere else,
    that a file's data broke off. The redirection holds for the whole process (about 5 µs), so
    threads take turns, and it does not belong beside threads that write to the terminal.
    """
    with _turn, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            saved = os.dup(2)
        except OSError:  # a service without stderr: nobody hears the noise, nor do we
            yield str
            return
        sink = _sink(os.getpid())
        os.ftruncate(sink, 0)
        os.lseek(sink, 0, os.SEEK_SET)
        os.dup2(sink, 2)
        try:
            yield functools.partial(_said, sink)
        finally:
            os.dup2(saved, 2)
            os.close(saved)


@functools.lru_cache(maxsize=1)
def _sink(process: int) -> int:
    """A nameless file, one for each process: a forked worker must not share its parent's offset."""
    del process
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _said(sink: int) -> str:
    os.lseek(sink, 0, os.SEEK_SET)
    return os.read(sink, MOST).decode("utf-8", "replace")
