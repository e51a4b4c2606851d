"""Pools."""

from ai_edge_litert import schema_py_generated as schema

from forms import QUANTIZED
from operators import family
from operators.common import image, values, window


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


family("AVERAGE_POOL_2D", ["float32", *QUANTIZED])(pool("AVERAGE_POOL_2D"))
