"""What the model card says in words: data, teacher, terms, limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ABOUT: Mapping[str, Any] = {
    "network": "VGG16 (Simonyan and Zisserman, arXiv 1409.1556), batch normalisation folded in; "
    "its last map flattened, dense to 256; where `whitened`, the output is centred and whitened by "
    "6,500 training faces (folded into the dense layer)",
    "input": "aligned face: five landmarks by least-squares similarity to `template` in 112x112, "
    "shrunk by area to `size`; (value - mean) / scale",
    "output": "256 values, brought to unit length; where `mirror` is true, those of the crop and "
    "of its mirror image are added and brought to unit length again",
    "licence": "Apache-2.0 (the weights); see `training_data` for what they were trained on",
    "training": {
        "method": "distillation from the teacher's vectors (cosine and relation losses); "
        "the recipe is phototag/bench/train_embedder.py",
        "teacher": {
            "name": "face-reidentification-retail-0095 of Open Model Zoo (Intel)",
            "licence": "Apache-2.0",
            "accuracy": "98.9 % on LFW's View 1 test pairs, on the same crops",
        },
    },
    "training_data": {
        "faces": 69341,
        "terms": "Research collections. Neither the faces nor crops of them are published with "
        "phototag. Whoever builds a product on these weights should read the collections' terms.",
        "sets": {
            "Families in the Wild": 17885,
            "UTKFace": 19909,
            "All-Age-Faces (mostly Asian)": 12522,
            "CelebA": 11849,
            "faces with and without masks": 3370,
            "Glint360k, a sample of 24 people": 3229,
            "Indian celebrities": 255,
            "others": 322,
        },
        "left_out": "faces like one of LFW (teacher similarity above 0.6), near-duplicates, and "
        "everybody on whom the thresholds were measured",
    },
    "limits": [
        "It says how alike two faces look. That is no proof of identity, and it must not decide "
        "about people's rights, access or safety.",
        "Weaker for small children, whose faces also change from year to year, and where its "
        "teacher is weak: some Asian faces.",
        "Relatives look alike to it. The thresholds were measured on people among whom there are "
        "families.",
        "Faces under about 24 pixels, in profile, or mostly covered are unreliable.",
        "Not measured on drawings, statues or animals.",
    ],
}
