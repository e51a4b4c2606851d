"""Pools."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from forms import BYTES, QUANTIZED
from operators import family
from operators.common import CHANNELS, image, pick, values, window


def pool(code):
    def build(rng, g):
        options = schema.Pool2DOptionsT()
        about = window(rng, options)
        kernel = tuple(int(k) for k in rng.integers(1, 5, 2))
        shape = image(rng, kernel)
        if rng.integers(3) == 0:  # global
            kernel = shape[1:3]
            options.strideH, options.strideW = kernel
        options.filterHeight, options.filterWidth = kernel
        x = g.input(values(rng, shape))
        g.output(g.op(code, [x], options, like=x))
        return f"{shape} window {kernel} stride {options.strideH}x{options.strideW} {about}"
    return build


# How a tap is written differs between MediaPipe's own kernels and XNNPACK's, so that only what is
# made of it can be compared.
def argmax_and_unpool(rng, g, other):
    """MaxPoolingWithArgmax2D, and MaxUnpooling2D of its result, or of another image, to where its
    maxima were. As XNNPACK knows them: windows next to each other."""
    stride = pick(rng, [(2, 2), (2, 2), (3, 3), (2, 3)])
    small = (1, int(rng.integers(1, 8)), int(rng.integers(1, 8)), pick(rng, CHANNELS))
    shape = (1, small[1] * stride[0], small[2] * stride[1], small[3])
    x = g.input(values(rng, shape))
    params = pool_params(stride)
    pooled, taps = g.op_many("MaxPoolingWithArgmax2D", [x], count=2, shape=small, custom=params)
    image = g.input(values(rng, small)) if other else pooled
    g.output(pooled, g.op("MaxUnpooling2D", [image, taps], shape=shape, custom=params))
    return f"{shape} window {stride}"


@family("MaxPoolingWithArgmax2D", ["float32"])
def max_pooling_with_argmax(rng, g):
    return argmax_and_unpool(rng, g, False)


@family("MaxUnpooling2D", ["float32"])
def max_unpooling(rng, g):
    return argmax_and_unpool(rng, g, True)


def pool_params(size):
    """TfLitePoolParams: padding (2 valid), stride width and height, window width and height,
    activation; and padding that is computed."""
    height, width = size
    return np.int32([2, width, height, width, height, 0, 0, 0, 0, 0]).tobytes()


family("AVERAGE_POOL_2D", ["float32", *QUANTIZED], exact=BYTES)(pool("AVERAGE_POOL_2D"))
family("MAX_POOL_2D", ["float32", *QUANTIZED], exact=BYTES)(pool("MAX_POOL_2D"))
family("L2_POOL_2D", ["float32"])(pool("L2_POOL_2D"))
