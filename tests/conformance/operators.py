"""Random legal single-operator files: one small function per operator family.

A family takes a NumPy random generator and returns (file, inputs, what it is, reference), where
`reference` says whether TFLite's own naive kernels can run the file (XNNPACK must where they do not
know a custom operator). To add an operator, add a function and a line to FAMILIES.
"""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflite import Builder

ACTIVATIONS = ["NONE", "NONE", "RELU", "RELU6", "RELU_N1_TO_1"]
# Channel counts around the widths of SIMD tiles.
CHANNELS = [1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 33]


def pick(rng, values):
    return values[rng.integers(len(values))]


def values(rng, shape, scale=1.0):
    """Normally distributed, so that activations cut on both sides."""
    return (rng.standard_normal(shape) * scale).astype(np.float32)


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


def image(rng, kernel, dilation=(1, 1), channels=None):
    """[n, h, w, c] into which the window fits."""
    h, w = (int(rng.integers((k - 1) * d + 1, (k - 1) * d + 14)) for k, d in zip(kernel, dilation))
    return (pick(rng, [1, 1, 1, 2]), h, w, channels or pick(rng, CHANNELS))


def weight(rng, b, array):
    """A constant, in one case of four as half floats behind DEQUANTIZE."""
    if rng.integers(4):
        return b.const(array)
    half = b.const(array.astype(np.float16))
    return b.op("DEQUANTIZE", [half], schema.DequantizeOptionsT(), array.shape, version=2)


def filter_and_bias(rng, b, shape, channels, fan_in):
    """TFLite's CONV_2D insists on a bias."""
    return [weight(rng, b, values(rng, shape, fan_in**-0.5)), weight(rng, b, values(rng, channels))]


def conv_2d(rng):
    options = schema.Conv2DOptionsT()
    kernel = pick(rng, [(1, 1), (1, 1), (3, 3), (5, 5), (2, 2), (1, 3), (4, 1), (3, 2)])
    about = f"{window(rng, options)} {dilate(rng, options)}"
    groups = pick(rng, [1, 1, 1, 1, 2, 3])
    depth, per_group = pick(rng, CHANNELS), pick(rng, CHANNELS)
    shape = image(rng, kernel, (options.dilationHFactor, options.dilationWFactor), depth * groups)
    b = Builder("conv_2d")
    x = b.input(shape)
    operands = filter_and_bias(
        rng, b, (per_group * groups, *kernel, depth), per_group * groups, np.prod(kernel) * depth)
    b.output(b.op("CONV_2D", [x, *operands], options))
    about = f"{shape} filter {kernel} to {per_group * groups} groups {groups} {about}"
    return b.finish(), [values(rng, shape)], about, True


def depthwise_conv_2d(rng):
    options = schema.DepthwiseConv2DOptionsT()
    kernel = pick(rng, [(3, 3), (3, 3), (5, 5), (5, 5), (1, 1), (2, 3), (7, 7)])
    about = f"{window(rng, options)} {dilate(rng, options)}"
    if rng.integers(2):
        options.strideW = options.strideH
    options.depthMultiplier = pick(rng, [1, 1, 1, 2, 3])
    shape = image(rng, kernel, (options.dilationHFactor, options.dilationWFactor))
    channels = shape[3] * options.depthMultiplier
    b = Builder("depthwise_conv_2d")
    x = b.input(shape)
    operands = filter_and_bias(rng, b, (1, *kernel, channels), channels, np.prod(kernel))
    if rng.integers(5) == 0:
        operands.pop()  # the bias is optional
    b.output(b.op("DEPTHWISE_CONV_2D", [x, *operands], options))
    about = f"{shape} filter {kernel} multiplier {options.depthMultiplier} stride {options.strideH}x{options.strideW} {about}"
    return b.finish(), [values(rng, shape)], about, True


def convolution_2d_transpose_bias(rng):
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
    b = Builder("Convolution2DTransposeBias")
    x = b.input(shape)
    f = b.const(values(rng, (channels, *kernel, shape[3]), (np.prod(kernel) * shape[3]) ** -0.5))
    bias = b.const(values(rng, channels))
    # TfLiteTransposeConvParams: padding (1 same, 2 valid), stride width, stride height.
    custom = np.int32([1 if same else 2, stride, stride]).tobytes()
    b.output(b.op("Convolution2DTransposeBias", [x, f, bias], custom=custom, shape=(1, *out, channels)))
    about = f"{shape} filter {kernel} to {channels} stride {stride} {'SAME' if same else 'VALID'}"
    return b.finish(), [values(rng, shape)], about, False


def resize_bilinear(rng):
    options = schema.ResizeBilinearOptionsT()
    mode = int(rng.integers(3))
    options.alignCorners, options.halfPixelCenters = mode == 1, mode == 2
    shape = image(rng, (1, 1))
    twice = rng.integers(3) == 0
    size = [2 * s for s in shape[1:3]] if twice else [int(s) for s in rng.integers(1, 24, 2)]
    b = Builder("resize_bilinear")
    x = b.input(shape)
    b.output(b.op("RESIZE_BILINEAR", [x, b.const(np.int32(size))], options, version=3))
    about = f"{shape} to {size} {['plain', 'align_corners', 'half_pixel_centers'][mode]}"
    return b.finish(), [values(rng, shape)], about, True


def average_pool_2d(rng):
    options = schema.Pool2DOptionsT()
    about = window(rng, options)
    kernel = tuple(int(k) for k in rng.integers(1, 5, 2))
    shape = image(rng, kernel)
    if rng.integers(3) == 0:  # global
        kernel = shape[1:3]
        options.strideH, options.strideW = kernel
    options.filterHeight, options.filterWidth = kernel
    b = Builder("average_pool_2d")
    b.output(b.op("AVERAGE_POOL_2D", [b.input(shape)], options))
    about = f"{shape} window {kernel} stride {options.strideH}x{options.strideW} {about}"
    return b.finish(), [values(rng, shape)], about, True


def mean(rng):
    options = schema.ReducerOptionsT()
    options.keepDims = bool(rng.integers(2))
    if rng.integers(2):
        shape, axes = image(rng, (1, 1)), pick(rng, [[1, 2], [2, 1], [-3, -2], [3], [1], [0, 3]])
    else:
        rank = int(rng.integers(1, 5))
        shape = tuple(int(d) for d in rng.integers(1, 9, rank))
        axes = [int(a) for a in rng.permutation(rank)[: rng.integers(1, rank + 1)]]
    b = Builder("mean")
    b.output(b.op("MEAN", [b.input(shape), b.const(np.int32(axes))], options))
    return b.finish(), [values(rng, shape)], f"{shape} axes {axes} keep {options.keepDims}", True


def binary(code, options):
    def family(rng):
        chosen = options()
        activation = activate(rng, chosen)
        shape = tuple(int(d) for d in rng.integers(1, 12, rng.integers(1, 5)))
        if rng.integers(2):
            shape = image(rng, (1, 1))
        # The other operand: the same, or with some extents 1, or with leading extents left out.
        other = shape
        if rng.integers(3):
            other = tuple(1 if rng.integers(2) else d for d in shape)
            if rng.integers(2):
                other = other[rng.integers(len(other)):]
        b = Builder(code.lower())
        x = b.input(shape)
        inputs = [values(rng, shape, 3)]
        constant = bool(rng.integers(2))
        if constant:
            y = weight(rng, b, values(rng, other, 3))
        else:
            y = b.input(other)
            inputs.append(values(rng, other, 3))
        operands = [x, y] if rng.integers(2) else [y, x]
        b.output(b.op(code, operands, chosen))
        kind = "constant" if constant else "input"
        return b.finish(), inputs, f"{shape} and {kind} {other} {activation}", True
    return family


def unary(code, options=lambda: None):
    def family(rng):
        shape = tuple(int(d) for d in rng.integers(1, 12, rng.integers(1, 5)))
        b = Builder(code.lower())
        b.output(b.op(code, [b.input(shape)], options()))
        x = values(rng, shape, pick(rng, [0.1, 3, 30]))
        special = np.float32([0, -0.0, 3, -3, 6, -6, 1, -1, 88, -88, 120, -120])
        at = rng.integers(x.size, size=min(3, x.size))
        x.flat[at] = rng.choice(special, len(at))
        return b.finish(), [x], f"{shape}", True
    return family


def dequantize(rng):
    """Half floats of every kind but infinities and NaN: normal, subnormal, signed zeros."""
    shape = (int(rng.integers(1, 6)), int(rng.integers(1, 40)))
    bits = rng.integers(0, 0x7C00, shape).astype(np.uint16) | (rng.integers(2, size=shape).astype(np.uint16) << 15)
    if rng.integers(2):
        bits &= 0x83FF  # subnormal
    b = Builder("dequantize")
    half = b.const(bits.view(np.float16))
    wide = b.op("DEQUANTIZE", [half], schema.DequantizeOptionsT(), shape, version=2)
    b.output(b.op("MUL", [b.input(shape), wide], schema.MulOptionsT()))
    return b.finish(), [np.ones(shape, np.float32)], f"{shape}", True


def chain(rng):
    """A few operators as mobile networks arrange them: what optimisation passes look for."""
    b = Builder("chain")
    shape = (1, int(rng.integers(6, 20)), int(rng.integers(6, 20)), pick(rng, CHANNELS))
    x = b.input(shape)
    told = []
    tensors = [(x, shape)]  # all that may be read again

    def conv(x, shape, channels, kernel=(1, 1), stride=1):
        options = schema.Conv2DOptionsT()
        options.padding = schema.Padding.SAME
        options.strideH = options.strideW = stride
        options.dilationHFactor = options.dilationWFactor = 1
        options.fusedActivationFunction = 0
        operands = filter_and_bias(rng, b, (channels, *kernel, shape[3]), channels, np.prod(kernel) * shape[3])
        new = (1, -(-shape[1] // stride), -(-shape[2] // stride), channels)
        return b.op("CONV_2D", [x, *operands], options, new), new

    def act(x, shape, code=None):
        code = code or pick(rng, ["RELU", "HARD_SWISH", "LOGISTIC", "RELU6"])
        return b.op(code, [x], shape=shape), shape

    def excite(x, shape):
        """Squeeze and excitation: the gate reads a mean of what it scales."""
        options = schema.ReducerOptionsT()
        options.keepDims = True
        one = (1, 1, 1, shape[3])
        squeezed = b.op("MEAN", [x, b.const(np.int32([1, 2]))], options, one)
        gate, _ = act(*conv(*act(*conv(squeezed, one, 4), "RELU"), shape[3]), "LOGISTIC")
        return b.op("MUL", [x, gate], schema.MulOptionsT(), shape), shape

    for _ in range(rng.integers(3, 8)):
        last, shape = tensors[-1]
        step = pick(rng, ["conv", "conv act", "act", "add", "excite", "up"])
        told.append(step)
        if step == "conv":
            new = conv(last, shape, pick(rng, CHANNELS), (3, 3), pick(rng, [1, 2]))
        elif step == "conv act":
            new = act(*conv(last, shape, pick(rng, [shape[3], pick(rng, CHANNELS)])))
        elif step == "act":
            new = act(last, shape)
        elif step == "excite":
            new = excite(last, shape)
        elif step == "add":
            same = [t for t, s in tensors if s == shape]
            new = (b.op("ADD", [last, pick(rng, same)], schema.AddOptionsT(), shape), shape)
        else:
            options = schema.ResizeBilinearOptionsT()
            options.alignCorners, options.halfPixelCenters = False, True
            size = [2 * s for s in shape[1:3]]
            new_shape = (1, *size, shape[3])
            new = (b.op("RESIZE_BILINEAR", [last, b.const(np.int32(size))], options, new_shape, version=3), new_shape)
        tensors.append(new)
    b.output(tensors[-1][0])
    if rng.integers(2) and len(tensors) > 3:  # a tensor in the middle is a result too
        b.output(tensors[rng.integers(1, len(tensors) - 1)][0])
        told.append("two outputs")
    return b.finish(), [values(rng, tensors[0][1])], f"{tensors[0][1]} {', '.join(told)}", True


FAMILIES = {
    "CONV_2D": conv_2d,
    "DEPTHWISE_CONV_2D": depthwise_conv_2d,
    "Convolution2DTransposeBias": convolution_2d_transpose_bias,
    "RESIZE_BILINEAR": resize_bilinear,
    "AVERAGE_POOL_2D": average_pool_2d,
    "MEAN": mean,
    "ADD": binary("ADD", schema.AddOptionsT),
    "MUL": binary("MUL", schema.MulOptionsT),
    "RELU": unary("RELU"),
    "RELU6": unary("RELU6"),
    "RELU_N1_TO_1": unary("RELU_N1_TO_1"),
    "HARD_SWISH": unary("HARD_SWISH", schema.HardSwishOptionsT),
    "LOGISTIC": unary("LOGISTIC"),
    "TANH": unary("TANH"),
    "DEQUANTIZE": dequantize,
    "chain": chain,
}
