"""How a classifier is trained: every choice in one frozen value, written into the run folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from phototag.errors import UsageError

MODELS = ("vgg16", "mobilenet", "inception", "cnn", "cnn-binary")
PRETRAINED = ("vgg16", "mobilenet", "inception")
WEIGHTS = ("face", "imagenet", "none")
OTHERS = "others"
"""What a binary network calls everybody but its person."""

Channels = tuple[float, float, float]


PATIENCE = {"trained": 6, "scratch": 15}
"""Epochs without progress, by where the weights come from. From scratch the first ten say nothing:
with 6 a CNN on an album's 214 faces stopped at the 7th and had 2 % of 42 right, with 15 it had
45 %; on 588 faces of 19 people MobileNet had 14 % and 43 % of 121."""


@dataclass(frozen=True, slots=True)
class Input:
    """What a network sees of a face."""

    size: int
    color: str = "rgb"
    mean: Channels = (127.5, 127.5, 127.5)
    scale: Channels = (127.5, 127.5, 127.5)


ZERO_TO_ONE = {"mean": (0.0, 0.0, 0.0), "scale": (255.0, 255.0, 255.0)}
CAFFE = {"color": "bgr", "mean": (103.939, 116.779, 123.68), "scale": (1.0, 1.0, 1.0)}
"""How keras.applications' VGG16 was trained."""

LEAST = {"vgg16": 32, "mobilenet": 32, "inception": 75, "cnn": 16, "cnn-binary": 16}
"""Smallest side in pixels."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A training run."""

    model: str = "vgg16"
    weights: str | None = None
    """`face`, `imagenet` or `none`; None: the model's own."""
    person: str | None = None
    """Whom `cnn-binary` tells from all others."""
    size: int | None = None
    """Side of the faces in pixels; None: the model's own."""
    epochs: int | None = None
    """With the trunk frozen, or of everything where there is no trained trunk; None: the model's
    own."""
    fine_epochs: int = 15
    """With the trunk's last block unfrozen."""
    batch: int = 32
    optimizer: str = "adam"
    rate: float = 1e-3
    fine_rate: float = 5e-5
    schedule: str = "plateau"
    """`plateau`: halved when the validation loss stands still; `cosine`; `constant`."""
    patience: int | None = None
    """Epochs without a better validation loss until a stage ends; half as many until `plateau`
    halves the rate. 0: never; None: the model's own (`PATIENCE`)."""
    dense: int = 256
    dropout: float = 0.4
    l2: float = 1e-4
    class_weights: bool = True
    """Whether rare people count more, so that all count alike."""
    augmentation: str = "light"
    precision: str = "auto"
    """`auto`: half precision on a GPU, and for trained weights on a processor with AMX; else
    `float32`."""
    seed: int = 1

    def checked(self) -> Plan:
        """The same with the model's own choices filled in, or UsageError with what is wrong."""
        _one_of("--model", self.model, MODELS)
        own = "face" if self.model == "vgg16" else "imagenet"
        weights = self.weights or (own if self.model in PRETRAINED else "none")
        _one_of("--weights", weights, WEIGHTS)
        if weights != "none" and self.model not in PRETRAINED:
            raise UsageError(f"{self.model} is trained from scratch: it takes no --weights.")
        if weights == "face" and self.model != "vgg16":
            raise UsageError(f"--weights face is our VGG16; {self.model} has imagenet or none.")
        if (self.person is None) == (self.model == "cnn-binary"):
            raise UsageError("--person says whom cnn-binary tells from all others, and only it.")
        _one_of("--optimizer", self.optimizer, ("adam", "sgd"))
        _one_of("--schedule", self.schedule, ("plateau", "cosine", "constant"))
        _one_of("--augment", self.augmentation, ("none", "light", "strong"))
        _one_of("--precision", self.precision, ("auto", "float32", "mixed"))
        if self.size is not None and self.size < LEAST[self.model]:
            raise UsageError(f"{self.model} takes faces of {LEAST[self.model]} px and more.")
        epochs = self.epochs or (15 if weights != "none" else 40)
        own_patience = PATIENCE["trained" if weights != "none" else "scratch"]
        patience = own_patience if self.patience is None else self.patience
        return replace(self, weights=weights, epochs=epochs, patience=patience)

    @property
    def two_stages(self) -> bool:
        return self.weights != "none" and self.fine_epochs > 0

    def input(self, face_px: int) -> Input:
        """What the network sees; `face_px` is the side that the face VGG16 was trained at."""
        if self.model == "cnn-binary":
            return Input(self.size or 150, **ZERO_TO_ONE)  # type: ignore[arg-type]
        if self.model == "cnn":
            return Input(self.size or 64, **ZERO_TO_ONE)  # type: ignore[arg-type]
        if self.model == "vgg16" and self.weights == "imagenet":
            return Input(self.size or 112, **CAFFE)  # type: ignore[arg-type]
        return Input(self.size or (face_px if self.model == "vgg16" else 112))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def plan_of(values: Mapping[str, Any]) -> Plan:
    """What `as_json` gave. Raises UsageError."""
    known = {field.name for field in fields(Plan)}
    if set(values) != known:
        raise UsageError(
            "this run was begun by another phototag, whose choices this one does not know. "
            "Train again without --resume."
        )
    return Plan(**values)


def _one_of(option: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UsageError(f"{option} is {value!r}; it can be {', '.join(allowed)}.")
