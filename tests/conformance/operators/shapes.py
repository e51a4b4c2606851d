"""Operators on shapes."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from operators import family
from operators.common import shape_of_rank, values


@family("SHAPE", ["float32"])
def shape(rng, g):
    options = schema.ShapeOptionsT()
    dtype = [np.int32, np.int64][rng.integers(2)]
    options.outType = schema.TensorType.INT32 if dtype == np.int32 else schema.TensorType.INT64
    extents = shape_of_rank(rng, 1, 5)
    x = g.input(values(rng, extents))
    g.output(g.op_stored("SHAPE", [x], dtype, options))
    return f"{extents} as {dtype.__name__}"
