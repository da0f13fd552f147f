"""What EXIF says about the moment, and how little it is believed."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from photo_files import exif, saved, scene, tiff

from phototag.images.metadata import Metadata, parse
from phototag.images.read import read
from phototag.images.tiff import directories

TAKEN, DIGITISED = 0x9003, 0x9004
OFFSET, FRACTION = 0x9011, 0x9291


@pytest.mark.parametrize(
    ("sub", "taken"),
    [
        ({TAKEN: "2019:05:04 12:33:21"}, "2019-05-04T12:33:21"),
        ({TAKEN: "2019:05:04 12:33:21", OFFSET: "+02:00"}, "2019-05-04T12:33:21+02:00"),
        ({TAKEN: "2019:05:04 12:33:21", OFFSET: "Z"}, "2019-05-04T12:33:21+00:00"),
        ({TAKEN: "2019:05:04 12:33:21", OFFSET: "noon"}, "2019-05-04T12:33:21"),
        ({TAKEN: "2019:05:04 12:33:21", OFFSET: "+99:00"}, "2019-05-04T12:33:21"),
        ({TAKEN: "2019:05:04 12:33:21", FRACTION: "07"}, "2019-05-04T12:33:21.070"),
        ({TAKEN: "2019:05:04 12:33:21", FRACTION: "00"}, "2019-05-04T12:33:21"),
        ({TAKEN: "2019-05-04T12:33:21"}, "2019-05-04T12:33:21"),
        ({TAKEN: "0000:00:00 00:00:00", DIGITISED: "2001:02:03 04:05:06"}, "2001-02-03T04:05:06"),
        ({TAKEN: "0000:00:00 00:00:00"}, None),
        ({TAKEN: "    :  :     :  :  "}, None),
        ({TAKEN: "2019:02:30 12:00:00"}, None),
        ({TAKEN: "2019:05:04 25:00:00"}, None),
        ({TAKEN: "1601:01:01 00:00:00"}, None),
        ({TAKEN: "garbage"}, None),
        ({}, None),
    ],
)
def test_the_moment_is_read_with_its_offset_or_not_at_all(
    sub: dict[int, str], taken: str | None
) -> None:
    assert parse(exif(1, sub=sub)).taken == taken


def test_the_date_of_the_file_counts_only_where_there_is_no_better_one() -> None:
    assert parse(exif(date_time="2010:01:01 00:00:00")).taken == "2010-01-01T00:00:00"
    both = exif(date_time="2010:01:01 00:00:00", sub={TAKEN: "2009:12:31 10:00:00"})
    assert parse(both).taken == "2009-12-31T10:00:00"


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_every_format_hands_on_its_date(format: str) -> None:
    block = exif(sub={TAKEN: "2019:05:04 12:33:21", OFFSET: "-05:00"})
    picture = read(saved(scene(), format, exif=block), "a")
    assert picture.taken == "2019-05-04T12:33:21-05:00"


def test_an_orientation_out_of_range_is_none() -> None:
    for value in (0, 9, 65535):
        assert parse(exif(value)).orientation == 1


def test_big_and_little_endian_say_the_same() -> None:
    for order in "<>":
        block = tiff([{0x0112: 6, 0x0132: "2010:01:01 00:00:00"}], order=order)
        assert parse(b"Exif\0\0" + block) == Metadata(6, "2010-01-01T00:00:00")


def test_directories_in_a_circle_end() -> None:
    block = bytearray(tiff([{0x0112: 3}, {0x0112: 6}]))
    struct.pack_into("<I", block, len(block) - 4, 8)
    assert [d.number(0x0112) for d in directories(bytes(block))] == [3, 6]


def test_a_million_claimed_entries_cost_nothing() -> None:
    block = b"II*\0\x08\0\0\0\xff\xff" + struct.pack("<HHII", 0x0112, 3, 1, 6) * 40
    assert parse(block).orientation == 6
    claim = b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHII", 0x0132, 2, 2**32 - 1, 8) + bytes(4)
    assert parse(claim) == Metadata()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"]))
def test_no_bytes_make_it_raise(tail: bytes, head: bytes) -> None:
    found = parse(head + tail)
    assert 1 <= found.orientation <= 8
