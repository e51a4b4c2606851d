"""Seeded weights that behave like trained ones as far as numbers are concerned.

Independent random weights make a chaotic network: a difference of one quantization step in one pixel
of the input moves a fifth of the outputs of an int8 MobileNetV2 (measured), and nothing could be
compared with anything. Trained filters respond to what neighbouring pixels and channels have in
common, so differences of single steps die out. Here every filter is made for the activations it will
see: a blur over pixels times a random mixture of the main directions in which the channels vary.
"""

import keras
import numpy as np
from keras import layers

from recipe import seeded

CALIBRATION = range(100, 108)  # seeds of the pictures behind filters, statistics and int8 ranges
SPREAD = 0.7  # standard deviation of each class's logits, in nats
ROUGH = 0.1  # how much of a filter is independent noise
MAIN = 0.35  # directions with less than this part of the largest one's variance are left out


def pictures(shape, seeds=CALIBRATION):
    """float32 [len(seeds), h, w, c]."""
    return np.concatenate([seeded.picture(seed, *shape[1:]) for seed in seeds])


def condition(model, seed):
    """Fills in all weights, layer by layer from the input, each from the activations so far."""
    x = pictures(model.input_shape)
    for index, layer in enumerate(model.layers):
        draw = seed * 1000 + index
        if not layer.weights:
            continue
        before = keras.Model(model.input, layer.input)(x, training=False).numpy()
        layer.set_weights(weights(layer, before, draw))
        if hasattr(layer, "kernel"):
            scale(layer, before)


def weights(layer, before, draw):
    """What `set_weights` of this layer takes, given its inputs [n, h, w, c]."""
    shapes = [w.shape for w in layer.get_weights()]
    if isinstance(layer, layers.BatchNormalization):
        return statistics(before.reshape(-1, before.shape[-1]), draw)
    if isinstance(layer, layers.PReLU):
        return [0.05 + 0.4 * seeded.uniform(draw, shapes[0])]
    if isinstance(layer, layers.DepthwiseConv2D):
        kernel = blurred(0.5 + seeded.uniform(draw, shapes[0][2:]), *shapes[0][:2], draw)
    elif isinstance(layer, layers.Conv2DTranspose):
        kh, kw, out, _ = shapes[0]
        mix = mixture(before, before.shape[-1], out, draw, last(layer))
        # Every input pixel becomes a patch: no blur. Filters lie as [kh, kw, out, in].
        kernel = (mix + ROUGH * seeded.normal(draw + 500, (kh, kw, *mix.shape))).swapaxes(2, 3)
    else:
        kh, kw, ci, out = shapes[0]
        kernel = blurred(mixture(before, ci, out, draw, last(layer)), kh, kw, draw)
    # What comes of the mean of a picture is much the same for all: there, biases set channels apart.
    size = 1.0 if before.shape[1:3] == (1, 1) else 0.2
    return [kernel, *(size * seeded.normal(draw + 700, shape) for shape in shapes[1:])]


def last(layer):
    """Is it a classifier? `blocks.logits` names them."""
    return layer.name.startswith("logits")


def mixture(before, ci, out, draw, classifier):
    """[ci, out]: each column a random sum of the main directions of `ci` channels, every direction
    with the same variance. (The groups of a grouped convolution are taken as alike.)"""
    samples = before[..., :ci].astype(np.float64)
    if samples.shape[1:3] == (1, 1):
        return 0.5 + 0.3 * seeded.normal(draw, (ci, out))
    # What varies within a picture, not between pictures.
    samples = (samples - samples.mean(axis=(1, 2), keepdims=True)).reshape(-1, ci)
    variance, directions = np.linalg.eigh(np.cov(samples.T).reshape(ci, ci))
    # Eigenvectors have no sign of their own.
    largest = np.abs(directions).argmax(axis=0)
    directions = directions * np.sign(directions[largest, np.arange(ci)])
    directions = directions / np.sqrt(variance + 1e-9)
    if classifier:
        # Classes all around a circle in the two main directions, so that each wins somewhere.
        angles = 2 * np.pi * (np.arange(out) + 0.3 * seeded.uniform(draw, (out,))) / out
        return directions[:, -2:] @ np.stack([np.cos(angles), np.sin(angles)])
    directions = directions[:, variance > MAIN * variance.max()]
    return directions @ seeded.normal(draw, (directions.shape[1], out))


def blurred(mix, kh, kw, draw):
    """[kh, kw, ci, out] of [ci, out], with some noise, every filter scaled to length 1."""
    window = np.outer(binomial(kh), binomial(kw))[:, :, None, None]
    noise = seeded.normal(draw + 500, (kh, kw, *mix.shape))
    kernel = window * mix + ROUGH * window.mean() * np.abs(mix).mean() * noise
    return kernel / np.sqrt((kernel**2).sum(axis=(0, 1, 2)) / kernel.shape[2])


def binomial(n):
    """1, 2, 1 and so on, the largest 1."""
    row = np.ones(1)
    for _ in range(n - 1):
        row = np.convolve(row, [1, 1])
    return row / row.max()


def statistics(samples, draw):
    """Of a batch normalization, from its inputs [n, c]: results have mean 0.8 to 1.6 and deviation 1,
    times a scale of 0.5 to 1.5, so that a ReLU cuts off the lowest tenth or so."""
    channels = samples.shape[1:]
    scale = 0.5 + seeded.uniform(draw, channels)
    shift = scale * (0.8 + 0.8 * seeded.uniform(draw + 500, channels))
    samples = samples.astype(np.float64)
    return [scale, shift, samples.mean(axis=0), np.maximum(samples.var(axis=0), 1e-6)]


def scale(layer, before):
    """Scales the filters so that every channel of the result has deviation 1, that of a classifier SPREAD; its
    classes get mean 0, so that each wins somewhere."""
    activation, layer.activation = layer.activation, keras.activations.linear
    y = layer(before).numpy().reshape(-1, layer.output.shape[-1])
    layer.activation = activation
    mean = y.mean(axis=0)
    # Of one value per picture, what matters is its size.
    deviation = np.sqrt((y**2).mean(axis=0)) if before.shape[1:3] == (1, 1) else y.std(axis=0)
    factor = (SPREAD if last(layer) else 1.0) / np.maximum(deviation, 1e-3)
    kernel, *bias = layer.get_weights()
    if isinstance(layer, layers.DepthwiseConv2D):
        kernel = kernel * factor.reshape(kernel.shape[2:])
    elif isinstance(layer, layers.Conv2DTranspose):  # filters lie as [kh, kw, out, in]
        kernel = kernel * factor[:, None]
    else:
        kernel = kernel * factor
    if last(layer):
        bias = [(b - mean) * factor for b in bias]
    layer.set_weights([kernel, *bias])


def check(model):
    """Raises where activations died, exploded, or one class took all."""
    x = pictures(model.input_shape, [1, 2])
    inner = [layer for layer in model.layers if not isinstance(layer, layers.InputLayer)]
    values = keras.Model(model.input, [layer.output for layer in inner])(x, training=False)
    for layer, value in zip(inner, values, strict=True):
        value = value.numpy()
        alive = (np.abs(value) > 1e-6).mean()
        # The gates of one picture are much alike: 0.006 in a sound network.
        if not 0.002 < value.std() < 30 or alive < 0.1:
            raise ValueError(f"{layer.name}: deviation {value.std():.3g}, {alive:.0%} not zero")
    for y in model.outputs:
        value = keras.Model(model.input, y)(x, training=False).numpy()
        if value.ndim != 4:
            continue
        classes = value.shape[-1]
        best = value.argmax(axis=-1) if classes > 1 else value[..., 0] > 0.5
        share = np.bincount(best.ravel(), minlength=max(classes, 2)) / best.size
        if share.max() > 0.9:
            raise ValueError(f"{y.name}: one class has {share.max():.0%} of the pixels")
