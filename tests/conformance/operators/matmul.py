"""Matrix products."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from forms import FORMS, Skip
from operators import family
from operators.common import CHANNELS, activate, pick, values


@family("FULLY_CONNECTED", FORMS)
def fully_connected(rng, g):
    options = schema.FullyConnectedOptionsT()
    activation = activate(rng, options)
    options.keepNumDims = bool(rng.integers(2))
    depth, units = pick(rng, CHANNELS), pick(rng, CHANNELS)
    shape = (*(int(d) for d in rng.integers(1, 6, rng.integers(1, 4))), depth)
    if not options.keepNumDims and rng.integers(2):
        shape = (int(rng.integers(1, 4)), 2, depth // 2 or 1)  # rows are cut anywhere
        depth = shape[1] * shape[2]
    x = g.input(values(rng, shape))
    axis = 0 if rng.integers(2) else None
    weights = g.weights(values(rng, (units, depth), depth**-0.5), axis)
    operands = [x, weights]
    bias = rng.integers(4) > 0
    if bias:
        operands.append(g.bias(values(rng, units), x, weights))
    else:
        operands.append(-1)
    g.output(g.op("FULLY_CONNECTED", operands, options))
    scales = "for each unit" if axis == 0 else "for all"
    return (f"{shape} to {units} keep {options.keepNumDims} {activation} scale {scales} "
            f"{'bias' if bias else ''}")


@family("BATCH_MATMUL", ["float32", "float16", "dynamic", "int8", "int16"])
def batch_matmul(rng, g):
    options = schema.BatchMatMulOptionsT()
    options.adjX, options.adjY = bool(rng.integers(2)), bool(rng.integers(2))
    m, k, n = (pick(rng, CHANNELS) for _ in range(3))
    batch = tuple(int(d) for d in rng.integers(1, 5, rng.integers(0, 3)))
    other = tuple(1 if rng.integers(2) else d for d in batch)[rng.integers(len(batch) + 1):]
    if rng.integers(2):
        other = batch
    a_shape = (*batch, k, m) if options.adjX else (*batch, m, k)
    b_shape = (*other, n, k) if options.adjY else (*other, k, n)
    x = g.input(values(rng, a_shape))
    constant = bool(rng.integers(2))
    array = values(rng, b_shape, k**-0.5)
    y = g.weights(array) if constant else g.input(array)
    g.output(g.op("BATCH_MATMUL", [x, y], options, version=1))
    return f"{a_shape} {b_shape} {'constant' if constant else ''} transposed {options.adjX} {options.adjY}"
