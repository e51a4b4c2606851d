"""Fast-SCNN: learning to downsample, bottlenecks, pyramid pooling, feature fusion.

Poudel et al. 2019 (arXiv 1902.04502).
"""

import keras
from keras import layers

from recipe.blocks import activate, concat, conv, depthwise, image, inverted_residual, logits, separable, upsample_like


def pyramid_pooling(x, bins=(1, 2, 4)):
    """Average pools over a bin x bin grid, each back at full size."""
    _, h, w, c = x.shape
    parts = [x]
    for bin in bins:
        window = (-(-h // bin), -(-w // bin))
        y = layers.AveragePooling2D(window, window, "valid")(x)
        parts.append(upsample_like(conv(y, c // 4, 1), x))
    return conv(concat(*parts), c, 1)


def build(height, width, batch=1, widths=(8, 12, 16), stages=((16, 2, 2), (24, 2, 2), (32, 2, 1)), head=24, classes=6):
    """Softmax over `classes` at the input's size. `stages`: channels, blocks, stride."""
    picture = image(height, width, batch=batch)
    x = conv(picture, widths[0], stride=2)
    x = separable(x, widths[1], stride=2)
    detail = x = separable(x, widths[2], stride=2)
    for channels, blocks, stride in stages:
        for block in range(blocks):
            x = inverted_residual(x, channels, 3, stride=stride if block == 0 else 1, activation="relu")
    x = pyramid_pooling(x)
    x = conv(depthwise(upsample_like(x, detail)), head, 1, activation=None)
    x = activate(x + conv(detail, head, 1, activation=None), "relu")
    x = separable(separable(x, head), head)
    x = upsample_like(logits(x, classes), picture)
    return keras.Model(picture, layers.Softmax()(x))
