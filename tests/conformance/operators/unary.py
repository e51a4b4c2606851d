"""Functions of one value."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

import forms
from forms import BYTES, QUANTIZED
from operators import family
from operators.common import pick, shape_of_rank, values

SPECIAL = np.float32([0, -0.0, 0.5, -0.5, 1, -1, 1.5, 2.5, 3, -3, 6, -6, 88, -88, 120, -120])


def anything(rng, shape):
    """From small to large, where functions bend and where they saturate."""
    array = values(rng, shape, pick(rng, [0.1, 3, 30]))
    at = rng.integers(array.size, size=min(3, array.size))
    array.flat[at] = rng.choice(SPECIAL, len(at))
    return array


def reaching_up(rng, shape):
    """The largest value is not below 0: TFLite refuses HARD_SWISH of far larger input than output."""
    array = anything(rng, shape)
    array.flat[0] = np.abs(array).max()
    return array


def moderate(rng, shape):
    return values(rng, shape, pick(rng, [0.1, 1, 4]))


def positive(rng, shape):
    return np.abs(values(rng, shape, pick(rng, [0.5, 5]))) + pick(rng, [0.05, 1])


def not_negative(rng, shape):
    array = np.abs(values(rng, shape, pick(rng, [0.5, 5])))
    array.flat[0] = 0
    return array


def unary(code, options=lambda: None, draw=anything, scales=None):
    """`scales`: as TFLite prescribes them."""
    def build(rng, g):
        shape = shape_of_rank(rng, 1, 4)
        x = g.input(draw(rng, shape))
        g.output(g.op(code, [x], options(), scales=scales))
        return f"{shape}"
    return build


@family("LEAKY_RELU", ["float32", *QUANTIZED], exact=BYTES)
def leaky_relu(rng, g):
    options = schema.LeakyReluOptionsT()
    options.alpha = pick(rng, [0.01, 0.1, 0.2, 0.5, 1.5, -0.3])
    about = unary("LEAKY_RELU", lambda: options)(rng, g)
    return f"{about} alpha {options.alpha}"


@family("GELU", ["float32", "int8", "uint8"])
def gelu(rng, g):
    options = schema.GeluOptionsT()
    options.approximate = bool(rng.integers(2))
    about = unary("GELU", lambda: options)(rng, g)
    return f"{about} {'approximate' if options.approximate else ''}"


FLOAT = ["float32"]
ALL = ["float32", *QUANTIZED]
NOT_INT16 = ["float32", "int8", "uint8"]
SIGNED = ["float32", "int8", "int16"]
family("RELU", ALL)(unary("RELU"))
family("RELU6", ALL)(unary("RELU6"))
family("RELU_N1_TO_1", NOT_INT16)(unary("RELU_N1_TO_1"))
family("RELU_0_TO_1", NOT_INT16)(unary("RELU_0_TO_1"))
family("HARD_SWISH", NOT_INT16, exact=BYTES)(unary("HARD_SWISH", schema.HardSwishOptionsT, reaching_up))
family("LOGISTIC", ALL, exact=QUANTIZED)(unary("LOGISTIC", scales=forms.LOGISTIC))
family("TANH", ALL, exact=QUANTIZED)(unary("TANH", scales=forms.TANH))
family("ELU", ["float32", "int8"], exact=BYTES)(unary("ELU"))
family("ABS", [*SIGNED, "int32"])(unary("ABS", schema.AbsOptionsT))
family("NEG", ["float32", "int32", "int64"])(unary("NEG", schema.NegOptionsT))
family("EXP", SIGNED)(unary("EXP", schema.ExpOptionsT, moderate))
family("LOG", SIGNED)(unary("LOG", draw=positive))
family("SQRT", SIGNED)(unary("SQRT", draw=not_negative))
family("RSQRT", SIGNED)(unary("RSQRT", draw=positive))
family("SQUARE", FLOAT)(unary("SQUARE", schema.SquareOptionsT))
for code in ["CEIL", "ROUND", "FLOOR", "SIN"]:
    family(code, FLOAT)(unary(code))
family("COS", FLOAT)(unary("COS", schema.CosOptionsT))
