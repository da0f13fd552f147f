"""A training run's folder: what `phototag train` leaves, and others read.

    RUN/
      card.json        the model's card: all that is needed to use model.onnx (below)
      model.onnx       input `faces`, float32 [n, c, h, w]; output `probabilities`, float32
                       [n, classes]; n is free
      model.keras      the same network for Keras: pictures last ([n, h, w, c]), no augmentation
      classes.json     the people, in the order of the probabilities
      config.json      every choice of the run (`bench.training_plan.Plan`), versions, hardware
      history.csv      one row an epoch: stage, epoch, rate, losses, accuracies, seconds
      split.csv        which face of the dataset was in which part: file,person,part
      curves.png       loss and accuracy
      evaluation/      what `phototag evaluate classification RUN` says of the held-out part
      candidate/       a run in progress (with `state/`, to resume), or one that was not better

`card.json` is a model card (`vision.models.ModelCard`) of kind `classifier` with more in it:

    id               "classifier-NAME-DIGEST": changes with the weights
    kind             "classifier"
    file, digest     "model.onnx" and its BLAKE2b-128
    size             side of the square input in pixels; aligned 112x112 crops are brought to it by
                     `vision.embed.shrink`
    color, layout    "rgb" or "bgr"; "nchw"
    mean, scale      the network sees (value 0..255 - mean) / scale, channel by channel
    template         five landmarks in a crop of 112x112: how faces are aligned
    dim              number of probabilities
    format           1: of this folder (`vision.classify.FORMAT`)
    classes          people, in the order of the probabilities. Softmax: they add up to 1. One class
                     only (cnn-binary): a sigmoid, the probability that it is this person
    not_recognised   {"threshold": t, …}: a face is nobody where its highest probability is below t;
                     beside it the measurement that t came from
    test             {"digest": …, "faces": n, "accuracy": …, "f1_macro": …}: the held-out part and
                     how the model did on it. Equal digests: the same test faces and people
    parameters, training   for `phototag compare`

`vision.classify` reads the card and runs the network without Keras:

    card = load_classifier_card(Path("RUN"))         # ModelError: none, another version, damaged
    found = Classifier(card).probabilities(crops)    # uint8 [n, 112, 112, 3] → [n, classes]
    best = found.argmax(axis=1); nobody = found.max(axis=1) < card.not_recognised
"""

from __future__ import annotations
