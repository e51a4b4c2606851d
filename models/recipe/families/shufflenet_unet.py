"""U-Net over ShuffleNetV2's units: split, shuffle, concatenate.

Ma et al. 2018 (arXiv 1807.11164).
"""

import keras
from keras import layers, ops

from recipe.blocks import concat, conv, depthwise, image, logits, separable, upsample_like


def shuffle(x, groups=2):
    """Channels of the groups interleaved, as RESHAPE, TRANSPOSE, RESHAPE."""
    _, h, w, c = x.shape
    x = ops.reshape(x, (-1, h, w, groups, c // groups))
    return ops.reshape(ops.transpose(x, (0, 1, 2, 4, 3)), (-1, h, w, c))


def branch(x, channels, stride=1):
    x = conv(x, channels, 1)
    return conv(depthwise(x, stride=stride, activation=None), channels, 1)


def basic_unit(x):
    """Half of the channels pass, the other half is convolved."""
    passing, x = ops.split(x, 2, axis=-1)
    return shuffle(concat(passing, branch(x, x.shape[-1])))


def down_unit(x, channels):
    """Both halves go down by 2."""
    left = conv(depthwise(x, stride=2, activation=None), channels // 2, 1)
    return shuffle(concat(left, branch(x, channels // 2, stride=2)))


def build(height, width, batch=1, stem=8, widths=(16, 24, 32), blocks=2, classes=1):
    """One logistic value per pixel, at the input's size."""
    x = picture = image(height, width, batch=batch)
    x = conv(x, stem, stride=2)
    skips = [x]
    x = layers.MaxPooling2D(3, 2, "same")(x)
    for level, channels in enumerate(widths):
        if level:
            skips.append(x)
            x = down_unit(x, channels)
        else:
            x = conv(x, channels, 1)
        for _ in range(blocks):
            x = basic_unit(x)
    for skip in reversed(skips):
        x = separable(concat(upsample_like(x, skip), skip), skip.shape[-1])
    x = upsample_like(logits(x, classes), picture)
    return keras.Model(picture, layers.Activation("sigmoid")(x))
