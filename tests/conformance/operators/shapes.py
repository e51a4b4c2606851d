"""Operators that make shapes and lists of positions, and what follows from them."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from forms import PLAIN, QUANTIZED
from operators import family
from operators.common import image, pick, shape_of_rank, values


@family("SHAPE", ["float32"])
def shape(rng, g):
    options = schema.ShapeOptionsT()
    dtype = [np.int32, np.int64][rng.integers(2)]
    options.outType = schema.TensorType.INT32 if dtype == np.int32 else schema.TensorType.INT64
    extents = shape_of_rank(rng, 1, 5)
    x = g.input(values(rng, extents))
    g.output(g.op_stored("SHAPE", [x], dtype, options))
    return f"{extents} as {dtype.__name__}"


@family("RANK", ["float32"])
def rank(rng, g):
    extents = shape_of_rank(rng, 1, 5, 6)
    x = g.input(values(rng, extents))
    g.output(g.op_stored("RANK", [x], np.int32, schema.RankOptionsT()))
    return f"{extents}"


@family("RANGE", ["float32", "int32", "int64"])
def range_(rng, g):
    """Read by a CONCATENATION: it is a constant itself."""
    step = int(pick(rng, [1, 1, 2, 3, -1, -4]))
    start, count = int(rng.integers(-9, 9)), int(rng.integers(1, 300))
    limit = start + step * count - int(rng.integers(abs(step))) * np.sign(step)
    dtype = PLAIN.get(g.form, np.float32)
    by = dtype(1) if dtype != np.float32 else dtype(0.25)
    operands = [g.const(dtype(number * by)) for number in (start, limit, step)]
    made = g.op("RANGE", operands, schema.RangeOptionsT())
    x = g.input(values(rng, (1,), 30))
    options = schema.ConcatenationOptionsT()
    options.axis, options.fusedActivationFunction = 0, 0
    g.output(g.op("CONCATENATION", [x, made], options))
    return f"{start} to {limit} by {step}"


@family("BROADCAST_ARGS", ["int32", "int64"])
def broadcast_args(rng, g):
    """Read by a BROADCAST_TO."""
    shape = shape_of_rank(rng, 2, 4, 7)
    first, second = (tuple(1 if rng.integers(2) else d for d in shape) for _ in range(2))
    first = tuple(d if d == e or e == 1 else e for d, e in zip(first, second))
    second = second[rng.integers(len(second)):]
    if rng.integers(2):
        first, second = second, first
    dtype = PLAIN.get(g.form, np.int32)
    operands = [g.const(np.array(extents, dtype)) for extents in (first, second)]
    made = g.op_stored("BROADCAST_ARGS", operands, dtype)
    x = g.input(values(rng, (1,), 30))
    g.output(g.op("BROADCAST_TO", [x, made], schema.BroadcastToOptionsT(), like=x, version=2))
    return f"{first} and {second}"


@family("computed shapes", ["float32", *QUANTIZED])
def computed_shapes(rng, g):
    """As converters spell a RESHAPE to some of the extents that a tensor has, and a BROADCAST_TO."""
    n, h, w, c = shape = image(rng)
    x = g.input(values(rng, shape))
    options = schema.ShapeOptionsT()
    options.outType = schema.TensorType.INT32
    extents = g.op_stored("SHAPE", [x], np.int32, options, shape=(4,))

    def extent(i):
        options = schema.StridedSliceOptionsT()
        options.beginMask = options.endMask = options.ellipsisMask = options.newAxisMask = 0
        options.shrinkAxisMask, options.offset = 1, False
        operands = [extents, *(g.const(np.int32([v])) for v in (i, i + 1, 1))]
        return g.op_stored("STRIDED_SLICE", operands, np.int32, options, shape=())

    pack = schema.PackOptionsT()
    pack.valuesCount, pack.axis = 3, 0
    kind = int(rng.integers(2))
    middle = g.const(np.int32(-1)) if kind else g.const(np.int32(h * w))
    new = g.op_stored("PACK", [extent(0), middle, extent(3)], np.int32, pack, shape=(3,))
    flat = g.op("RESHAPE", [x, new], schema.ReshapeOptionsT(), like=x, shape=(n, h * w, c))
    transposed = g.op("TRANSPOSE", [flat, g.const(np.int32([0, 2, 1]))], schema.TransposeOptionsT(),
                      like=x, shape=(n, c, h * w))
    g.output(transposed)
    return f"{shape} flattened by {'-1' if kind else 'a product'}"
