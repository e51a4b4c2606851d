"""Reductions."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from forms import QUANTIZED
from operators import family
from operators.common import image, pick, shape_of_rank, values


@family("MEAN", ["float32", *QUANTIZED])
def mean(rng, g):
    options = schema.ReducerOptionsT()
    options.keepDims = bool(rng.integers(2))
    if rng.integers(2):
        shape, axes = image(rng), pick(rng, [[1, 2], [2, 1], [-3, -2], [3], [1], [0, 3]])
    else:
        shape = shape_of_rank(rng, 1, 4, 9)
        rank = len(shape)
        axes = [int(a) for a in rng.permutation(rank)[: rng.integers(1, rank + 1)]]
    x = g.input(values(rng, shape))
    g.output(g.op("MEAN", [x, g.const(np.int32(axes))], options))
    return f"{shape} axes {axes} keep {options.keepDims}"
