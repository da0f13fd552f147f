"""What `phototag serve` costs over a large library: pages, pictures' lists, answers in Review.

    nice python benchmarks/page.py [--photos 20000] [--answers 40] [--json]

The library is made by the program's own intake from made-up faces (see made_library.py), two in
each photo. Times are of requests from the same machine, in milliseconds, beside the smallest
request that there is (a file of the page's own look), which nothing can beat. An answer is timed
until it is in the journal; outputs follow later and make way.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from made_library import make

from phototag.web.desk import Desk
from phototag.web.serve import Address, Service, prepared

T = TypeVar("T")

PAGES = {
    "smallest request": "/static/phototag.svg",
    "review": "/review",
    "people": "/people",
    "unnamed, page 1": "/clusters",
    "unnamed, page 40": "/clusters?page=40",
    "photos, page 1": "/photos",
    "photos, page 200": "/photos?page=200",
    "one photo": "/photos/1000",
    "scan": "/scan",
}


class Caller:
    """Somebody with the session's cookie."""

    def __init__(self, service: Service) -> None:
        self.address = service.url.split("/")[2]
        self.cookie = ""
        _, headers, _ = self.ask("GET", service.url.partition(self.address)[2])
        self.cookie = headers["set-cookie"].partition(";")[0]

    def ask(self, method: str, path: str, words: Any = None) -> tuple[int, dict[str, str], bytes]:
        line = http.client.HTTPConnection(self.address, timeout=600)
        said = {"Cookie": self.cookie, "Origin": f"http://{self.address}"}
        line.request(method, path, None if words is None else json.dumps(words), said)
        answer = line.getresponse()
        found = answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        line.close()
        return found

    def post(self, path: str, words: Any) -> dict[str, Any]:
        status, _, body = self.ask("POST", path, words)
        if status != 200:
            raise SystemExit(f"{path}: {status} {body!r}")
        return dict(json.loads(body))


def timed(act: Callable[..., T], *words: object) -> tuple[float, T]:
    """Milliseconds, and what it gave."""
    started = time.perf_counter()
    found = act(*words)
    return 1000 * (time.perf_counter() - started), found


def answered(caller: Caller, count: int) -> dict[str, list[float]]:
    """Milliseconds until the next questions are there, and until an answer is in the journal."""
    asked: list[float] = []
    written: list[float] = []
    for number in range(count):
        spent, found = timed(caller.post, "/review/next", {})
        asked.append(spent)
        question = found["questions"][0]
        likely = [each["person"] for each in question["choices"] if each["likely"]]
        name = likely[0] if likely else f"Person {number}"
        words = {"targets": [question["target"]], "name": name, "allow_twice": True}
        written.append(timed(caller.post, "/do/label", words)[0])
    return {"next questions": asked, "answer": written}


def measured(top: Path, photos: int, answers: int) -> dict[str, float]:
    made = make(top, 2 * photos, photos)
    service = prepared(Desk(made.library, "benchmark", "benchmark"), Address(port=0))
    thread = threading.Thread(target=service.server.run, args=([service.place],), daemon=True)
    thread.start()
    while not service.server.started:
        time.sleep(0.01)
    caller = Caller(service)
    times = answered(caller, answers)
    for name, path in PAGES.items():
        times[name] = [timed(caller.ask, "GET", path)[0] for _ in range(9)]
    service.server.should_exit = True
    thread.join()
    return {name: round(statistics.median(found), 1) for name, found in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=20_000)
    parser.add_argument("--answers", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measured(Path(folder), chosen.photos, chosen.answers)
    if chosen.json:
        print(json.dumps({"photos": chosen.photos, "median_ms": found}))
        return
    print(f"{chosen.photos:,} photos, medians in ms")
    for name, value in found.items():
        print(f"{name:20} {value:8.1f}")


if __name__ == "__main__":
    main()
