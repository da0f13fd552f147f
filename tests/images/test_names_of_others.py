"""What other programs say of people: every file of the collection, and files that mean harm."""

from __future__ import annotations

import csv
import html
import json
import zlib
from pathlib import Path

import pytest

from phototag.core.xmp import told
from phototag.images import packets, picasa, takeout
from phototag.images.markup import NotReadable, parse
from phototag.images.read import stored_frame
from phototag.output.xmp import EMPTY

PHOTOS = (".jpg", ".png")


@pytest.fixture(scope="session")
def collection(shared: Path) -> Path:
    return shared / "photos" / "formats" / "face_regions"


def documents(path: Path) -> list[packets.Document]:
    if path.suffix == ".xmp":
        found = packets.read_sidecar(str(path))
        return [] if found is None else [found]
    return packets.embedded(path.read_bytes())


def said_in(path: Path) -> tuple[set[str], set[str]]:
    """(names with a box, names without) in a file."""
    size = stored_frame(path.read_bytes(), str(path))[:2] if path.suffix in PHOTOS else (100, 50)
    all_told = [told(document.root, size) for document in documents(path)]
    placed = {region.name for one in all_told for region in one.regions}
    return placed, {name for one in all_told for name in one.names} - placed


def test_every_file_of_the_collection_says_the_names_that_its_index_lists(collection: Path) -> None:
    with (collection / "INDEX.csv").open(encoding="utf-8", newline="") as lines:
        index = {row["file"]: row for row in csv.DictReader(lines)}
    wrong, seen = [], 0
    for path in sorted(p for p in collection.rglob("*") if p.suffix in (*PHOTOS, ".xmp")):
        row = index.get(path.relative_to(collection).as_posix())
        placed, loose = said_in(path)
        listed = set() if row is None else set(html.unescape(row["names"]).split("; ")) - {""}
        if row is None:
            fits = not placed
        else:
            seen += 1
            fits = listed <= placed | loose and bool(placed or loose)
        if not fits:
            wrong.append((path.name, placed, loose, listed))
    assert wrong == []
    assert seen == 39


def test_all_dialects_are_read(collection: Path) -> None:
    assert said_in(collection / "photoprism" / "iptc-2021.jpg") == (
        {f"Person name no 1 in region persltr{n} (ref2021.1)" for n in (1, 2, 3)},
        {"Person Shown 1 (ref2021.1)", "Person Shown 2 (ref2021.1)"},
    )
    murray = collection / "metadata-extractor" / "metadata-extractor-dotnet issue 51.jpg"
    assert said_in(murray) == ({"Bill Murray"}, set())
    digikam = said_in(collection / "pigallery2" / "digikam.jpg")
    assert digikam == ({"Æske Øllegård"}, {"æÆøØåÅéÉüÜäÄöÖïÏñÑ"})
    (one,) = documents(collection / "pigallery2" / "sidecar" / "flatxmp.xmp")
    assert {r.name for r in told(one.root).regions} == {"Person1", "Person2"}
    assert len(documents(collection / "exiftool" / "ExtendedXMP.jpg")) == 2


def test_where_two_dialects_differ_the_working_groups_counts(collection: Path) -> None:
    """A program turned that photo, and only one of the two."""
    (one,) = documents(collection / "immich" / "portrait-orientation-6.jpg")
    regions = told(one.root).regions
    assert [r.name for r in regions] == ["Marie Curie", "Pierre Curie"]
    assert regions[0].box is not None
    assert regions[0].box.x == pytest.approx(0.209, abs=1e-3)


def xmp_with(rdf: str) -> bytes:
    return EMPTY.replace(b" </rdf:RDF>", rdf.encode() + b"</rdf:RDF>")


def test_people_tags_are_the_leaves_below_people() -> None:
    tags = ("People", "People/Family", "People/Family/Ann", "people/Ben", "Places/Rome")
    entries = "".join(f"<rdf:li>{tag}</rdf:li>" for tag in tags)
    root = parse(
        xmp_with(
            '<rdf:Description rdf:about="" xmlns:digiKam="http://www.digikam.org/ns/1.0/">'
            f"<digiKam:TagsList><rdf:Seq>{entries}</rdf:Seq></digiKam:TagsList></rdf:Description>"
        )
    )
    assert told(root).names == ("Ann", "Ben")


def test_only_faces_are_taken_and_regions_may_be_in_pixels() -> None:
    def region(kind: str, unit: str, name: str) -> str:
        return (
            f'<rdf:li><rdf:Description mwg-rs:Name="{name}" mwg-rs:Type="{kind}"><mwg-rs:Area'
            f' stArea:x="50" stArea:y="25" stArea:w="20" stArea:h="10" stArea:unit="{unit}"/>'
            "</rdf:Description></rdf:li>"
        )

    entries = region("Face", "pixel", "Ann") + region("Pet", "pixel", "Rex")
    root = parse(
        xmp_with(
            '<rdf:Description xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/"'
            ' xmlns:stArea="http://ns.adobe.com/xmp/sType/Area#">'
            f"<mwg-rs:Regions><rdf:Description><mwg-rs:RegionList><rdf:Bag>{entries}</rdf:Bag>"
            "</mwg-rs:RegionList></rdf:Description></mwg-rs:Regions></rdf:Description>"
        )
    )
    (ann,) = told(root, (100, 50)).regions
    assert ann.name == "Ann"
    assert ann.box is not None
    assert (ann.box.x, ann.box.y, ann.box.width, ann.box.height) == (0.4, 0.4, 0.2, 0.2)


# ---- harm

BOMB = b"""<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]><x>&b;&b;</x>"""
FILE = b"""<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>"""


@pytest.mark.parametrize(
    "data",
    [
        BOMB,
        FILE,
        b"<x>" * 300 + b"</x>" * 300,
        b"<x>" + b"<y/>" * 120_000 + b"</x>",
        b"<x>" + b" " * (17 << 20) + b"</x>",
        b"<x><y></x>",
        b"<x>&unknown;</x>",
        b"",
        b"\0" * 100,
    ],
    ids=["bomb", "file", "deep", "wide", "large", "torn", "entity", "empty", "zeros"],
)
def test_xml_that_means_harm_is_refused(data: bytes) -> None:
    with pytest.raises(NotReadable):
        parse(data)


def test_a_quoted_bracket_does_not_mislead_the_places_of_elements() -> None:
    data = b"""<a x="1>2" y='&lt;"'><b z='>'/><!-- <c> --><d>text</d></a>"""
    root = parse(data)
    texts = [data[node.start : node.end] for node in root.children]
    assert texts == [b"<b z='>'/>", b"<d>text</d>"]
    assert parse(b"<a><b/></a>").children[0].end == 7
    assert data[root.inner : root.close].startswith(b"<b")


def test_a_packed_png_text_is_read_and_a_bomb_in_it_is_not() -> None:
    def png(packed: bytes) -> bytes:
        body = b"iTXtXML:com.adobe.xmp\0\1\0\0\0" + packed
        chunk = (len(body) - 4).to_bytes(4, "big") + body + b"\0\0\0\0"
        return b"\x89PNG\r\n\x1a\n" + b"\0\0\0\0IHDR\0\0\0\0" + chunk

    assert len(packets.embedded(png(zlib.compress(EMPTY)))) == 1
    with pytest.raises(NotReadable):
        packets.embedded(png(zlib.compress(b"<x>" + b" " * (20 << 20))))


# ---- Picasa


def test_rectangles_have_their_zeros_back() -> None:
    box = picasa.rect64("5520c092dfb2f8d")
    left, top, right, bottom = (
        round(v * 65535) for v in (box.x, box.y, box.x + box.width, box.y + box.height)
    )
    assert f"{left:04x}{top:04x}{right:04x}{bottom:04x}" == "05520c092dfb2f8d"


def test_picasas_own_files_of_the_collection(collection: Path) -> None:
    folder = collection / "picasa"
    album = "014-face-tag-new-person/2015-03-15 Garden Project/.picasa.ini"
    ini = picasa.sections(picasa.read_text(str(folder / album)))
    contacts = picasa.read_contacts(str(folder / "014-face-tag-new-person" / "contacts.xml"))
    assert contacts == picasa.contacts_in(ini) == {"ca5c88ca60f42c0b": "synthetiic person 1200"}
    (face,), nameless = picasa.faces_of(ini["photo00.jpg"], contacts)
    assert nameless == 0
    assert face.name == "synthetiic person 1200"
    assert face.box is not None
    assert face.box.x == pytest.approx(0x6800 / 65535)
    for other in ("004-crop-unsaved/*/.picasa.ini", "026-reset-faces/*/.picasa.ini"):
        lines = picasa.sections(picasa.read_text(str(next(folder.glob(other)))))
        assert all(picasa.faces_of(photo, {}) == ([], 0) for photo in lines.values())
    described = picasa.sections(picasa.read_text(str(folder / "picasa.ini.txt")))
    faces = [picasa.faces_of(lines, {}) for lines in described.values() if "faces" in lines]
    assert [nameless for _, nameless in faces] == [2]


# ---- Google


@pytest.mark.parametrize(
    ("photo", "document"),
    [
        ("a.jpg", "a.jpg.json"),
        ("a.jpg", "a.jpg.supplemental-metadata.json"),
        ("a(1).jpg", "a.jpg(1).json"),
        ("a-edited.jpg", "a.jpg.json"),
        ("x" * 60 + ".jpg", "x" * 51 + ".json"),
        ("a.jpg", "a.json"),
    ],
)
def test_takeout_has_many_names_for_a_photos_document(
    tmp_path: Path, photo: str, document: str
) -> None:
    said = {"title": photo, "people": [{"name": "Susan"}, {"name": " "}, {}]}
    (tmp_path / document).write_text(json.dumps(said))
    found = [takeout.read_people(path) for path in takeout.documents_of(str(tmp_path / photo))]
    assert [names for names in found if names is not None] == [["Susan"]]


def test_a_document_that_is_not_takeouts_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"people": [{"name": "Susan"}]}')
    assert takeout.read_people(str(tmp_path / "a.json")) is None
    (tmp_path / "b.json").write_text("[" * 100_000)
    with pytest.raises(NotReadable):
        takeout.read_people(str(tmp_path / "b.json"))
