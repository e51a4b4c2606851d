"""Writes pil_bilinear.txt: a picture made by a formula, resized by PIL. Run it by hand when the cases change."""

import os

import numpy as np
from PIL import Image

CASES = [  # source width, height, target width, height
    (37, 23, 16, 8),
    (10, 7, 24, 16),
    (20, 16, 20, 16),
    (64, 48, 8, 8),
    (1, 1, 8, 8),
    (50, 3, 8, 16),
    (17, 90, 32, 8),
]


def picture(width, height):
    """The same formula is in tests/segment.rs: waves, edges and noise, RGBA."""
    y, x = np.mgrid[0:height, 0:width].astype(np.int64)
    red = (x * 11 + y * 3) % 256
    green = np.where((x // 3 + y // 2) % 2 == 0, 255, 0)
    blue = (x * x * 7 + y * y * 13 + x * y * 5) % 251
    return np.stack([red, green, blue, (x + y) % 256], -1).astype(np.uint8)


with open(os.path.join(os.path.dirname(__file__), "pil_bilinear.txt"), "w") as out:
    for width, height, target_width, target_height in CASES:
        rgb = Image.fromarray(picture(width, height)[..., :3])
        small = np.asarray(rgb.resize((target_width, target_height), Image.BILINEAR))
        print(width, height, target_width, target_height, small.tobytes().hex(), file=out)
