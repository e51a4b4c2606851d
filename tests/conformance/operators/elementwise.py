"""Operators that work element by element."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

import forms
from forms import QUANTIZED
from operators import family
from operators.common import activate, image, pick, shape_of_rank, values


def broadcast(rng):
    """Two shapes that broadcast: the same, or with some extents 1, or leading extents left out."""
    shape = image(rng) if rng.integers(2) else shape_of_rank(rng, 1, 4)
    other = shape
    if rng.integers(3):
        other = tuple(1 if rng.integers(2) else d for d in shape)
        if rng.integers(2):
            other = other[rng.integers(len(other)):]
    return shape, other


def binary(code, options):
    def build(rng, g):
        chosen = options()
        activation = activate(rng, chosen)
        shape, other = broadcast(rng)
        x = g.input(values(rng, shape, 3))
        constant = bool(rng.integers(2))
        y = (g.constant if constant else g.input)(values(rng, other, 3))
        operands = [x, y] if rng.integers(2) else [y, x]
        g.output(g.op(code, operands, chosen))
        return f"{shape} and {'constant' if constant else 'input'} {other} {activation}"
    return build


def unary(code, options=lambda: None, like=False, **scales):
    """`like`: the result has the operand's scale."""
    def build(rng, g):
        shape = shape_of_rank(rng, 1, 4)
        array = values(rng, shape, pick(rng, [0.1, 3, 30]))
        special = np.float32([0, -0.0, 3, -3, 6, -6, 1, -1, 88, -88, 120, -120])
        at = rng.integers(array.size, size=min(3, array.size))
        array.flat[at] = rng.choice(special, len(at))
        x = g.input(array)
        g.output(g.op(code, [x], options(), like=x if like else None, **scales))
        return f"{shape}"
    return build


BINARY = ["float32", "float16", *QUANTIZED]
family("ADD", BINARY)(binary("ADD", schema.AddOptionsT))
family("MUL", BINARY)(binary("MUL", schema.MulOptionsT))

UNARY = ["float32", *QUANTIZED]
NOT_INT16 = ["float32", "int8", "uint8"]
family("RELU", UNARY)(unary("RELU"))
family("RELU6", UNARY)(unary("RELU6"))
family("RELU_N1_TO_1", NOT_INT16)(unary("RELU_N1_TO_1"))
family("HARD_SWISH", NOT_INT16)(unary("HARD_SWISH", schema.HardSwishOptionsT))
family("LOGISTIC", UNARY)(unary("LOGISTIC", scales=forms.LOGISTIC))
# TFLite's table for int16 is itself up to two steps off the function.
family("TANH", UNARY, steps={"int16": 2})(unary("TANH", scales=forms.TANH))
