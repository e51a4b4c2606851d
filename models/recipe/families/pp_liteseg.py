"""PP-LiteSeg: STDC's backbone, simple pyramid pooling, attention by means and maxima.

Peng et al. 2022 (arXiv 2204.02681), Fan et al. 2021 (2104.13188).
"""

import keras
from keras import layers, ops

from recipe.blocks import argmax, concat, conv, depthwise, image, logits, upsample_like


def stdc(x, channels, stride):
    """Short-term dense concatenation: half of the channels from one convolution, a quarter from the next ..."""
    parts = [conv(x, channels // 2, 1)]
    first = parts[0]
    if stride == 2:
        first = depthwise(first, stride=2, activation=None)
        parts[0] = layers.AveragePooling2D(3, 2, "same")(parts[0])
    for part in (channels // 4, channels // 8, channels // 8):
        first = conv(first, part)
        parts.append(first)
    return concat(*parts)


def simple_pyramid(x, channels, bins=(1, 2, 4)):
    """Pools of several sizes, added after they were resized."""
    _, h, w, _ = x.shape
    total = None
    for bin in bins:
        window = (-(-h // bin), -(-w // bin))
        y = upsample_like(conv(layers.AveragePooling2D(window, window)(x), channels, 1), x)
        total = y if total is None else total + y
    return conv(total, channels)


def attention_fusion(deep, detail, channels):
    """Unified attention fusion: a weight per pixel from means and maxima over the channels of both."""
    detail = conv(detail, deep.shape[-1], 1)
    deep = upsample_like(deep, detail)
    clues = []
    for x in (deep, detail):
        clues += [ops.mean(x, axis=-1, keepdims=True), ops.max(x, axis=-1, keepdims=True)]
    weight = conv(conv(concat(*clues), 4), 1, activation="sigmoid")
    return conv(deep * weight + detail * (1.0 - weight), channels)


def build(height, width, batch=1, stem=(8, 12), widths=(16, 24, 32), head=(16, 12, 12), classes=3):
    """Two outputs: softmax over `classes` at the input's size, and the class of each pixel."""
    picture = image(height, width, batch=batch)
    x = picture
    for channels in stem:
        x = conv(x, channels, stride=2)
    levels = []
    for channels in widths:
        x = stdc(stdc(x, channels, 2), channels, 1)
        levels.append(x)
    x = simple_pyramid(levels[2], head[0])
    x = attention_fusion(x, levels[1], head[1])
    x = attention_fusion(x, levels[0], head[2])
    x = upsample_like(logits(x, classes), picture)
    return keras.Model(picture, [layers.Softmax()(x), argmax(x)])
