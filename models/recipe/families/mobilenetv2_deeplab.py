"""DeepLabV3+ over MobileNetV2: atrous convolutions instead of the last strides, pyramid of dilations.

Sandler et al. 2018 (arXiv 1801.04381), Chen et al. 2018 (1802.02611).
"""

import keras
from keras import layers

from recipe.blocks import concat, conv, image, inverted_residual, logits, separable, upsample_like

# channels, blocks, stride, dilation
SMALL = [(8, 1, 1, 1), (12, 2, 2, 1), (16, 2, 2, 1), (24, 2, 2, 1), (32, 1, 1, 2)]


def pyramid(x, channels, rates):
    """Atrous spatial pyramid pooling: 1x1, one dilated branch per rate, and the image's mean."""
    mean = conv(layers.GlobalAveragePooling2D(keepdims=True)(x), channels, 1)
    branches = [upsample_like(mean, x), conv(x, channels, 1)]
    branches += [separable(x, channels, dilation=rate) for rate in rates]
    return conv(concat(*branches), channels, 1)


def build(height, width, batch=1, stem=8, stages=SMALL, expansion=3, head=16, low=8, rates=(2, 3), classes=5,
          finish="softmax"):
    """`finish`: "softmax" or "logits", over `classes` at the input's size."""
    picture = image(height, width, batch=batch)
    x = conv(layers.Rescaling(2.0, -1.0)(picture), stem, stride=2, activation="relu6")
    for level, (channels, blocks, stride, dilation) in enumerate(stages):
        for block in range(blocks):
            x = inverted_residual(x, channels, expansion if level else 1, stride=stride if block == 0 else 1,
                                  dilation=dilation)
        if level == 1:
            detail = x
    x = upsample_like(pyramid(x, head, rates), detail)
    x = separable(concat(x, conv(detail, low, 1)), head)
    x = upsample_like(logits(x, classes), picture)
    return keras.Model(picture, layers.Softmax()(x) if finish == "softmax" else x)
