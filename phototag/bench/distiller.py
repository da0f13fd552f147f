"""The model that is trained: a network, its augmentation and its losses, on any Keras backend."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from phototag.bench.augment import Augmenter
from phototag.bench.losses import cosine_loss, identity_loss, relation_loss, unit
from phototag.bench.muon import Muon
from phototag.bench.networks import embedder
from phototag.bench.recipe import Recipe

PARTS = ("cosine", "relation", "identity")


class Distiller(keras.Model):  # type: ignore[misc]
    """Faces [n, px, px, 3] of 0..255 to embeddings; trained to agree with `target` and, where
    `label` >= 0, with `label`."""

    def __init__(self, network: Any, people: int, recipe: Recipe, px: int, dim: int) -> None:
        super().__init__(name="distiller")
        self.network = network
        self.recipe = recipe
        self.augment = Augmenter(recipe.augmentation, px, recipe.seed)
        self.random = self.augment.random  # Keras follows the states that it is shown
        self.centres = self.add_weight(
            shape=(max(people, 1), dim),
            initializer=keras.initializers.RandomNormal(1.0, seed=recipe.seed),
            dtype="float32",
            trainable=bool(recipe.identity),
            name="centres",
        )
        self.parts = [keras.metrics.Mean(name=name) for name in PARTS]

    def call(self, faces: Any, training: bool = False) -> Any:
        values = ops.cast(faces, "float32") / 255.0
        if training:
            values = self.augment(values)
        return self.network(2.0 * values - 1.0, training=training)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        how = self.recipe
        vectors = unit(ops.cast(y_pred, "float32"))
        targets = ops.cast(y["target"], "float32")
        found = [cosine_loss(vectors, targets), relation_loss(vectors, targets), 0.0]
        if how.identity:
            found[2] = identity_loss(
                vectors, self.centres, y["label"], margin=how.margin, sharpness=how.sharpness
            )
        for part, value in zip(self.parts, found, strict=True):
            part.update_state(value)
        return found[0] + how.relation * found[1] + how.identity * found[2]


def make(recipe: Recipe, stage: int, people: int, dim: int) -> Distiller:
    """A distiller for one of the recipe's sizes, ready to train."""
    px = recipe.sizes[stage]
    before = keras.config.dtype_policy()
    keras.utils.set_random_seed(recipe.seed)
    keras.config.set_dtype_policy("mixed_bfloat16" if recipe.precision == "bfloat16" else "float32")
    try:
        network = embedder(recipe.trunk, px, dim=dim, dropout=recipe.dropout)
    finally:
        keras.config.set_dtype_policy(before)
    made = Distiller(network, people, recipe, px, dim)
    made.compile(optimizer=_optimizer(recipe), jit_compile=keras.backend.backend() == "jax")
    made(np.zeros((1, px, px, 3), np.uint8))
    made.optimizer.build(made.trainable_variables)
    return made


def _optimizer(recipe: Recipe) -> Any:
    if recipe.optimizer == "muon":
        return Muon(recipe.rate, decay=recipe.decay, plain=("centres",), dtype=recipe.precision)
    optimizer = keras.optimizers.AdamW(recipe.rate, weight_decay=recipe.decay)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias", "centres"])
    return optimizer


def carry_over(old: Distiller, new: Distiller) -> None:
    """Give a model of another size all that the old one has learned, its optimizer's memory too."""
    for source, target in (
        (old.variables, new.variables),
        (old.optimizer.variables, new.optimizer.variables),
    ):
        for before, after in zip(source, target, strict=True):
            if tuple(before.shape) == tuple(after.shape):
                after.assign(before)


class Average:
    """The moving average of a network's weights and statistics: what is measured and shipped."""

    def __init__(self, network: Any) -> None:
        self.values: list[NDArray[Any]] = [np.array(w) for w in network.get_weights()]

    def update(self, network: Any, keep: float) -> None:
        for mean, now in zip(self.values, network.get_weights(), strict=True):
            if mean.dtype.kind == "f":
                mean *= keep
                mean += (1 - keep) * now
            else:
                mean[...] = now

    def embed(self, network: Any, faces: NDArray[np.uint8], batch: int) -> NDArray[np.float32]:
        """[n, d] unit vectors by the averaged weights: faces and their mirror images. The network
        keeps its own."""
        own = network.get_weights()
        network.set_weights(self.values)
        try:
            out = []
            for start in range(0, len(faces), batch):
                part = faces[start : start + batch].astype(np.float32) / 127.5 - 1
                pair = np.concatenate([part, part[:, :, ::-1]])
                found = np.asarray(network.predict_on_batch(pair), dtype=np.float32)
                found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
                both = found[: len(part)] + found[len(part) :]
                out.append(both / np.maximum(np.linalg.norm(both, axis=1, keepdims=True), 1e-12))
            return np.concatenate(out)
        finally:
            network.set_weights(own)
