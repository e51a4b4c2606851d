"""Reductions."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from forms import BYTES, QUANTIZED, Skip
from operators import family
from operators.common import image, pick, shape_of_rank, values


INTEGERS = ["int32", "int64"]


def axes_of(rng):
    """A shape, and some of its axes, counted from either end."""
    if rng.integers(2):
        return image(rng), pick(rng, [[1, 2], [2, 1], [-3, -2], [3], [1], [0, 3]])
    shape = shape_of_rank(rng, 1, 4, 9)
    rank = len(shape)
    axes = [int(a) for a in rng.permutation(rank)[: rng.integers(1, rank + 1)]]
    return shape, [a - rank if rng.integers(3) == 0 else a for a in axes]


def reduction(code, like=False, draw=lambda rng, shape: values(rng, shape, 3), most=None):
    """`like`: the result has the operand's scale; `most`: elements that are joined, quantized."""
    def build(rng, g):
        options = schema.ReducerOptionsT()
        options.keepDims = bool(rng.integers(2))
        shape, axes = axes_of(rng)
        if most and g.quantized and np.prod([shape[a] for a in set(np.mod(axes, len(shape)))]) > most:
            raise Skip
        x = g.input(draw(rng, shape))
        axes_index = g.const(np.int32(axes))
        if g.form == "bool":
            g.output(g.op_stored(code, [x, axes_index], np.bool_, options))
        else:
            g.output(g.op(code, [x, axes_index], options, like=x if like else None))
        return f"{shape} axes {axes} keep {options.keepDims}"
    return build


def factors(rng, shape):
    """Products of all of these neither vanish nor grow."""
    array = np.exp(values(rng, shape, np.prod(shape) ** -0.5))
    return np.where(rng.integers(4, size=shape) == 0, -array, array)


def product(rng, g):
    """Integers are such that some products do not fit: their lowest bits count."""
    integers = rng.integers(-3, 4, 10_000)
    if g.form not in INTEGERS:
        return reduction("REDUCE_PROD", draw=factors, most=8)(rng, g)
    return reduction("REDUCE_PROD", draw=lambda r, s: np.resize(integers[integers != 0], s))(rng, g)


def only_bool(build):
    def limited(rng, g):
        if g.form != "bool":
            g.input(values(rng, (1,)))
            return ""
        return build(rng, g)
    return limited


ALL = ["float32", *QUANTIZED, *INTEGERS]
family("MEAN", ALL, exact=BYTES)(reduction("MEAN"))
family("SUM", ALL, exact=BYTES)(reduction("SUM"))
family("REDUCE_MAX", ALL)(reduction("REDUCE_MAX", like=True))
family("REDUCE_MIN", ALL)(reduction("REDUCE_MIN", like=True))
family("REDUCE_PROD", ["float32", "int8", "int16", *INTEGERS])(product)
family("REDUCE_ANY", ["bool"])(only_bool(reduction("REDUCE_ANY", draw=lambda r, s: values(r, s) - 1)))
family("REDUCE_ALL", ["bool"])(only_bool(reduction("REDUCE_ALL", draw=lambda r, s: values(r, s) + 1)))


def arg(code, options):
    def build(rng, g):
        chosen = options()
        dtype = [np.int32, np.int64][rng.integers(2)]
        kinds = schema.TensorType
        chosen.outputType = kinds.INT32 if dtype == np.int32 else kinds.INT64
        shape = image(rng) if rng.integers(2) else shape_of_rank(rng, 1, 4, 9)
        axis = int(rng.integers(-len(shape), len(shape)))
        if rng.integers(2):
            axis = -1  # as networks have it
        array = values(rng, shape, 3)
        if rng.integers(2):  # several largest ones
            array = np.round(array)
        axis_type = [np.int32, np.int64][rng.integers(2)]
        x = g.input(array)
        g.output(g.op_stored(code, [x, g.const(axis_type(axis))], dtype, chosen))
        return f"{shape} axis {axis} as {dtype.__name__}"
    return build


ARG = ["float32", "int8", "uint8", "int32", "bool"]
family("ARG_MAX", ARG)(arg("ARG_MAX", schema.ArgMaxOptionsT))
family("ARG_MIN", ARG)(arg("ARG_MIN", schema.ArgMinOptionsT))
