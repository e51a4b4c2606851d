"""Functions of two values, with broadcasting."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from forms import BYTES, QUANTIZED, Skip
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


def signed(rng, shape):
    """Any numbers of about 3."""
    return values(rng, shape, 3)


def away_from_zero(rng, shape):
    array = values(rng, shape, 3)
    return array + np.where(array < 0, -1, 1)


def positive(rng, shape):
    return np.abs(values(rng, shape)) + 0.1


def few(rng, shape):
    """Exponents: small integers, from 0 on."""
    return np.float32(rng.integers(0, 5, shape))


def quotients_fit(g, dividend, divisor, quotient):
    """TFLite shifts a quantized quotient to the right by a number of bits that grows as the dividend, in steps,
    becomes smaller and the divisor larger. It takes 31 at most; beyond, it returns what is no quotient."""
    x, y = g.stored_steps(dividend), g.stored_steps(divisor)
    if not y.all():
        return False
    scales = [g.scales[i].scale[0] for i in (dividend, divisor, quotient)]
    shift = np.frexp(float(scales[0]) / (float(scales[1]) * float(scales[2])))[1]
    headroom = 31 - int(np.abs(x).min()).bit_length()
    return headroom + int(np.abs(y).max()).bit_length() - 1 - shift <= 31


def binary(code, options, draw=(signed, signed), like=False, fits=lambda *_: True):
    """`draw`: the operands; `like`: all have the scale of the first, and so has the result; `fits`: whether
    TFLite takes these quantized operands."""
    def build(rng, g):
        chosen = options()
        activation = activate(rng, chosen) if hasattr(chosen, "fusedActivationFunction") else ""
        shapes = list(broadcast(rng))
        if rng.integers(2):
            shapes.reverse()
        arrays = [f(rng, s) for f, s in zip(draw, shapes)]
        constant = int(rng.integers(4))  # which operand, if any
        made = []
        for i, array in enumerate(arrays):
            add = g.constant if i == constant else g.input
            made.append(add(array, like=made[0] if like and made else None))
        result = g.op(code, made, chosen, like=made[0] if like else None)
        if g.quantized and not fits(g, *made, result):
            raise Skip
        g.output(result)
        what = ["input", "constant"]
        return f"{what[constant == 0]} {shapes[0]} and {what[constant == 1]} {shapes[1]} {activation}"
    return build


def prelu(rng, g):
    """Slopes for each channel, as networks have them, or for any other part."""
    shape = image(rng)
    slopes = pick(rng, [(1, 1, shape[3]), (shape[3],), (1, 1, 1), shape[1:], shape, (1, shape[2], 1)])
    x = g.input(values(rng, shape, 3))
    array = values(rng, slopes, 0.5)
    constant = rng.integers(4)
    if g.form == "int16":
        y = g.weights(array)  # int8
    else:
        y = (g.constant if constant else g.input)(array)
    g.output(g.op("PRELU", [x, y]))
    return f"{shape} slopes {slopes}"


FORMS = ["float32", "float16", *QUANTIZED]
INTEGERS = ["int32", "int64"]
family("ADD", [*FORMS, *INTEGERS], exact=BYTES)(binary("ADD", schema.AddOptionsT))
family("SUB", [*FORMS, *INTEGERS], exact=BYTES)(binary("SUB", schema.SubOptionsT))
family("MUL", [*FORMS, *INTEGERS], exact=BYTES)(binary("MUL", schema.MulOptionsT))
family("DIV", [*FORMS, "int32"])(
    binary("DIV", schema.DivOptionsT, (away_from_zero, away_from_zero), fits=quotients_fit))
for code in ["MAXIMUM", "MINIMUM"]:
    family(code, [*FORMS, *INTEGERS])(binary(code, schema.MaximumMinimumOptionsT, like=True))
family("SQUARED_DIFFERENCE", ["float32", "float16", "int8", "int32"])(
    binary("SQUARED_DIFFERENCE", schema.SquaredDifferenceOptionsT))
family("POW", ["float32", "float16"])(binary("POW", schema.PowOptionsT, (positive, signed)))
family("FLOOR_DIV", ["float32", "float16", "int32"])(
    binary("FLOOR_DIV", schema.FloorDivOptionsT, (signed, away_from_zero)))
family("FLOOR_MOD", ["float32", "float16", *INTEGERS])(
    binary("FLOOR_MOD", schema.FloorModOptionsT, (signed, away_from_zero)))
family("PRELU", FORMS)(prelu)
