"""Convolutions."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from forms import FORMS
from operators import family
from operators.common import CHANNELS, dilate, image, pick, values, window


def filter_and_bias(rng, g, x, shape, axis, fan_in):
    """TFLite's CONV_2D insists on a bias."""
    weights = g.weights(values(rng, shape, fan_in**-0.5), axis)
    return [weights, g.bias(values(rng, shape[axis]), x, weights)]


@family("CONV_2D", FORMS)
def conv_2d(rng, g):
    options = schema.Conv2DOptionsT()
    kernel = pick(rng, [(1, 1), (1, 1), (3, 3), (5, 5), (2, 2), (1, 3), (4, 1), (3, 2)])
    about = f"{window(rng, options)} {dilate(rng, options)}"
    groups = pick(rng, [1, 1, 1, 1, 2, 3])
    depth, per_group = pick(rng, CHANNELS), pick(rng, CHANNELS)
    shape = image(rng, kernel, (options.dilationHFactor, options.dilationWFactor), depth * groups)
    x = g.input(values(rng, shape))
    filter_shape = (per_group * groups, *kernel, depth)
    operands = filter_and_bias(rng, g, x, filter_shape, 0, np.prod(kernel) * depth)
    g.output(g.op("CONV_2D", [x, *operands], options))
    return f"{shape} filter {kernel} to {per_group * groups} groups {groups} {about}"


# XNNPACK ends the program where the bias is left out; `chain` has some that it runs.
@family("DEPTHWISE_CONV_2D", FORMS, engine="reference")
def depthwise_conv_2d(rng, g):
    options = schema.DepthwiseConv2DOptionsT()
    kernel = pick(rng, [(3, 3), (3, 3), (5, 5), (5, 5), (1, 1), (2, 3), (7, 7)])
    about = f"{window(rng, options)} {dilate(rng, options)}"
    if rng.integers(2):
        options.strideW = options.strideH
    options.depthMultiplier = pick(rng, [1, 1, 1, 2, 3])
    shape = image(rng, kernel, (options.dilationHFactor, options.dilationWFactor))
    channels = shape[3] * options.depthMultiplier
    x = g.input(values(rng, shape))
    operands = filter_and_bias(rng, g, x, (1, *kernel, channels), 3, np.prod(kernel))
    if rng.integers(5) == 0:
        operands.pop()  # the bias is optional
    g.output(g.op("DEPTHWISE_CONV_2D", [x, *operands], options))
    return (f"{shape} filter {kernel} multiplier {options.depthMultiplier} "
            f"stride {options.strideH}x{options.strideW} {about}")


@family("TRANSPOSE_CONV", FORMS)
def transpose_conv(rng, g):
    options = schema.TransposeConvOptionsT()
    options.padding = int(rng.integers(2))
    options.strideH, options.strideW = (int(s) for s in rng.integers(1, 4, 2))
    if rng.integers(2):
        options.strideH = options.strideW = 2
    stride = [options.strideH, options.strideW]
    kernel = pick(rng, [(2, 2), (3, 3), (4, 4), (2, 3), (1, 1), (5, 5)])
    shape = (pick(rng, [1, 1, 2]), int(rng.integers(1, 10)), int(rng.integers(1, 10)), pick(rng, CHANNELS))
    channels = pick(rng, CHANNELS)
    # Any size of the output from which the same window, slid over it, makes the input.
    if options.padding == schema.Padding.SAME:
        out = [(n - 1) * s + 1 + int(rng.integers(s)) for n, s in zip(shape[1:3], stride)]
        if rng.integers(2):
            out = [n * s for n, s in zip(shape[1:3], stride)]
    else:
        out = [(n - 1) * s + k + int(rng.integers(s)) for n, s, k in zip(shape[1:3], stride, kernel)]
    x = g.input(values(rng, shape))
    filter_shape, fan_in = (channels, *kernel, shape[3]), np.prod(kernel) * shape[3]
    axis = 0 if rng.integers(3) else None
    weights = g.weights(values(rng, filter_shape, fan_in**-0.5), axis)
    operands = [g.const(np.int32([shape[0], *out, channels])), weights, x]
    bias = bool(rng.integers(2))
    if bias:
        operands.append(g.bias(values(rng, channels), x, weights))
    # What is behind DEQUANTIZE is not constant to TFLite's version 1.
    version = 3 if bias else 1
    g.output(g.op("TRANSPOSE_CONV", operands, options, version=version))
    padding = ["SAME", "VALID"][options.padding]
    return f"{shape} filter {kernel} to {out} {channels} stride {stride} {padding} {'bias' if bias else ''}"


@family("Convolution2DTransposeBias", ["float32", "float16"])
def convolution_2d_transpose_bias(rng, g):
    stride = pick(rng, [1, 2, 2, 3])
    kernel = pick(rng, [(2, 2), (3, 3), (4, 4), (2, 3)])
    same = bool(rng.integers(2))
    if same:
        # Below the stride, some outputs would get no input at all; XNNPACK refuses that.
        kernel = tuple(max(k, stride) for k in kernel)
    shape = (1, int(rng.integers(1, 10)), int(rng.integers(1, 10)), pick(rng, CHANNELS))
    channels = pick(rng, CHANNELS)
    if same:
        out = [s * stride for s in shape[1:3]]
    else:
        out = [(s - 1) * stride + k for s, k in zip(shape[1:3], kernel)]
    x = g.input(values(rng, shape))
    operands = filter_and_bias(rng, g, x, (channels, *kernel, shape[3]), 0, np.prod(kernel) * shape[3])
    # TfLiteTransposeConvParams: padding (1 same, 2 valid), stride width, stride height.
    custom = np.int32([1 if same else 2, stride, stride]).tobytes()
    g.output(g.op("Convolution2DTransposeBias", [x, *operands], custom=custom, shape=(1, *out, channels)))
    return f"{shape} filter {kernel} to {channels} stride {stride} {'SAME' if same else 'VALID'}"
