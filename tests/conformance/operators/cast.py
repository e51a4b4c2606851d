"""Conversions between types."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from forms import PLAIN
from operators import family
from operators.common import pick, shape_of_rank, values

STORED = {"int8": np.int8, "uint8": np.uint8, "int16": np.int16, **PLAIN}
TARGETS = [np.float32, np.int8, np.uint8, np.int16, np.int32, np.int64, np.bool_]


@family("CAST", ["float32", *STORED])
def cast(rng, g):
    """From the form's type, without scales, to any."""
    shape = shape_of_rank(rng, 1, 4)
    target = TARGETS[rng.integers(len(TARGETS))]
    array = values(rng, shape, pick(rng, [1, 30]))
    bits = rng.integers(-(2**40), 2**40, shape)
    if g.form == "float32":
        # Within what every type can hold: beyond that TFLite's own answer depends on the machine.
        low, high = (0, 255) if target == np.uint8 else (-128, 127)
        x = g.stored_input(np.clip(array, low, high))
    elif g.form == "bool":
        x = g.stored_input(array > 0)
    else:
        x = g.stored_input(bits.astype(STORED[g.form]))
    g.output(g.op_stored("CAST", [x], target, schema.CastOptionsT()))
    return f"{shape} to {np.dtype(target).name}"
