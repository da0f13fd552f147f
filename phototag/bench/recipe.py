"""How the embedder is trained: every choice in one frozen value, saved beside the run's
checkpoints."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from phototag.errors import UsageError

OptimizerName = Literal["muon", "adamw"]
Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far a face may be changed. Shares are of the faces, spans are uniform to both sides."""

    share: float = 0.5
    """Faces that are degraded at all; all are mirrored, turned and shifted. On the CPU runs 0.5
    learned faster than 1."""
    turn: float = 9.0
    """Degrees, for 60 % of the faces. MTCNN's landmarks err by a pixel or two from YuNet's."""
    scale: float = 0.08
    shift: float = 0.06
    """Of the face's side."""
    contrast: float = 0.35
    brightness: float = 0.125
    gamma: float = 0.35
    saturation: float = 0.4
    white: float = 0.08
    """White balance, channel by channel."""
    grey: float = 0.1
    blur: float = 0.15
    low: float = 0.25
    """Shown at a quarter to two thirds of the resolution."""
    jpeg: float = 0.2
    noise: float = 0.3
    erase: float = 0.25


@dataclass(frozen=True, slots=True)
class Recipe:
    """A training run."""

    trunk: Literal["vgg16", "mobilenet", "inception"] = "vgg16"
    sizes: tuple[int, ...] = (64, 112)
    """Sides of the faces, in pixels, one after the other."""
    shares: tuple[float, ...] = (0.4, 0.6)
    """Of the budget, for each size."""
    minutes: float | None = None
    """Time budget of the whole run, over all its parts; or `steps`."""
    steps: int | None = None
    batch: int = 256
    optimizer: OptimizerName = "muon"
    rate: float = 2e-3
    """Highest learning rate. Muon 2e-3 and AdamW 1e-3 were the best of those tried at 32 px."""
    floor: float = 0.02
    """Least learning rate, as a share of the highest."""
    warm: int = 60
    """Steps until the highest rate."""
    decay: float = 0.05
    relation: float = 1.0
    """Weight of the relation loss."""
    identity: float = 0.0
    """Weight of the ArcFace loss on labelled faces."""
    margin: float = 0.3
    """ArcFace's angle, radians."""
    sharpness: float = 32.0
    """ArcFace's scale."""
    average: float = 0.9985
    """Share of the moving average that stays, at each step, once it is warm."""
    dropout: float = 0.1
    precision: Precision = "float32"
    seed: int = 1
    teacher: str | None = None
    """The teacher's file (teacher.npz), to ask it about blends; without it none are shown."""
    blend: float = 0.5
    """Share of each batch that is blended, where there is a teacher."""
    reuse: int = 4
    """How often a blend is shown, seen otherwise each time: asking costs as much as learning."""
    start: str | None = None
    """Weights to go on from: the float16 file that ships, or one like it."""
    augmentation: Augmentation = field(default_factory=Augmentation)

    def checked(self) -> Recipe:
        """The same, or UsageError with what does not fit together."""
        if (self.minutes is None) == (self.steps is None):
            raise UsageError("Give the run a budget: either minutes or steps.")
        if len(self.sizes) != len(self.shares) or not self.sizes:
            raise UsageError("Each size needs its share of the budget.")
        if not math.isclose(sum(self.shares), 1.0, abs_tol=1e-6):
            raise UsageError(f"The shares of the sizes must add up to 1, not {sum(self.shares)}.")
        if not 0 < self.blend < 1 or self.reuse < 1:
            raise UsageError("Blends: a share between 0 and 1 of the batch, shown once or more.")
        return self

    @property
    def blended(self) -> int:
        """Faces of each batch that are blends."""
        return 0 if self.teacher is None else round(self.batch * self.blend)

    def progress(self, step: int, seconds: float) -> float:
        """How much of the budget is spent, 0..1."""
        if self.steps is not None:
            return min(1.0, step / self.steps)
        return min(1.0, seconds / (60 * (self.minutes or 1)))

    def stage(self, progress: float) -> int:
        """Which size a run trains at after that share of its budget."""
        spent = 0.0
        for number, share in enumerate(self.shares):
            spent += share
            if progress < spent - 1e-9:
                return number
        return len(self.sizes) - 1

    def rate_at(self, step: int, progress: float) -> float:
        """Linear warm-up, then a cosine down to the floor."""
        if step < self.warm:
            return self.rate * (step + 1) / self.warm
        return self.rate * max(self.floor, 0.5 * (1 + math.cos(math.pi * progress)))

    def average_at(self, step: int) -> float:
        """Share of the moving average that stays: small at first, so the start is forgotten."""
        return min(self.average, (step + 1) / (step + 101))

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def load_recipe(path: Path) -> Recipe:
    """Read what `Recipe.save` wrote. Raises UsageError."""
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        data["augmentation"] = Augmentation(**data["augmentation"])
        for name in ("sizes", "shares"):
            data[name] = tuple(data[name])
        return Recipe(**data).checked()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path}: not a recipe that this phototag knows ({error}).") from error
