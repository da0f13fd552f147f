"""The page in a real browser over a painted library: every key of Review, every page for everybody.

Needs Playwright for Python and a Chromium of the system; the check of accessibility needs axe-core,
whose `axe.min.js` the environment variable PHOTOTAG_AXE names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from browser import asked, decided, go_to, told
from visitor import Visitor

from tests.axe import AXE, audit, needs_axe

# -- review ----------------------------------------------------------------------------------------


def test_every_key_of_review_is_one_decision_and_u_takes_it_back(
    owner: Visitor, tab: Callable[..., Any]
) -> None:
    home = owner.home
    for number, name in enumerate(("2021/dim.jpg", "s2.jpg", "o2.jpg", "statue.jpg", "lone.jpg")):
        words = {"targets": [home.face(name)], "name": f"Person {number}"}
        assert owner.post("/do/label", words).code == 200
    (doubtful,) = home.sql(
        "SELECT face_id, suggestion_id FROM assignments WHERE suggestion_id IS NOT NULL"
        " AND cluster_id IS NULL ORDER BY suggestion_score DESC LIMIT 1"
    )
    target = f"face-{doubtful[0]}"
    ((likely,),) = home.sql("SELECT name FROM people WHERE id = ?", doubtful[1])
    page = tab(owner)
    page.goto(page.url.rpartition("/")[0] + "/review")
    before = home.sql("SELECT * FROM assignments ORDER BY face_id")
    go_to(page, target)
    names = page.locator(".choices bdi").all_inner_texts()
    keys = page.locator(".choices kbd:first-child").all_inner_texts()
    assert keys == list("123456789")
    assert names[0] == likely

    def n_with_three_letters() -> None:
        page.keyboard.press("n")
        page.keyboard.type("car")
        page.wait_for_function("() => document.activeElement.value === 'Carol'")
        page.keyboard.press("Enter")

    said = len(decided(home))
    for press, kind, person in (
        (lambda: page.keyboard.press("Enter"), "label", likely),
        (lambda: page.keyboard.press("1"), "label", names[0]),
        (lambda: page.keyboard.press("2"), "label", names[1]),
        (lambda: page.keyboard.press("9"), "label", names[8]),
        (n_with_three_letters, "label", "Carol"),
        (lambda: page.keyboard.press("r"), "reject", likely),
        (lambda: page.keyboard.press("i"), "ignore", None),
        (lambda: page.keyboard.press("f"), "not_a_face", None),
    ):
        press()
        assert asked(page, target) != target, "the next question is there"
        told(page, "1 face is ")
        assert decided(home)[said:] == [(kind, person, 1)]
        assert home.sql("SELECT * FROM assignments ORDER BY face_id") != before
        page.keyboard.press("u")
        told(page, "Undone: ")
        page.wait_for_function(
            "target => document.getElementById('question').dataset.target === target", arg=target
        )
        decision = home.sql("SELECT MAX(id) FROM decisions")[0][0] - 1
        assert decided(home)[said:] == [(kind, person, 1), ("undo", None, decision)]
        assert home.sql("SELECT * FROM assignments ORDER BY face_id") == before
        said += 2

    page.keyboard.press("s")
    assert asked(page, target) != target
    page.keyboard.press("u")
    page.wait_for_function(
        "target => document.getElementById('question').dataset.target === target", arg=target
    )
    for key in ("0", "x"):
        page.keyboard.press(key)
    assert asked(page) == target, "keys without a meaning do nothing"
    assert len(decided(home)) == said, "and skipping is no decision"


def test_a_doubtful_name_is_confirmed_taken_back_or_given_to_another(
    owner: Visitor, tab: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("phototag.work.review.PAUSE", 0)
    home = owner.home
    target = home.face("bob.jpg")
    assert owner.post("/do/label", {"targets": [target], "name": "Alice"}).code == 200
    page = tab(owner)
    page.goto(page.url.rpartition("/")[0] + "/review")
    go_to(page, target)
    assert page.locator("#asked").inner_text() == "Is this really Alice?"
    yes = page.get_by_role("button", name="Yes, Alice")
    for press, kind, person in (
        (yes.click, "reject", "Bob"),
        (lambda: page.keyboard.press("Enter"), "reject", "Bob"),
        (lambda: page.keyboard.press("r"), "reject", "Alice"),
        (lambda: page.keyboard.press("1"), "split", "Alice"),
    ):
        press()
        told(page, "1 face is not ")
        assert decided(home)[-1] == (kind, person, 1)
        page.keyboard.press("u")
        told(page, "Undone: ")
        page.wait_for_function(
            "target => document.getElementById('question').dataset.target === target", arg=target
        )


def test_a_field_completes_names_in_sight_and_takes_what_it_shows(
    owner: Visitor, tab: Callable[..., Any]
) -> None:
    page = tab(owner)
    page.goto(page.url.rpartition("/")[0] + "/clusters")
    field = page.get_by_label("Name for cluster-").first
    field.press_sequentially("ali")
    page.wait_for_function("() => document.activeElement.value === 'Alice'")
    assert field.evaluate("node => node.selectionStart") == 3, "what was completed is marked"
    field.press("Backspace")
    assert field.input_value() == "Ali", "and one key takes it away"
    field.press("ArrowDown")
    assert field.input_value() == "Alice"
    field.press("Escape")
    assert field.input_value() == "Ali"


# -- the other pages -------------------------------------------------------------------------------


def test_names_that_wait_are_looked_at_kept_or_accepted(
    waiting: Visitor, tab: Callable[..., Any]
) -> None:
    home, page = waiting.home, tab(waiting)
    page.goto(page.url.rpartition("/")[0] + "/people")
    page.get_by_role("link", name="Look at them").click()
    section = page.locator("section", has_text="No longer Bob")
    face = section.locator(".choose input").first
    number = face.get_attribute("value").partition("-")[2]
    face.check(force=True)
    with page.expect_navigation():
        section.get_by_role("button", name="It is Bob").click()
    told(page, "1 face is now Bob")
    assert page.locator(f"input[value=face-{number}]").count() == 0
    page.get_by_role("button", name="Accept these changes").click()
    page.wait_for_url("**/scan")
    page.locator("#job-title").filter(has_text="Scanned").wait_for()
    page.locator("#waits .notice").wait_for(state="detached")
    states = home.sql("SELECT state FROM assignments WHERE face_id = ?", number)
    assert states == [("manual",)]
    assert home.sql("SELECT value FROM meta WHERE key = 'held'") == [("",)]


def test_no_name_of_a_person_or_file_is_ever_run(owner: Visitor, tab: Callable[..., Any]) -> None:
    evil = "\"><img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"
    home = owner.home
    owner.post("/do/rename", {"name": "Alice", "into": evil[:200]})
    home.sql(
        "UPDATE paths SET name = ? WHERE name = 'alice-bob.jpg'", f"{evil.replace('/', '')}.jpg"
    )
    number = home.sql("SELECT photo_id FROM paths WHERE name LIKE '%onerror%'")[0][0]
    page = tab(owner)
    base = page.url.rpartition("/")[0]
    for path in ("review", f"photos/{number}", "photos", "log"):
        page.goto(f"{base}/{path}")
        page.wait_for_timeout(100)
        assert page.title() != "run", path
    page.goto(f"{base}/people")
    page.locator("#search").press_sequentially('"')
    page.wait_for_selector("#search[aria-expanded=true]")
    assert page.title() != "run"


# -- for everybody ---------------------------------------------------------------------------------

PAGES = [
    "review",
    "people",
    "people/1",
    "people/1?show=maybe",
    "clusters",
    "photos",
    "photos/2",
    "identify",
    "scan",
    "log",
    "changes",
    "people/999",
]


@needs_axe
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing(
    waiting: Visitor, tab: Callable[..., Any], scheme: str, width: int
) -> None:
    page = tab(
        waiting,
        expect="404",
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        bypass_csp=True,
    )
    base = page.url.rpartition("/")[0]
    cluster = waiting.home.sql("SELECT MIN(cluster_id) FROM assignments")[0][0]
    found = []
    for path in [*PAGES, f"clusters/{cluster}"]:
        page.goto(f"{base}/{path}")
        page.wait_for_timeout(150)
        page.add_script_tag(path=AXE)
        if page.locator(".choose input").count():
            page.locator(".choose input").last.evaluate("node => node.click()")
        found += audit(page, path)
    page.goto(f"{base}/review")
    page.add_script_tag(path=AXE)
    asked(page)
    page.keyboard.press("n")
    page.keyboard.type("a")
    page.wait_for_selector(".name-it .options li")
    found += audit(page, "a name half typed")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.keyboard.press("i")
    told(page, "ignored")
    page.wait_for_timeout(300)
    found += audit(page, "something was decided")
    page.keyboard.press("p")
    found += audit(page, "the photo of a question")
    assert found == []


def test_no_page_scrolls_sideways(owner: Visitor, tab: Callable[..., Any]) -> None:
    long = "Wolfeschlegelsteinhausenbergerdorff " + "long" * 30
    owner.post("/do/rename", {"name": "Alice", "into": long})
    page = tab(owner, viewport={"width": 320, "height": 800})
    base = page.url.rpartition("/")[0]
    for path in ("review", "people/1", "clusters", "photos/2", "identify", "scan", "log"):
        page.goto(f"{base}/{path}")
        for width in (320, 700, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{path} at {width}"
