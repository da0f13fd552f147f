"""XMP that phototag writes: what others wrote stays, to the byte, and others read it."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from phototag.core.regions import Region
from phototag.core.types import Box
from phototag.core.xmp import told
from phototag.images import packets
from phototag.images.markup import parse
from phototag.output import embed
from phototag.output.strip import CannotStrip, without_people
from phototag.output.xmp import EMPTY, CannotMerge, Merged, merge
from phototag.output.xmp_arrays import Wanted, Written
from phototag.work.export_xmp import pixels_hash

ANN = Region('Ann <&> "O\'Hara"', Box(0.1, 0.2, 0.1, 0.15))
BEN = Region("Ben", Box(0.6, 0.3, 0.1, 0.15))
NOBODY = Wanted((), (), (400, 300))

needs_exiftool = pytest.mark.skipif(
    shutil.which("exiftool") is None, reason="ExifTool (libimage-exiftool-perl) is not here"
)
needs_exiv2 = pytest.mark.skipif(shutil.which("exiv2") is None, reason="exiv2 is not here")


def wanted(*regions: Region, tags: bool = False, also: tuple[str, ...] = ()) -> Wanted:
    return Wanted(regions, (*(r.name for r in regions), *also), (400, 300), tags)


def put(theirs: bytes | None, want: Wanted, last: Written | None = None) -> Merged:
    return merge(theirs, parse, last or Written(), want)


def names(data: bytes | None) -> tuple[set[str], set[str]]:
    assert data is not None
    said = told(parse(data))
    return {r.name for r in said.regions}, set(said.names)


# ---- what others read


@needs_exiftool
def test_exiftool_reads_all_of_it(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg.xmp"
    file.write_bytes(put(None, wanted(ANN, BEN, tags=True, also=("Cy",))).data or b"")
    line = ["exiftool", "-j", "-struct", "-n", "-G1", str(file)]
    (said,) = json.loads(subprocess.run(line, capture_output=True, check=True).stdout)
    info = said["XMP-mwg-rs:RegionInfo"]
    assert info["AppliedToDimensions"] == {"W": 400, "H": 300, "Unit": "pixel"}
    first = info["RegionList"][0]
    assert (first["Name"], first["Type"]) == (ANN.name, "Face")
    area = [first["Area"][side] for side in "XYWH"]
    assert area == pytest.approx([0.15, 0.275, 0.1, 0.15])
    mp = said["XMP-MP:RegionInfoMP"]["Regions"]
    assert mp[1] == {
        "PersonDisplayName": "Ben",
        "Rectangle": "0.600000, 0.300000, 0.100000, 0.150000",
    }
    everybody = [ANN.name, "Ben", "Cy"]
    assert said["XMP-iptcExt:PersonInImage"] == everybody
    assert said["XMP-digiKam:TagsList"] == [f"People/{n}" for n in everybody]
    assert said["XMP-lr:HierarchicalSubject"] == [f"People|{n}" for n in everybody]
    assert said["XMP-microsoft:LastKeywordXMP"] == [f"People/{n}" for n in everybody]
    assert said["XMP-mediapro:CatalogSets"] == [f"People|{n}" for n in everybody]


@needs_exiv2
def test_exiv2_reads_the_same(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg.xmp"
    file.write_bytes(put(None, wanted(ANN, BEN, tags=True)).data or b"")
    done = subprocess.run(["exiv2", "-PXkv", str(file)], capture_output=True, check=True)
    lines = [line.split(None, 1) for line in done.stdout.decode().splitlines()]
    rows = {line[0]: line[1] for line in lines if len(line) == 2}
    assert rows["Xmp.mwg-rs.Regions/mwg-rs:RegionList[1]/mwg-rs:Name"] == ANN.name
    assert rows["Xmp.mwg-rs.Regions/mwg-rs:RegionList[2]/mwg-rs:Area/stArea:x"] == "0.650000"
    assert rows["Xmp.MP.RegionInfo/MPRI:Regions[2]/MPReg:PersonDisplayName"] == "Ben"
    assert rows["Xmp.digiKam.TagsList"] == f"People/{ANN.name}, People/Ben"


# ---- three versions


def test_what_is_up_to_date_stays_to_the_byte_and_nobody_gives_no_file() -> None:
    first = put(None, wanted(ANN, BEN, tags=True))
    again = put(first.data, wanted(ANN, BEN, tags=True), first.written)
    assert again == first
    assert put(None, NOBODY).data is None


def test_taking_a_name_back_leaves_what_was_there_before() -> None:
    foreign = EMPTY.replace(
        b" </rdf:RDF>",
        b' <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="3"/>'
        b"\n </rdf:RDF>",
    )
    first = put(foreign, wanted(ANN, tags=True))
    assert names(first.data) == ({ANN.name}, set())
    last = put(first.data, NOBODY, first.written)
    assert last.data is not None
    assert b'xmp:Rating="3"' in last.data
    assert b"".join(last.data.split()) == b"".join(foreign.split())
    assert put(put(None, wanted(ANN)).data, NOBODY, put(None, wanted(ANN)).written).data is None


def test_a_face_that_moved_and_a_person_that_was_renamed_are_written_anew() -> None:
    first = put(None, wanted(ANN, BEN))
    moved = Region(ANN.name, Box(0.3, 0.2, 0.1, 0.15))
    second = put(first.data, wanted(moved, Region("Robert", BEN.box)), first.written)
    assert second.conflicts == ()
    assert names(second.data) == ({ANN.name, "Robert"}, set())
    fresh = put(None, wanted(moved, Region("Robert", BEN.box)))
    assert told(parse(second.data or b"")).regions == told(parse(fresh.data or b"")).regions


def test_a_name_that_another_program_gave_or_took_away_is_a_conflict_and_stays() -> None:
    first = put(None, wanted(ANN, BEN, tags=True))
    assert first.data is not None
    theirs = first.data.replace(b">Ben<", b">Benjamin<").replace(b"/Ben<", b"/Benjamin<")
    for _ in range(2):  # also the next time
        second = put(theirs, wanted(ANN, BEN, tags=True), first.written)
        assert second.data == theirs
        assert second.conflicts == ("Ben was changed or taken away there by another program",)
        first = second
    other = Region("Bob", BEN.box)
    third = put(first.data, wanted(ANN, other))
    assert third.conflicts == ("Bob is called Benjamin there",)
    assert "Bob" not in {n for those in names(third.data) for n in those}


def test_a_region_of_another_program_for_the_same_person_is_ours_too() -> None:
    theirs = put(None, wanted(Region("Ben", Box(0.59, 0.29, 0.12, 0.17)))).data
    ours = put(theirs, wanted(BEN))
    assert ours.data == theirs
    assert ours.conflicts == ()
    assert put(ours.data, NOBODY, ours.written).data == theirs  # not ours to take away


def test_every_xmp_of_the_collection_keeps_all_that_it_says(shared: Path, tmp_path: Path) -> None:
    """Written into and taken out again: the same document but for blanks, and the rest untouched
    meanwhile."""
    folder = shared / "photos" / "formats" / "face_regions"
    count = 0
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".xmp":
            before = path.read_bytes()
        elif path.suffix in (".jpg", ".png") and (found := packets.embedded(path.read_bytes())):
            before = found[0].data
        else:
            continue
        count += 1
        if b"\0" in before[:4]:
            with pytest.raises(CannotMerge, match="UTF-8"):
                put(before, wanted(ANN))
            continue
        new = wanted(Region("Zoë", Box(0.001, 0.9, 0.01, 0.01)), tags=True, also=("Zed",))
        after = put(before, new)
        assert after.data is not None
        said, was = names(after.data), names(before)
        assert (said[0] - was[0], said[1] - was[1]) == ({"Zoë"}, {"Zed"})
        assert was[0] <= said[0]
        assert was[1] <= said[1]
        there = iter(after.data.split(b"<"))
        assert all(piece in there for piece in before.split(b"<")), path.name
        back = put(after.data, NOBODY, after.written)
        left = b"" if back.data is None else back.data
        if told(parse(before)):
            assert b"".join(left.split()) == b"".join(before.split()), path.name
    assert count > 40


def test_empty_arrays_and_structures_in_every_form_take_entries() -> None:
    top = (
        '<rdf:Description rdf:about="" xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/"'
        ' xmlns:I="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">'
    )
    for inner in (
        "<mwg-rs:Regions rdf:parseType='Resource'/>",
        "<mwg-rs:Regions rdf:parseType='Resource'><mwg-rs:RegionList/></mwg-rs:Regions>",
        "<mwg-rs:Regions><rdf:Description><mwg-rs:RegionList><rdf:Bag/></mwg-rs:RegionList>"
        "</rdf:Description></mwg-rs:Regions>",
        "<I:PersonInImage/><I:Event>x</I:Event>",
        "<I:PersonInImage><rdf:Bag></rdf:Bag></I:PersonInImage>",
    ):
        theirs = EMPTY.replace(b" </rdf:RDF>", f"{top}{inner}</rdf:Description></rdf:RDF>".encode())
        assert names(put(theirs, wanted(ANN, also=("Cy",))).data) == ({ANN.name}, {"Cy"}), inner


def test_a_file_of_others_that_says_nothing_is_never_taken_away() -> None:
    assert put(EMPTY, NOBODY).data == EMPTY
    with pytest.raises(CannotMerge, match="no XMP"):
        put(b"<settings><a/></settings>", wanted(ANN))


# ---- into the photo


def picture() -> Image.Image:
    noise = np.random.default_rng(3).integers(0, 255, size=(60, 80, 3), dtype=np.uint8)
    return Image.fromarray(noise)


def encoded(format: str, **options: object) -> bytes:
    out = io.BytesIO()
    exif = picture().getexif()
    exif[0x0112] = 6
    picture().save(out, format, exif=exif, **options)
    return out.getvalue()


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_embedding_changes_the_xmp_and_nothing_else(format: str) -> None:
    photo = encoded(format)
    packet = put(None, wanted(ANN)).data
    once = embed.with_packet(photo, packet)
    assert [document.data for document in packets.embedded(once)] == [packet]
    assert pixels_hash(once, "a") == pixels_hash(photo, "a")
    assert embed.picture(once) == photo
    assert embed.with_packet(once, packet) == once
    assert embed.with_packet(once, None) == photo


def test_what_cannot_hold_xmp_without_harm_is_refused() -> None:
    packet = put(None, wanted(ANN)).data or b""
    with pytest.raises(embed.CannotEmbed, match="JPEG and PNG"):
        embed.with_packet(b"RIFF....WEBP", packet)
    with pytest.raises(embed.CannotEmbed, match="65,502"):
        embed.with_packet(encoded("JPEG"), packet + b" " * 70_000)
    with pytest.raises(embed.CannotEmbed, match="order"):
        embed.with_packet(b"\xff\xd8\xff\xe1", packet)


def test_split_xmp_is_left_alone(shared: Path) -> None:
    path = shared / "photos" / "formats" / "face_regions" / "exiftool" / "ExtendedXMP.jpg"
    with pytest.raises(embed.CannotEmbed, match="split"):
        embed.with_packet(path.read_bytes(), EMPTY)


# ---- given away


def test_a_stripped_photo_names_nobody_and_shows_the_same(shared: Path) -> None:
    folder = shared / "photos" / "formats" / "face_regions"
    count, refused = 0, set()
    for path in sorted(p for p in folder.rglob("*") if p.suffix in (".jpg", ".png")):
        data = path.read_bytes()
        found = packets.embedded(data)
        try:
            new = without_people(data, found[0].data if found else None, parse, ())
        except CannotStrip:
            refused.add(path.name)
            continue
        said = [told(document.root, (1, 1)) for document in packets.embedded(new)]
        assert not any(said), path.name
        assert pixels_hash(new, path.name) == pixels_hash(data, path.name)
        count += found != []
    assert count > 20
    # In UTF-16; and names in EXIF's keywords or title.
    exif = {"Chars.jpg", "Chars_exiftool.jpg", "before_epoch.jpg", "digikam.jpg"}
    assert refused == {"XMP.jpg", *exif}


def test_a_photo_whose_other_metadata_names_somebody_is_not_given_away() -> None:
    image, out = picture(), io.BytesIO()
    exif = image.getexif()
    exif[0x010E] = "Ben at home"
    image.save(out, "JPEG", exif=exif)
    with pytest.raises(CannotStrip, match="still names Ben"):
        without_people(out.getvalue(), None, parse, ["Ben"])
