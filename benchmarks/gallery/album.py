"""The photos of the sample gallery: who stands where, in what light, dressed how, and when."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from gallery.clothes import Clothes
from gallery.pose import Pose


@dataclass(frozen=True, slots=True)
class Figure:
    """One person in a photo: where the middle of the face is (of the photo's width and height), units in pixels."""

    name: str
    x: float
    y: float
    unit: float
    clothes: Clothes
    pose: Pose = field(default_factory=Pose)


@dataclass(frozen=True, slots=True)
class Photo:
    file: str
    size: tuple[int, int]
    scene: str
    taken: str
    offset: str = "+02:00"
    figures: tuple[Figure, ...] = ()
    quality: int = 88
    orientation: int = 1


def c(
    kind: str,
    colour: Sequence[float],
    second: Sequence[float] = (240, 238, 232),
    stripes: bool = False,
) -> Clothes:
    return Clothes(kind, colour, second, stripes)


CORAL, TEAL, NAVY, CREAM, MUSTARD = (
    (214, 96, 78),
    (46, 128, 132),
    (44, 58, 92),
    (236, 228, 210),
    (206, 156, 62),
)
PLUM, SAGE, WINE, GREY, SKY, ROSE = (
    (112, 72, 120),
    (122, 148, 116),
    (122, 42, 54),
    (112, 118, 126),
    (112, 160, 204),
    (222, 146, 158),
)
PINE, WHITE, BLACK, RUST, DENIM = (
    (46, 88, 72),
    (240, 240, 238),
    (38, 40, 46),
    (172, 84, 46),
    (74, 104, 148),
)


def f(
    name: str,
    x: float,
    y: float,
    unit: float,
    clothes: Clothes,
    turn: float = 0,
    roll: float = 0,
    nod: float = 0,
    smile: float = 0,
) -> Figure:
    """A figure whose pose differs a little from all others, by its place and size."""
    sway = math.sin(97 * x + 31 * unit + 13 * roll)
    pose = Pose(
        turn + 1.2 * sway, nod + 1.3 * math.cos(71 * x + 17 * unit), smile + 0.5 * sway, roll
    )
    return Figure(name, x, y, unit, clothes, pose)


PHOTOS: tuple[Photo, ...] = (
    Photo(
        "2018/Summer by the sea/IMG_0412.JPG",
        (1200, 900),
        "beach",
        "2018:07:14 11:02:31",
        figures=(f("Liorène", 0.46, 0.42, 3.3, c("scoop", TEAL), turn=2, roll=5),),
    ),
    Photo(
        "2018/Summer by the sea/IMG_0413.JPG",
        (1280, 854),
        "beach",
        "2018:07:14 11:05:10",
        figures=(
            f("Torvane", 0.66, 0.40, 2.5, c("crew", WHITE, NAVY, True), turn=-2, roll=-4),
            f("Liorène", 0.35, 0.47, 2.4, c("scoop", TEAL), turn=2, roll=7, smile=0.8),
        ),
    ),
    Photo(
        "2018/Summer by the sea/sunset #2.jpg",
        (960, 1200),
        "sunset",
        "2018:07:14 20:48:55",
        figures=(f("Torvane", 0.48, 0.40, 3.4, c("shirt", SKY), turn=3, roll=-6),),
    ),
    Photo(
        "2018/Summer by the sea/Été à la plage.jpg",
        (1400, 934),
        "beach",
        "2018:07:15 15:20:00",
        figures=(
            f("Zunari", 0.53, 0.55, 1.75, c("scoop", MUSTARD), roll=-3, turn=-1),
            f("Minsue", 0.34, 0.60, 1.7, c("crew", CREAM, CORAL, True), roll=6, turn=2),
            f("Liorène", 0.72, 0.59, 1.75, c("vneck", CORAL), roll=-7, turn=-2),
        ),
    ),
    Photo(
        "2018/Grandpa’s 70th 🎂/DSC 0101.jpg",
        (1200, 900),
        "party",
        "2018:10:20 16:01:44",
        figures=(f("Oldwin", 0.50, 0.43, 3.3, c("blazer", NAVY, SKY), roll=3, turn=-1, smile=1),),
    ),
    Photo(
        "2018/Grandpa’s 70th 🎂/DSC 0102.jpg",
        (1200, 800),
        "party",
        "2018:10:20 16:03:12",
        figures=(
            f("Oldwin", 0.36, 0.42, 2.6, c("blazer", NAVY, SKY), roll=5, turn=2),
            f("Hesperine", 0.64, 0.46, 2.5, c("vneck", PLUM), roll=-6, turn=-2),
        ),
    ),
    Photo(
        "2018/Grandpa’s 70th 🎂/DSC 0103 (everyone).jpg",
        (1600, 1067),
        "party",
        "2018:10:20 16:30:27",
        figures=(
            f("Kofaro", 0.63, 0.36, 2.25, c("shirt", PINE), roll=-3, turn=-1),
            f("Minsue", 0.385, 0.39, 2.15, c("turtle", ROSE), roll=4, turn=1),
            f("Oldwin", 0.17, 0.46, 2.3, c("blazer", NAVY, SKY), roll=6, turn=3),
            f("Hesperine", 0.84, 0.47, 2.25, c("vneck", PLUM), roll=-5, turn=-3),
        ),
    ),
    Photo(
        "2018/Grandpa’s 70th 🎂/cake & candles 100%.jpg",
        (1000, 1000),
        "evening",
        "2018:10:20 19:15:03",
        figures=(f("Hesperine", 0.48, 0.42, 3.2, c("vneck", PLUM), roll=-4, turn=2, nod=1),),
    ),
    Photo(
        "2019/it's snowing/“first snow”.jpg",
        (900, 1200),
        "snow",
        "2019:01:19 10:11:12",
        "+01:00",
        figures=(f("Minsue", 0.50, 0.42, 3.4, c("turtle", WINE), roll=5, turn=-2),),
        orientation=6,
    ),
    Photo(
        "2019/it's snowing/-2 degrees.jpg",
        (1280, 854),
        "snow",
        "2019:01:19 10:40:00",
        "+01:00",
        figures=(
            f("Rashilo", 0.36, 0.40, 2.5, c("turtle", GREY), roll=4, turn=1),
            f("Minsue", 0.66, 0.46, 2.4, c("turtle", WINE), roll=-8, turn=-2, smile=0.8),
        ),
    ),
    Photo(
        "2019/it's snowing/IMG_1203.HEIC",
        (1200, 900),
        "snow",
        "2019:01:19 11:03:59",
        "+01:00",
        figures=(f("Rashilo", 0.54, 0.42, 3.3, c("turtle", GREY), roll=-5, turn=2, smile=1),),
        quality=60,
    ),
    Photo(
        "2019/trips/north/day 3/evening/hut/IMG_20190914_183012.jpg",
        (1200, 800),
        "hike",
        "2019:09:14 18:30:12",
        figures=(f("Kofaro", 0.40, 0.42, 3.0, c("hoodie", MUSTARD), roll=-5, turn=2),),
    ),
    Photo(
        "2019/trips/north/day 3/evening/hut/IMG_20190914_183155.jpg",
        (1280, 854),
        "hike",
        "2019:09:14 18:31:55",
        figures=(
            f("Kofaro", 0.30, 0.60, 1.5, c("hoodie", MUSTARD), roll=3, turn=2),
            f("Torvane", 0.50, 0.61, 1.5, c("hoodie", PINE), roll=-6, turn=-2),
        ),
    ),
    Photo(
        "2019/trips/north/day 3/the lake.jpg",
        (1600, 1067),
        "mountains",
        "2019:09:14 16:12:40",
        quality=80,
    ),
    Photo(
        "2020/garden party/P1010007.JPG",
        (1100, 1100),
        "garden",
        "2020:06:06 14:00:05",
        figures=(f("Zunari", 0.50, 0.43, 3.3, c("scoop", CORAL), roll=6, turn=-2),),
    ),
    Photo(
        "2020/garden party/P1010011.JPG",
        (1280, 854),
        "garden",
        "2020:06:06 14:22:41",
        figures=(
            f("Hesperine", 0.36, 0.45, 2.5, c("crew", SKY, WHITE, True), roll=6, turn=2),
            f("Zunari", 0.66, 0.43, 2.5, c("scoop", CORAL), roll=-9, turn=-1),
        ),
    ),
    Photo(
        "2020/garden party/P1010019.JPG",
        (1440, 960),
        "garden",
        "2020:06:06 15:48:09",
        figures=(
            f("Liorène", 0.50, 0.40, 2.3, c("vneck", SAGE), roll=-2),
            f("Zunari", 0.21, 0.46, 2.35, c("scoop", CORAL), roll=7, turn=2),
            f("Oldwin", 0.79, 0.45, 2.4, c("shirt", CREAM), roll=-6, turn=-2),
        ),
    ),
    Photo(
        "2020/at home/window seat.jpg",
        (1000, 800),
        "room",
        "2020:11:02 09:30:00",
        "+01:00",
        figures=(f("Hesperine", 0.52, 0.43, 2.9, c("turtle", MUSTARD), roll=8, turn=-3),),
    ),
    Photo(
        "2020/at home/new   shirt.jpg",
        (900, 1125),
        "room",
        "2020:11:08 12:00:00",
        "+01:00",
        figures=(f("Rashilo", 0.50, 0.40, 3.0, c("shirt", SAGE), roll=-3, turn=-2),),
    ),
    Photo(
        "2020/at home/two of us.jpg",
        (1200, 800),
        "room",
        "2020:11:08 12:06:30",
        "+01:00",
        figures=(
            f("Rashilo", 0.66, 0.40, 2.4, c("shirt", SAGE), roll=-5, turn=-2, smile=1),
            f("Liorène", 0.36, 0.45, 2.35, c("crew", MUSTARD), roll=9, turn=2),
        ),
    ),
    Photo(
        "2020/at home/late.jpg",
        (1100, 825),
        "evening",
        "2020:12:23 22:41:18",
        "+01:00",
        figures=(f("Torvane", 0.52, 0.42, 2.9, c("turtle", NAVY), roll=7, turn=-2),),
    ),
    Photo(
        "2021/Café Ñandú/01.jpg",
        (1200, 900),
        "cafe",
        "2021:05:01 10:15:20",
        figures=(f("Minsue", 0.47, 0.44, 3.1, c("blazer", RUST, CREAM), roll=-6, turn=2),),
    ),
    Photo(
        "2021/Café Ñandú/02.jpg",
        (1280, 854),
        "cafe",
        "2021:05:01 10:40:02",
        figures=(
            f("Kofaro", 0.66, 0.41, 2.5, c("crew", WHITE), roll=-4, turn=-2),
            f("Zunari", 0.35, 0.45, 2.4, c("vneck", PINE), roll=8, turn=2),
        ),
    ),
    Photo(
        "2021/Café Ñandú/03 “usual table”.jpg",
        (1400, 934),
        "cafe",
        "2021:05:08 11:02:11",
        figures=(
            f("Rashilo", 0.50, 0.40, 2.2, c("blazer", BLACK, WHITE), roll=2),
            f("Torvane", 0.22, 0.44, 2.35, c("crew", DENIM), roll=5, turn=2),
            f("Minsue", 0.78, 0.47, 2.3, c("blazer", RUST, CREAM), roll=-7, turn=-3),
        ),
    ),
    Photo(
        "2021/night out/IMG_2201.jpg",
        (1200, 900),
        "night",
        "2021:08:27 22:10:00",
        figures=(f("Zunari", 0.52, 0.43, 2.6, c("scoop", PLUM), roll=-7, turn=1),),
        quality=82,
    ),
    Photo(
        "2021/night out/IMG_2202.jpg",
        (900, 1200),
        "night",
        "2021:08:27 22:14:31",
        figures=(f("Liorène", 0.48, 0.40, 3.0, c("vneck", BLACK), roll=14, turn=-2),),
        quality=82,
    ),
    Photo(
        "2021/night out/IMG_2207.jpg",
        (1280, 854),
        "night",
        "2021:08:27 23:58:59",
        figures=(
            f("Kofaro", 0.35, 0.40, 2.4, c("shirt", WINE), roll=6, turn=2),
            f("Liorène", 0.65, 0.45, 2.35, c("vneck", BLACK), roll=-8, turn=-2, smile=0.8),
        ),
        quality=82,
    ),
    Photo(
        "2022/autumn walk/1.jpg",
        (1200, 800),
        "autumn",
        "2022:10:16 15:00:00",
        figures=(f("Oldwin", 0.62, 0.42, 2.9, c("turtle", PINE), roll=-13, turn=2),),
    ),
    Photo(
        "2022/autumn walk/2.jpg",
        (1000, 1250),
        "autumn",
        "2022:10:16 15:04:20",
        figures=(f("Hesperine", 0.50, 0.40, 3.2, c("turtle", CREAM), roll=5, turn=1),),
    ),
    Photo(
        "2022/autumn walk/3.jpg",
        (1280, 854),
        "autumn",
        "2022:10:16 15:20:47",
        figures=(
            f("Torvane", 0.35, 0.39, 2.45, c("hoodie", NAVY), roll=4, turn=2),
            f("Oldwin", 0.66, 0.44, 2.5, c("turtle", PINE), roll=-4, turn=-1, smile=1),
        ),
    ),
    Photo(
        "2022/autumn walk/4.webp",
        (1080, 1080),
        "autumn",
        "2022:10:16 15:41:00",
        figures=(f("Minsue", 0.50, 0.43, 3.0, c("crew", CREAM, WINE, True), roll=-12, turn=1),),
        quality=82,
    ),
    Photo(
        "2023/library/reading #1.jpg",
        (1200, 900),
        "library",
        "2023:02:11 13:13:13",
        "+01:00",
        figures=(f("Rashilo", 0.50, 0.43, 3.1, c("vneck", WINE), roll=6, turn=-3),),
    ),
    Photo(
        "2023/portraits/Kofaro (final, final).jpg",
        (1000, 1250),
        "studio",
        "2023:04:05 17:00:00",
        figures=(f("Kofaro", 0.50, 0.41, 4.3, c("blazer", GREY, WHITE), roll=2, turn=1),),
    ),
    Photo(
        "2023/library/reading #2.jpg",
        (1280, 854),
        "library",
        "2023:02:11 13:31:55",
        "+01:00",
        figures=(
            f("Zunari", 0.66, 0.44, 2.4, c("turtle", TEAL), roll=-5, turn=-2),
            f("Rashilo", 0.35, 0.40, 2.45, c("vneck", WINE), roll=4, turn=2, smile=1),
        ),
    ),
    Photo(
        "2024/reunion 東京 ✨/all of us, part 1.jpg",
        (1600, 1067),
        "park",
        "2024:05:18 14:00:41",
        "+09:00",
        figures=(
            f("Kofaro", 0.39, 0.36, 2.2, c("shirt", SKY), roll=2, turn=1),
            f("Rashilo", 0.63, 0.37, 2.15, c("shirt", WHITE), roll=-2, turn=-1),
            f("Liorène", 0.16, 0.46, 2.25, c("crew", ROSE), roll=6, turn=3),
            f("Zunari", 0.85, 0.47, 2.25, c("scoop", MUSTARD), roll=-6, turn=-2),
        ),
    ),
    Photo(
        "2024/reunion 東京 ✨/all of us, part 2.jpg",
        (1600, 1067),
        "city",
        "2024:05:18 16:20:03",
        "+09:00",
        figures=(
            f("Torvane", 0.60, 0.52, 1.75, c("shirt", DENIM), roll=-3, turn=-1),
            f("Minsue", 0.41, 0.55, 1.68, c("blazer", NAVY, ROSE), roll=4, turn=1),
            f("Oldwin", 0.24, 0.60, 1.8, c("blazer", GREY, WHITE), roll=5, turn=2),
            f("Hesperine", 0.78, 0.61, 1.78, c("scoop", TEAL), roll=-14, turn=-2),
        ),
    ),
)
