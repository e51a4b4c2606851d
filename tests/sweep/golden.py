"""Writes golden.txt: how far masks of different sizes agree, by PIL and NumPy. Run it by hand when the cases change.

A line: what the numbers are, channels, height and width of one map, of the other, of the picture, IoU, agreement.
"""

import os

import numpy as np
from PIL import Image

CASES = [  # kind, channels, one map, the other, picture
    ("probability", 1, (16, 16), (12, 12), (48, 64)),
    ("probability", 1, (9, 13), (16, 24), (61, 47)),
    ("probability", 1, (8, 8), (8, 8), (8, 8)),
    ("logits", 2, (16, 16), (8, 8), (40, 40)),
    ("logits", 5, (12, 20), (24, 40), (97, 55)),
    ("logits", 21, (17, 17), (33, 33), (64, 99)),
    ("classes", 1, (16, 16), (12, 12), (50, 70)),
    ("classes", 1, (10, 7), (20, 14), (20, 14)),
]
COUNT = 4  # of classes


def numbers(kind, channels, height, width):
    """[h, w, c], the same formula as in tests/sweep.rs: waves over the picture, with the map's own noise."""
    y, x, c = np.mgrid[0:height, 0:width, 0:channels].astype(np.int64)
    down, right = 256 * y // height, 256 * x // width
    wave = (down * (c + 2) + right * (2 * c + 3)) % 512
    value = np.abs(wave - 256) * 7 // 8 + (x * 37 + y * 59 + c * 11 + width) % 32
    return value * COUNT // 256 if kind == "classes" else (value / 256).astype(np.float32)


def stretched(plane, size):
    height, width = size
    return np.asarray(Image.fromarray(plane.astype(np.float32)).resize((width, height), Image.BILINEAR))


def classes(kind, values, size):
    if kind == "probability":
        return (stretched(values[..., 0], size) >= 0.5).astype(int)
    if kind == "classes":
        values = np.stack([values[..., 0] == k for k in range(COUNT + 1)], -1)
    return np.stack([stretched(values[..., k], size) for k in range(values.shape[-1])], -1).argmax(-1)


with open(os.path.join(os.path.dirname(__file__), "golden.txt"), "w") as out:
    for kind, channels, one, other, picture in CASES:
        a, b = (classes(kind, numbers(kind, channels, *size), picture) for size in (one, other))
        there = [k for k in np.union1d(a, b) if kind != "probability" or k == 1]
        ious = [((a == k) & (b == k)).sum() / ((a == k) | (b == k)).sum() for k in there]
        print(kind, channels, *one, *other, *picture, f"{np.mean(ious):.9f} {(a == b).mean():.9f}", file=out)
