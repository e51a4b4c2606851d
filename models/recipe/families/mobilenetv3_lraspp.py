"""LR-ASPP over MobileNetV3: hard-swish, squeeze-and-excite, 5x5 depthwise, a gated head.

Howard et al. 2019 (arXiv 1905.02244).
"""

import keras
from keras import layers

from recipe.blocks import conv, image, inverted_residual, logits, upsample_like

# kernel, expansion, channels, squeeze-and-excite, activation, stride
SMALL = [
    (3, 1, 8, True, "relu", 2),
    (3, 4, 12, False, "relu", 2),
    (3, 3, 12, False, "relu", 1),
    (5, 4, 20, True, "hard_swish", 2),
    (5, 3, 20, True, "hard_swish", 1),
    (5, 4, 28, True, "hard_swish", 1),
]


def build(height, width, batch=1, stem=8, stages=SMALL, head=24, pool=None, classes=2):
    """Logits of `classes` at the input's size. `pool`: window and strides of the gate's average pool, or None
    for the mean of everything."""
    picture = image(height, width, batch=batch)
    x = conv(layers.Rescaling(2.0, -1.0)(picture), stem, stride=2, activation="hard_swish")
    detail = None
    for level, (kernel, expansion, channels, squeeze, activation, stride) in enumerate(stages):
        if stride == 2 and level > 1:
            detail = x  # the last one at an eighth
        x = inverted_residual(x, channels, expansion, kernel, stride, activation=activation, squeeze=squeeze)
    if pool:
        gate = layers.AveragePooling2D(*pool)(x)
    else:
        gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = layers.Conv2D(head, 1, activation="sigmoid", use_bias=False)(gate)
    y = conv(x, head, 1) * upsample_like(gate, x)
    y = upsample_like(y, detail)
    y = logits(y, classes, name="logits_deep") + logits(detail, classes, name="logits_detail")
    return keras.Model(picture, upsample_like(y, picture))
