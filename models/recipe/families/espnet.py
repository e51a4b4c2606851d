"""ESPNet: a pyramid of dilated convolutions on reduced channels, summed step by step, concatenated.

Mehta et al. 2018 (arXiv 1803.06815).
"""

import keras
from keras import layers

from recipe.blocks import activate, concat, conv, image, logits, norm, transposed

DILATIONS = (1, 2, 4)


def pyramid(x, channels, stride=1):
    """Reduce, split over the dilations, transform, merge hierarchically."""
    part = channels // len(DILATIONS)
    reduced = conv(x, part, 3 if stride == 2 else 1, stride, activation=None)
    branches = [layers.Conv2D(part, 3, padding="same", dilation_rate=d, use_bias=False)(reduced) for d in DILATIONS]
    merged = [branches[0]]
    for branch in branches[1:]:
        merged.append(branch + merged[-1])
    y = norm(concat(*merged), None)
    return activate(x + y if x.shape == y.shape else y, "prelu")


def build(height, width, batch=1, widths=(8, 18, 30), blocks=2, classes=4):
    """Logits of `classes` at the input's size; the picture itself is added to the features at each scale."""
    picture = image(height, width, batch=batch)
    x = conv(picture, widths[0], stride=2, activation="prelu")
    skips = [x]
    small = layers.AveragePooling2D(3, 2, "same")(picture)
    for channels in widths[1:]:
        x = pyramid(concat(x, small), channels, 2)
        small = layers.AveragePooling2D(3, 2, "same")(small)
        for _ in range(blocks):
            x = pyramid(x, channels)
        skips.append(x)
    for skip in reversed(skips[:-1]):
        x = transposed(conv(x, 12, 1, activation="prelu"), 12, kernel=2, activation="prelu")
        x = conv(concat(x, skip), 12, activation="prelu")
    x = layers.Conv2DTranspose(classes, 2, 2, "same", name="logits")(x)
    return keras.Model(picture, x)
