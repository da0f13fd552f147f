from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from itertools import count
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

import pytest
from sheet_album import AWKWARD, Album, awkward, family

from phototag.core.types import Box
from phototag.errors import CannotWrite
from phototag.output import sheet
from phototag.output.sheet import (
    SheetContent,
    SheetMark,
    SheetMonth,
    SheetPerson,
    SheetPhoto,
    link_to,
    write_sheet,
)
from phototag.output.sheet_folder import RECORD


class Page(HTMLParser):
    """The elements of a page: what a browser makes of it, without a browser."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data

    def values(self, name: str) -> list[str]:
        return [value for _, attrs in self.tags if (value := attrs.get(name)) is not None]


def pages(folder: Path) -> list[Page]:
    return [Page(path) for path in sorted(folder.rglob("*.html"))]


def snapshot(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    return {
        path.relative_to(folder).as_posix(): (
            path.stat().st_ino,
            path.stat().st_mtime_ns,
            path.read_bytes(),
        )
        for path in folder.rglob("*")
        if path.is_file()
    }


def changed(before: dict[str, tuple[int, int, bytes]], folder: Path) -> set[str]:
    after = snapshot(folder)
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


@pytest.mark.parametrize("stamps", [False, True])
def test_a_second_writing_writes_nothing(tmp_path: Path, stamps: bool) -> None:
    folder = tmp_path / "sheet"
    first = write_sheet(folder, family(tmp_path).content(stamps))
    assert first.index == folder / "index.html"
    assert first.written == len(snapshot(folder)) - 1, "all but the record of pages"
    before = snapshot(folder)
    second = write_sheet(folder, family(tmp_path).content(stamps))
    assert (second.written, second.removed) == (0, 0)
    assert second.unchanged == first.written
    assert changed(before, folder) == set()


def test_only_pages_that_show_what_changed_are_written(tmp_path: Path) -> None:
    album = family(tmp_path)
    folder = tmp_path / "sheet"
    write_sheet(folder, album.content())
    before = snapshot(folder)
    album.photos[4] = replace(album.photos[4], name="renamed.jpg")
    report = write_sheet(folder, album.content())
    assert changed(before, folder) - {RECORD} == {"clusters/cluster-3.html", "photos/2021.html"}
    assert report.written == 2


def test_a_person_who_is_gone_loses_their_pages_and_is_named_nowhere(tmp_path: Path) -> None:
    folder = tmp_path / "sheet"
    write_sheet(folder, family(tmp_path).content(stamps=True))
    assert (folder / "people/person-3.html").exists()
    album = family(tmp_path)
    album.photos.pop()
    del album.names["person-3"]
    report = write_sheet(folder, album.content(stamps=True))
    assert report.removed == 2, "her page, and that of photos without a date"
    assert not (folder / "people/person-3.html").exists()
    for name, (_, _, data) in snapshot(folder).items():
        assert "Zoë".encode() not in data, name
        assert b"person-3" not in data, name


def test_files_of_others_in_the_folder_stay(tmp_path: Path) -> None:
    folder = tmp_path / "sheet"
    (folder / "people").mkdir(parents=True)
    (folder / "people/mine.html").write_text("<p>my own page</p>")
    (folder / "notes.txt").write_text("notes")
    write_sheet(folder, family(tmp_path).content())
    assert (folder / "people/mine.html").exists()
    assert (folder / "notes.txt").exists()


def test_pages_with_the_stamp_of_last_time_are_not_even_asked_for(tmp_path: Path) -> None:
    folder = tmp_path / "sheet"
    write_sheet(folder, family(tmp_path).content(stamps=True))
    album = family(tmp_path)
    album.photos[4] = replace(album.photos[4], name="renamed.jpg")
    report = write_sheet(folder, album.content(stamps=True))
    assert set(album.asked) == {"2021-01", "2021-02", "cluster-3"}
    assert report.written == 2


def test_with_stamps_or_without_the_pages_are_the_same(tmp_path: Path) -> None:
    album = family(tmp_path)
    write_sheet(tmp_path / "a", album.content(stamps=True))
    album.add("new.jpg", "2019-07-20", "person-1", "person-3")
    album.names["person-2"] = "Robert"
    album.photos = [
        replace(
            p,
            marks=tuple(
                replace(m, name="Robert") if m.target == "person-2" else m for m in p.marks
            ),
        )
        for p in album.photos
    ]
    write_sheet(tmp_path / "a", album.content(stamps=True))
    write_sheet(tmp_path / "b", album.content())
    first = {name: data for name, (_, _, data) in snapshot(tmp_path / "a").items()}
    second = {name: data for name, (_, _, data) in snapshot(tmp_path / "b").items()}
    first.pop(RECORD)
    second.pop(RECORD)
    assert first == second


def test_a_page_that_somebody_removed_comes_back(tmp_path: Path) -> None:
    folder = tmp_path / "sheet"
    write_sheet(folder, family(tmp_path).content(stamps=True))
    (folder / "people/person-1.html").unlink()
    assert write_sheet(folder, family(tmp_path).content(stamps=True)).written == 1
    assert (folder / "people/person-1.html").exists()


def test_a_page_that_somebody_changed_comes_back_when_all_are_made_afresh(tmp_path: Path) -> None:
    folder = tmp_path / "sheet"
    page = folder / "people/person-1.html"
    write_sheet(folder, family(tmp_path).content(stamps=True))
    original = page.read_bytes()
    page.write_bytes(b"scribble")
    assert write_sheet(folder, family(tmp_path).content(stamps=True), fresh=True).written == 1
    assert page.read_bytes() == original


def test_pages_that_may_wait_stay_as_they_are_until_the_next_time(tmp_path: Path) -> None:
    folder = tmp_path / "sheet"
    write_sheet(folder, family(tmp_path).content(stamps=True))
    before = snapshot(folder)
    album = family(tmp_path)
    album.photos.pop()
    album.photos[4] = replace(album.photos[4], name="renamed.jpg")
    del album.names["person-3"]
    report = write_sheet(folder, album.content(stamps=True), most=1)
    assert report.waiting
    assert report.removed == 0, "a page that waits may lead there"
    assert "index.html" in changed(before, folder)
    assert not write_sheet(folder, album.content(stamps=True)).waiting
    write_sheet(tmp_path / "whole", album.content())
    first, second = snapshot(folder), snapshot(tmp_path / "whole")
    assert {n: first[n][2] for n in first.keys() - {RECORD}} == {
        n: second[n][2] for n in second.keys() - {RECORD}
    }


def test_a_writing_that_was_cut_off_leaves_no_record_and_the_next_completes_it(
    tmp_path: Path,
) -> None:
    """The dangerous case: pages change, the writing dies, and then everything is as it was."""
    folder = tmp_path / "sheet"
    write_sheet(folder, family(tmp_path).content(stamps=True))
    whole = {name: data for name, (_, _, data) in snapshot(folder).items()}

    class Died(Exception):
        pass

    def dies(_: str) -> Iterator[sheet.SheetFace]:
        raise Died

    album = family(tmp_path)
    album.photos[4] = replace(album.photos[4], name="renamed.jpg")
    with pytest.raises(Died):
        write_sheet(folder, replace(album.content(stamps=True), faces_of=dies))
    assert "renamed.jpg" in (folder / "photos/2021.html").read_text()
    write_sheet(folder, family(tmp_path).content(stamps=True))
    assert {name: data for name, (_, _, data) in snapshot(folder).items()} == whole


def test_a_damaged_record_costs_time_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "sheet"
    write_sheet(folder, family(tmp_path).content(stamps=True))
    whole = (folder / RECORD).read_bytes()
    for damaged in (b"", b"[]", b"{}", b'{"phototag": {"made_by": 1}, "pages": []}', b"\xff"):
        (folder / RECORD).write_bytes(damaged)
        assert write_sheet(folder, family(tmp_path).content(stamps=True)).written == 0
        assert (folder / RECORD).read_bytes() == whole


@pytest.mark.parametrize("make", [family, awkward], ids=["family", "awkward names"])
def test_every_link_leads_somewhere(tmp_path: Path, make: Callable[[Path], Album]) -> None:
    album = make(tmp_path).paint()
    (tmp_path / "photos").mkdir()
    for photo in album.photos:
        (tmp_path / "photos" / photo.name).write_bytes(b"")
        drawn = tmp_path / f"thumbnails/{photo.key}.webp"
        drawn.parent.mkdir(exist_ok=True)
        drawn.write_bytes(b"")
    write_sheet(tmp_path / "sheet", album.content(), photos_on_page=2, faces_on_page=2)
    ids = {page.path.resolve(): set(page.values("id")) for page in pages(tmp_path / "sheet")}
    followed = 0
    for page in pages(tmp_path / "sheet"):
        for link in page.values("href") + page.values("src") + page.values("data-crop"):
            parts = urlsplit(link)
            assert parts.scheme in ("", "file"), link
            raw = os.fsdecode(unquote_to_bytes(parts.path))
            target = Path(raw) if parts.scheme else page.path.parent / raw if raw else page.path
            assert target.resolve().exists(), f"{page.path.name}: {link}"
            if parts.fragment:
                assert parts.fragment in ids[target.resolve()], f"{page.path.name}: {link}"
            followed += 1
    assert followed > 100


def test_a_face_whose_cluster_has_no_page_is_no_link(tmp_path: Path) -> None:
    album = family(tmp_path)
    content = album.content()
    small = [cluster for cluster in content.clusters if cluster.id != "cluster-9"]
    write_sheet(tmp_path / "sheet", replace(content, clusters=small))
    for page in pages(tmp_path / "sheet"):
        assert "cluster-9.html" not in page.path.read_text()


def test_photos_without_a_face_are_listed_by_name(tmp_path: Path) -> None:
    album = family(tmp_path)
    bare = album.add("IMG_9.JPG", "2019-07-04T08:00:00")
    album.photos[-1] = replace(bare, thumb=None, annotated=None)
    write_sheet(tmp_path / "sheet", album.content())
    page = Page(tmp_path / "sheet/photos/2019.html")
    assert "1 without a face" in page.words
    assert "IMG_9.JPG" in page.words
    assert page.values("data-at") == ["1", "2", "0", "3"], "after those with one, in their order"
    assert page.path.read_text().count("4 July</span>") == 1, "on its first picture alone"


def test_names_that_look_like_code_stay_words(tmp_path: Path) -> None:
    write_sheet(tmp_path / "sheet", awkward(tmp_path).content())
    for page in pages(tmp_path / "sheet"):
        scripts = [attrs for tag, attrs in page.tags if tag == "script"]
        sources = [s.get("src", "").rpartition("/")[2] for s in scripts if "src" in s]  # type: ignore[union-attr]
        assert sources == ["names.js", "phototag.js"]
        inline = [s for s in scripts if "src" not in s]
        assert all(s.get("type") == "application/json" for s in inline), "data, never code"
        for tag, attrs in page.tags:
            assert not any(name.startswith("on") for name in attrs), (tag, attrs)
            assert "style" not in attrs
            for link in (attrs.get("href"), attrs.get("src")):
                assert not (link or "").lower().startswith(("javascript:", "data:", "http"))
            if tag == "img":
                assert "onerror" not in str(attrs.get("src"))
        assert sum(tag == "img" and attrs.get("src") == "x" for tag, attrs in page.tags) == 0
    index = Page(tmp_path / "sheet/index.html")
    for name in AWKWARD:
        assert name in index.words, "shown as it is"


def test_the_data_of_the_overlay_survives_any_name(tmp_path: Path) -> None:
    album = awkward(tmp_path)
    write_sheet(tmp_path / "sheet", album.content())
    text = (tmp_path / "sheet/photos/2020.html").read_text(encoding="utf-8")
    raw = text.split('<script type="application/json" id="photos">')[1].split("</script>")[0]
    names = {face["name"] for photo in json.loads(raw) for face in photo["faces"] if face["name"]}
    assert names == set(AWKWARD)


def test_every_page_forbids_all_scripts_but_our_own(tmp_path: Path) -> None:
    write_sheet(tmp_path / "sheet", family(tmp_path).content())
    for page in pages(tmp_path / "sheet"):
        [policy] = [
            attrs["content"]
            for tag, attrs in page.tags
            if tag == "meta" and attrs.get("http-equiv") == "Content-Security-Policy"
        ]
        assert policy is not None
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert "http" not in policy


def test_a_link_that_is_no_file_is_left_out(tmp_path: Path) -> None:
    album = family(tmp_path)
    for at, link in enumerate(["javascript:alert(1)", "https://example.org/a.jpg", "//host/a.jpg"]):
        album.photos[at] = replace(album.photos[at], original=link)
    album.photos[3] = replace(album.photos[3], original="photos/a%20b.jpg")
    write_sheet(tmp_path / "sheet", album.content())
    text = "".join(page.path.read_text() for page in pages(tmp_path / "sheet"))
    assert "alert(1)" not in text
    assert "example.org" not in text
    assert "//host" not in text
    assert '"original":"../../photos/a%20b.jpg"' in text


def test_a_file_name_of_any_bytes_can_be_shown_and_linked(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9 #1?.jpg")
    assert link_to(f"/photos/{name}") == "file:///photos/caf%E9%20%231%3F.jpg"
    album = family(tmp_path)
    album.add(name, "2020-01-01", "person-1")
    write_sheet(tmp_path / "sheet", album.content())
    text = (tmp_path / "sheet/photos/2020.html").read_text(encoding="utf-8")
    assert "caf\ufffd #1?.jpg" in text
    assert "caf%E9%20%231%3F.jpg" in text


@pytest.mark.parametrize("id", ["", "../index", "person 1", "Person-1", "person-1.html", "a--b"])
def test_an_id_that_is_no_safe_file_name_is_refused(tmp_path: Path, id: str) -> None:
    content = SheetContent(
        people=[SheetPerson(id, "Alice", None, 1, 1, None, None)],
        clusters=[],
        months=[],
        photos_in=lambda month: (),
        faces_of=lambda id: (),
    )
    with pytest.raises(ValueError, match="letters, digits and dashes"):
        write_sheet(tmp_path / "sheet", content)


def test_an_empty_library_has_a_page_that_says_so(tmp_path: Path) -> None:
    content = SheetContent([], [], [], photos_in=lambda month: (), faces_of=lambda id: ())
    write_sheet(tmp_path / "sheet", content)
    assert "Nobody has a name yet." in Page(tmp_path / "sheet/index.html").words


def test_people_come_by_photos_and_clusters_by_size(tmp_path: Path) -> None:
    write_sheet(tmp_path / "sheet", family(tmp_path).content())
    words = Page(tmp_path / "sheet/index.html").words
    order = [words.index(name) for name in ("Alice", "Bob", "Zoë", "cluster-3", "cluster-9")]
    assert order == sorted(order)
    assert "May be Alice, 0.41" in " ".join(words.split())
    assert "7 photos, 2018 – 2021" in words


def test_a_person_page_shows_company_and_faces_to_check(tmp_path: Path) -> None:
    album = family(tmp_path)
    write_sheet(tmp_path / "sheet", album.content())
    bob = Page(tmp_path / "sheet/people/person-2.html")
    words = " ".join(bob.words.split())
    assert "Often together with Alice 2 photos" in words
    assert "Is this Bob, too?" in words
    assert "face-60" in bob.values("value"), "the suggested face can be chosen"
    assert bob.values("data-template") == ["phototag label {faces} X", "phototag reject {faces} X"]


def test_many_suggestions_get_pages_of_their_own(tmp_path: Path) -> None:
    album = family(tmp_path)
    for at in range(30):
        album.add(f"maybe {at}.jpg", "2022-01-01", "person-1", status="suggested")
    write_sheet(tmp_path / "sheet", album.content(), faces_on_page=20)
    own = Page(tmp_path / "sheet/people/person-1.html")
    assert "person-1-maybe.html" in "".join(own.values("href"))
    found = [Page(tmp_path / f"sheet/people/person-1-maybe{end}.html") for end in ("", "-2")]
    chosen = [value for page in found for value in page.values("value")]
    assert len(chosen) == len(set(chosen)) == 30


def many(photos: int, months: list[str]) -> Iterator[SheetPhoto]:
    for at in range(photos):
        month = months[at * len(months) // photos]
        mark = SheetMark(f"face-{at}", Box(0.1, 0.1, 0.2, 0.2), "unknown")
        key = f"{at:032x}"
        taken = f"{month}-01T10:00:00" if month else None
        yield SheetPhoto(key, f"IMG_{at}.JPG", 800, 600, taken, f"thumbs/{key}.webp", marks=(mark,))


def library(photos: int, months: list[str]) -> SheetContent:
    made = list(many(photos, months))
    by_month = {m: [p for p in made if (p.taken or "")[:7] == m] for m in months}
    return SheetContent(
        people=[],
        clusters=[],
        months=[SheetMonth(m, len(found)) for m, found in by_month.items()],
        photos_in=lambda month: iter(by_month[month]),
        faces_of=lambda id: (),
    )


def test_photos_come_in_pages_of_five_hundred_and_none_is_lost(tmp_path: Path) -> None:
    months = ["2019-01", "2019-02", "2019-03", "2020-05", ""]
    content = library(6_000, months)
    write_sheet(tmp_path / "sheet", content)
    found: list[str] = []
    for page in pages(tmp_path / "sheet/photos"):
        tiles = page.values("data-at")
        assert 0 < len(tiles) <= 500
        assert tiles == [str(at) for at in range(len(tiles))]
        found += [alt for tag, attrs in page.tags if tag == "img" and (alt := attrs.get("src"))]
    found = [link for link in found if link.endswith(".webp")]
    assert len(found) == len(set(found)) == 6_000
    first = Page(tmp_path / "sheet/photos/2019-01.html")
    assert "2019-01-2.html" in "".join(first.values("href"))


def test_the_index_stays_small_however_many_photos_there_are(tmp_path: Path) -> None:
    months = [f"20{year:02d}-{month:02d}" for year in range(20) for month in (3, 9)]
    sizes = []
    for photos in (100, 4_000):
        folder = tmp_path / str(photos)
        write_sheet(folder, library(photos, months))
        sizes.append((folder / "index.html").stat().st_size)
    assert sizes[1] < sizes[0] + 1_000
    assert sizes[1] < 40_000


def test_photos_are_streamed_and_never_held_all_at_once(tmp_path: Path) -> None:
    class Watched:
        alive = 0
        most = 0

    class Held(str):
        """A name that counts how many of it there are."""

        def __new__(cls, text: str) -> Held:
            Watched.alive += 1
            Watched.most = max(Watched.most, Watched.alive)
            return super().__new__(cls, text)

        def __del__(self) -> None:
            Watched.alive -= 1

    numbers = count()

    def photos_in(month: str) -> Iterator[SheetPhoto]:
        for _ in range(3_000):
            yield SheetPhoto("0" * 32, Held(f"{next(numbers)}.jpg"), 8, 6, None, "thumbs/a.webp")

    months = [SheetMonth("2019-07", 3_000)]
    content = SheetContent([], [], months, photos_in=photos_in, faces_of=lambda id: ())
    write_sheet(tmp_path / "sheet", content)
    assert next(numbers) == 3_000
    assert Watched.most <= 1_100, "two pages at most: the one being made, and whether one follows"


def test_many_people_and_clusters_get_lists_of_their_own(tmp_path: Path) -> None:
    album = Album(tmp_path, names={f"person-{n}": f"Person {n}" for n in range(70)})
    for n in range(70):
        album.add(f"{n}.jpg", "2020-01-01", f"person-{n}", f"cluster-{n}")
    write_sheet(tmp_path / "sheet", album.content())
    index = Page(tmp_path / "sheet/index.html")
    assert "All 70 people" in index.words
    assert "All 70 groups of faces" in index.words
    everyone = Page(tmp_path / "sheet/people/index.html").words
    assert all(f"Person {n}" in everyone for n in range(70))


def test_every_picture_waits_until_it_is_seen(tmp_path: Path) -> None:
    write_sheet(tmp_path / "sheet", family(tmp_path).content())
    for page in pages(tmp_path / "sheet"):
        for tag, attrs in page.tags:
            if tag == "img" and "src" in attrs:
                assert attrs.get("loading") == "lazy"
                assert "alt" in attrs


@pytest.mark.parametrize(
    "page",
    ["index.html", "people/person-1.html", "clusters/cluster-3.html", "photos/2019.html"],
)
def test_pages_are_as_their_golden_files(
    page: str, golden: Callable[[str, bytes], None], tmp_path: Path
) -> None:
    album = family(Path("/library"))
    write_sheet(tmp_path / "sheet", album.content())
    golden(f"sheet/{page}", (tmp_path / "sheet" / page).read_bytes())


def test_a_sheet_that_cannot_be_written_says_where(tmp_path: Path) -> None:
    (tmp_path / "sheet").write_bytes(b"in the way")
    with pytest.raises(CannotWrite, match="sheet"):
        write_sheet(tmp_path / "sheet", family(tmp_path).content())
