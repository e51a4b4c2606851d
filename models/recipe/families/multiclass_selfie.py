"""Hair, skin, clothes: the shape of MediaPipe's hair and multiclass selfie networks. PReLU after additions,
bottlenecks that pool their shortcut and pad its channels, nearest and space-to-depth resampling.
"""

import keras
from keras import layers, ops

from recipe.blocks import activate, conv, depthwise, image, logits, space_to_depth, transposed, upsample_like


def bottleneck(x, channels, stride=1, dilation=1):
    """1x1 or 2x2 down, 3x3, 1x1 up; the shortcut is pooled, its channels padded with zeros."""
    inner = channels // 4
    y = conv(x, inner, stride, stride, activation="prelu")
    y = conv(y, inner, dilation=dilation, activation="prelu")
    y = conv(y, channels, 1, activation=None)
    if stride == 2:
        x = layers.MaxPooling2D(2)(x)
    if (missing := channels - x.shape[-1]) > 0:
        x = ops.pad(x, ((0, 0), (0, 0), (0, 0), (0, missing)))
    return activate(x + y, "prelu")


def build(height, width, batch=1, widths=(16, 32, 48), classes=6):
    """Softmax over `classes` at the input's size."""
    picture = image(height, width, batch=batch)
    x = ops.nn.relu(conv(space_to_depth(picture), widths[0], activation="prelu") + 0.1)
    skips = []
    for level, channels in enumerate(widths):
        skips.append(x)
        x = bottleneck(x, channels, 2 if level else 1)
        for dilation in (1, 2):
            x = bottleneck(x, channels, dilation=dilation)
    for skip in reversed(skips[1:]):
        x = upsample_like(conv(x, skip.shape[-1], 1, activation=None), skip, "nearest")
        x = activate(x + depthwise(skip, 5, activation=None), "prelu")
    x = transposed(x, 8, kernel=4, activation="prelu")
    return keras.Model(picture, layers.Softmax()(logits(x, classes)))
