"""BiSeNetV2: a detail branch, a semantic branch, and each guiding the other.

Yu et al. 2020 (arXiv 2004.02147).
"""

import keras
from keras import layers

from recipe.blocks import activate, concat, conv, depthwise, image, logits, upsample_like


def stem(x, channels):
    """Down by 4: a strided convolution beside a max pool."""
    x = conv(x, channels, stride=2)
    left = conv(conv(x, channels // 2, 1), channels, stride=2)
    return conv(concat(left, layers.MaxPooling2D(3, 2, "same")(x)), channels)


def gather_expand(x, channels, stride, expansion=3):
    """Gather-and-expansion layer."""
    y = conv(x, x.shape[-1])
    if stride == 2:
        y = depthwise(y, stride=2, multiplier=expansion, activation=None)
        y = depthwise(y, activation=None)
        x = conv(depthwise(x, stride=2, activation=None), channels, 1, activation=None)
    else:
        y = depthwise(y, multiplier=expansion, activation=None)
    y = conv(y, channels, 1, activation=None)
    return activate(x + y, "relu")


def context(x):
    """Context embedding: the mean of everything, added everywhere."""
    y = layers.BatchNormalization()(layers.GlobalAveragePooling2D(keepdims=True)(x))
    return conv(x + conv(y, x.shape[-1], 1), x.shape[-1])


def aggregate(detail, semantic, channels):
    """Bilateral guided aggregation."""
    fine = conv(depthwise(detail, activation=None), channels, 1, activation=None)
    coarse = layers.AveragePooling2D(3, 2, "same")(conv(detail, channels, stride=2, activation=None))
    gate = layers.Activation("sigmoid")(upsample_like(conv(semantic, channels, activation=None), detail))
    deep = layers.Activation("sigmoid")(conv(depthwise(semantic, activation=None), channels, 1, activation=None))
    return conv(fine * gate + upsample_like(coarse * deep, detail), channels, activation=None)


def build(height, width, batch=1, widths=(8, 8, 12), stages=((12, 2), (16, 2), (20, 2)), head=16, classes=4):
    """Logits of `classes` at the input's size. `stages` of the semantic branch: channels, blocks."""
    picture = image(height, width, batch=batch)
    detail = picture
    for channels in widths:
        detail = conv(conv(detail, channels, stride=2), channels)
    x = stem(picture, stages[0][0])
    for level, (channels, blocks) in enumerate(stages):
        for block in range(blocks):
            x = gather_expand(x, channels, 2 if block == 0 else 1)
    x = aggregate(detail, context(x), head)
    x = logits(conv(x, head), classes)
    return keras.Model(picture, upsample_like(x, picture))
