"""What families draw from."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

ACTIVATIONS = ["NONE", "NONE", "RELU", "RELU6", "RELU_N1_TO_1"]
# Channel counts around the widths of SIMD tiles.
CHANNELS = [1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 33]


def pick(rng, values):
    return values[rng.integers(len(values))]


def values(rng, shape, scale=1.0):
    """Normally distributed, so that activations cut on both sides."""
    return (rng.standard_normal(shape) * scale).astype(np.float32)


def shape_of_rank(rng, least, most, longest=12):
    """Extents of a tensor whose rank is from `least` to `most`."""
    return tuple(int(d) for d in rng.integers(1, longest, rng.integers(least, most + 1)))


def window(rng, options):
    """Sets strides, padding and activation; returns their text."""
    options.padding = int(rng.integers(2))
    options.strideH, options.strideW = (int(s) for s in rng.integers(1, 4, 2))
    activation = activate(rng, options)
    padding = ["SAME", "VALID"][options.padding]
    return f"stride {options.strideH}x{options.strideW} {padding} {activation}"


def activate(rng, options):
    name = pick(rng, ACTIVATIONS)
    options.fusedActivationFunction = getattr(schema.ActivationFunctionType, name)
    return name


def dilate(rng, options):
    """TFLite takes dilation only where the stride is 1."""
    options.dilationHFactor = options.dilationWFactor = 1
    if rng.integers(3) == 0:
        options.strideH = options.strideW = 1
        options.dilationHFactor, options.dilationWFactor = (int(d) for d in rng.integers(1, 4, 2))
    return f"dilation {options.dilationHFactor}x{options.dilationWFactor}"


def image(rng, kernel=(1, 1), dilation=(1, 1), channels=None):
    """[n, h, w, c] into which the window fits."""
    h, w = (int(rng.integers((k - 1) * d + 1, (k - 1) * d + 14)) for k, d in zip(kernel, dilation))
    return (pick(rng, [1, 1, 1, 2]), h, w, channels or pick(rng, CHANNELS))
