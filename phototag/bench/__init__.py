"""Train and measure: the only Keras and TensorFlow."""
