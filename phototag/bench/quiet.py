"""Keras without TensorFlow's greeting."""

from __future__ import annotations

import os


def load_keras() -> None:
    """Import Keras and TensorFlow; what their native parts print about GPUs and instruction sets as
    they come up is not shown, since there is nothing in it that a user could mend."""
    from phototag.images.silence import caught_noise

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with caught_noise():
        import keras
        import tensorflow as tf

        tf.config.list_physical_devices("GPU")
        keras.config.backend()
