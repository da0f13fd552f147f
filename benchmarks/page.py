"""What `phototag serve` costs over a large library, in a real browser: pages, and 200 questions of
Review settled by keyboard alone.

    nice python benchmarks/page.py [--photos 20000] [--answers 200] [--think 0] [--json]

The library is made by the program's own intake from made-up faces (see made_library.py), two in
each photo and nobody twice in one. Somebody who knows everybody answers: Enter or a digit where the
right person is offered, else N and the name. The wait of an answer is the time from its last key
until the next question stands there with its face; `--think` is how long each question is looked
at, in seconds. A page is timed five times, while no outputs are written: until its first byte, and
until DOMContentLoaded, in milliseconds. Needs Playwright for Python and a Chromium of the system.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sqlite3
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from crowd import Crowd, crowd
from made_library import BOXES, IN_FOLDER, Made, make

from phototag.web.desk import Desk
from phototag.web.serve import Address, prepared

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
VISITS = 5

WATCH = """
window.pressed = 0; window.ready = ["", 0]; window.written = 0; window.refused = 0;
const ask = window.fetch;
window.fetch = async (...words) => {
  const answer = await ask(...words);
  if (String(words[0]).startsWith("/do/")) answer.ok ? window.written++ : window.refused++;
  return answer;
};
addEventListener("keydown", () => { window.pressed = performance.now(); }, true);
const look = () => {
  const [node, lead] = ["question", "lead"].map((id) => document.getElementById(id));
  const target = node?.hidden === false ? node.dataset.target : "";
  if (target && target !== window.ready[0] && lead.complete && lead.naturalWidth)
    window.ready = [target, performance.now()];
  requestAnimationFrame(look);
};
addEventListener("DOMContentLoaded", look);
"""
"""Notes in the page when a key was pressed last, which question was ready when, and what became
of the answers."""


def apart(count: int) -> Crowd:
    """A crowd in whose photos nobody is twice: second faces change places until that is so."""
    found = crowd(count)
    people, order = found.people.copy(), np.arange(count)
    chance = np.random.default_rng(1)
    while len(both := np.flatnonzero(people[0 : count - 1 : 2] == people[1::2])):
        for place in (2 * both + 1).tolist():
            other = 2 * int(chance.integers(count // 2)) + 1
            for row in (people, order):
                row[[place, other]] = row[[other, place]]
    return replace(found, vectors=found.vectors[order], people=people)


@dataclass(frozen=True, slots=True)
class Knowing:
    """Who every face of a made library is."""

    names: dict[int, str]
    """face → name."""

    @staticmethod
    def of(made: Made, people: Crowd) -> Knowing:
        db = sqlite3.connect(made.library / "catalog.sqlite")
        rows = db.execute(
            "SELECT f.id, p.dir, p.name, f.x FROM faces f JOIN paths p ON p.photo_id = f.photo_id"
        ).fetchall()
        db.close()
        found = {}
        for face, folder, name, x in rows:
            photo = int(folder) * IN_FOLDER + int(Path(name).stem)
            row = 2 * photo + (abs(x - BOXES[1].x) < abs(x - BOXES[0].x))
            found[face] = f"Person {people.people[row]}"
        return Knowing(found)


@contextmanager
def served(made: Made) -> Iterator[str]:
    """The address of a server over the library."""
    service = prepared(Desk(made.library, "benchmark", "benchmark"), Address(port=0))
    thread = threading.Thread(target=service.server.run, args=([service.place],), daemon=True)
    thread.start()
    while not service.server.started:
        time.sleep(0.01)
    yield service.url
    with patch.object(Desk, "publish", lambda desk: True):  # or it draws thumbnails for minutes
        service.server.should_exit = True
        thread.join()


def settled(page: Any, knowing: Knowing, answers: int, think: float) -> dict[str, Any]:
    """Answer that many questions; how long each kept somebody waiting."""
    waits: list[float] = []
    keys: Counter[str] = Counter()
    seen: set[str] = set()
    ready = "before => window.ready[0] !== before && window.ready[0] !== ''"
    page.wait_for_function(ready, arg="", timeout=120_000)
    started = time.perf_counter()
    while len(waits) < answers:
        target = page.evaluate("window.ready[0]")
        time.sleep(think)
        if target in seen:  # it was refused: a group that is not one person's
            page.keyboard.press("s")
            keys["S"] += 1
        else:
            keys[_answer(page, knowing)] += 1
        seen.add(target)
        page.wait_for_function(ready, arg=target, timeout=120_000)
        waits.append(page.evaluate("window.ready[1] - window.pressed"))
    spent = time.perf_counter() - started
    done = "count => window.written + window.refused >= count"
    page.wait_for_function(done, arg=answers - keys["S"], timeout=600_000)
    return {
        "answers": answers,
        "keys": dict(keys.most_common()),
        "refused": page.evaluate("window.refused"),
        "seconds": round(spent, 1),
        "written_after_s": round(time.perf_counter() - started, 1),
        "wait_median_s": round(statistics.median(waits) / 1000, 3),
        "wait_p95_s": round(float(np.percentile(waits, 95)) / 1000, 3),
        "wait_longest_s": round(max(waits) / 1000, 3),
        "wait_all_s": round(sum(waits) / 1000, 1),
    }


def _answer(page: Any, knowing: Knowing) -> str:
    """Press what answers the question; what was pressed."""
    lead, offered, likely = page.evaluate(
        "() => [document.getElementById('lead').src, [...document.querySelectorAll('.choices bdi')]"
        ".map((node) => node.textContent), document.querySelector('.choices .likely') !== null]"
    )
    name = knowing.names[int(lead.split("/face/")[1].split("/")[0])]
    if name in offered:
        key = "Enter" if likely and offered[0] == name else str(offered.index(name) + 1)
        page.keyboard.press(key)
        return key
    page.keyboard.press("n")
    page.keyboard.type(name)
    page.keyboard.press("Delete")  # what the field completed is not meant
    page.keyboard.press("Enter")
    return "N and a name"


def pages(page: Any, made: Made, base: str) -> dict[str, list[float]]:
    """Medians for each page: [first byte, DOMContentLoaded] in ms after it was asked for."""
    db = sqlite3.connect(made.library / "catalog.sqlite")
    person = db.execute(
        "SELECT person_id FROM assignments WHERE person_id IS NOT NULL"
        " GROUP BY person_id ORDER BY COUNT(*) DESC LIMIT 1"
    ).fetchone()[0]
    cluster = db.execute("SELECT MIN(cluster_id) FROM assignments").fetchone()[0]
    db.close()
    last = -(-made.count // 60)
    addresses = {
        "review": "/review",
        "people": "/people",
        "a person": f"/people/{person}",
        "unnamed": "/clusters",
        "unnamed, page 20": "/clusters?page=20",
        "a cluster": f"/clusters/{cluster}",
        "photos": "/photos",
        "photos, in the middle": f"/photos?page={last // 2}",
        "photos, the last": f"/photos?page={last}",
        "photos of a year": "/photos?year=2004",
        "a photo": f"/photos/{made.count // 2}",
        "scan": "/scan",
        "decisions": "/log",
    }
    timing = (
        "() => { const [t] = performance.getEntriesByType('navigation');"
        " return [t.responseStart - t.requestStart, t.domContentLoadedEventEnd - t.requestStart]; }"
    )
    found = {}
    for name, address in addresses.items():
        times = []
        for _ in range(VISITS):
            if page.goto(base + address, wait_until="load").status != 200:
                raise SystemExit(f"{address} is not there")
            times.append(page.evaluate(timing))
        found[name] = [round(statistics.median(each), 1) for each in zip(*times, strict=True)]
    return found


def measured(top: Path, photos: int, answers: int, think: float) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    people = apart(2 * photos)
    with patch("made_library.crowd", lambda faces: people):
        made = make(top, 2 * photos, photos)
    knowing = Knowing.of(made, people)
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))))
    with served(made) as url, sync_playwright() as run:
        browser = run.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.add_init_script(WATCH)
        page.goto(url)
        page.wait_for_url("**/review")
        review = settled(page, knowing, answers, think)
        with patch.object(Desk, "publish", lambda desk, **_: True):  # outputs wait meanwhile
            times = pages(page, made, "/".join(page.url.split("/")[:3]))
        browser.close()
    db = sqlite3.connect(made.library / "catalog.sqlite")
    (decisions,) = db.execute("SELECT COUNT(*) FROM decisions").fetchone()
    (faces,) = db.execute("SELECT COUNT(*) FROM verdicts").fetchone()
    db.close()
    review |= {"decisions": decisions, "faces": faces}
    return {"photos": photos, "think_s": think, "review": review, "pages_ms": times}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=20_000)
    parser.add_argument("--answers", type=int, default=200)
    parser.add_argument("--think", type=float, default=0)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measured(Path(folder), chosen.photos, chosen.answers, chosen.think)
    if chosen.json:
        print(json.dumps(found))
        return
    print(f"{chosen.photos:,} photos")
    for name, value in found["review"].items():
        print(f"{name:22} {value}")
    print(f"{'':22} {'first byte':>10} {'DOM loaded':>10} ms")
    for name, (first, ready) in found["pages_ms"].items():
        print(f"{name:22} {first:10.1f} {ready:10.1f}")


if __name__ == "__main__":
    main()
