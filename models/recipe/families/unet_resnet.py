"""U-Net over ResNet's basic blocks; transposed convolutions bring it up again.

Ronneberger et al. 2015 (arXiv 1505.04597), He et al. 2015 (1512.03385).
"""

import keras
from keras import layers

from recipe.blocks import activate, concat, conv, image, logits, transposed


def basic_block(x, channels, stride=1):
    """Two 3x3 convolutions around a shortcut, which is 1x1 where the shape changes."""
    shortcut = x if stride == 1 and x.shape[-1] == channels else conv(x, channels, 1, stride, activation=None)
    y = conv(conv(x, channels, stride=stride), channels, activation=None)
    return activate(shortcut + y, "relu")


def build(height, width, batch=1, widths=(8, 12, 16, 20), classes=2, blocks=1):
    """Softmax over `classes` at the input's size."""
    x = picture = image(height, width, batch=batch)
    x = conv(x, widths[0])
    skips = []
    for level, channels in enumerate(widths):
        for block in range(blocks):
            x = basic_block(x, channels, 2 if level and block == 0 else 1)
        skips.append(x)
    for skip in reversed(skips[:-1]):
        x = transposed(x, skip.shape[-1])
        x = conv(concat(skip, x), skip.shape[-1])
    return keras.Model(picture, layers.Softmax()(logits(x, classes)))
