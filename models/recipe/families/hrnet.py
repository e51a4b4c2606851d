"""HRNet: three resolutions side by side, exchanged after every stage.

Wang et al. 2019 (arXiv 1908.07919).
"""

import keras
from keras import layers

from recipe.blocks import activate, concat, conv, image, logits, upsample_like
from recipe.families.unet_resnet import basic_block


def exchange(branches):
    """Every resolution receives the sum of all: finer ones strided down, coarser ones resized up."""
    results = []
    for to, own in enumerate(branches):
        total = own
        for origin, x in enumerate(branches):
            if origin < to:
                for step in range(to - origin):
                    last = step == to - origin - 1
                    x = conv(x, own.shape[-1] if last else x.shape[-1], stride=2, activation=None if last else "relu")
            elif origin > to:
                x = upsample_like(conv(x, own.shape[-1], 1, activation=None), own, "nearest")
            if origin != to:
                total = total + x
        results.append(activate(total, "relu"))
    return results


def build(height, width, batch=1, widths=(8, 12, 16), classes=4):
    """Logits of `classes` at a quarter of the input's size, as HRNet leaves them."""
    picture = image(height, width, batch=batch)
    branches = [conv(conv(picture, widths[0], stride=2), widths[0], stride=2)]
    for channels in widths[1:]:
        branches.append(conv(branches[-1], channels, stride=2))
        branches = exchange([basic_block(x, x.shape[-1]) for x in branches])
    finest = branches[0]
    x = concat(finest, *(upsample_like(x, finest) for x in branches[1:]))
    x = logits(conv(x, 16, 1), classes)
    return keras.Model(picture, x)
