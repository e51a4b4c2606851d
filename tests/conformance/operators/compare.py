"""Comparisons, logic, and the choice between two tensors."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from forms import QUANTIZED
from operators import family
from operators.binary import broadcast
from operators.common import pick, shape_of_rank, values


def comparison(code, options):
    """Some values are equal. Of one scale, as converters write them, or of two."""
    def build(rng, g):
        shape, other = broadcast(rng)
        whole = rng.integers(2)
        arrays = [values(rng, s, 3) for s in (shape, other)]
        if whole:
            arrays = [np.round(a) for a in arrays]
        like = rng.integers(3) > 0 or g.form == "int16"
        x = g.input(arrays[0])
        y = (g.constant if rng.integers(2) else g.input)(arrays[1], like=x if like else None)
        g.output(g.op_stored(code, [x, y], np.bool_, options()))
        return f"{shape} and {other}"
    return build


def logical(code, options, operands):
    def build(rng, g):
        shapes = broadcast(rng)[:operands] if operands == 2 else [shape_of_rank(rng, 1, 4)]
        if g.form != "bool":
            g.input(values(rng, (1,)))
            return ""
        inputs = [g.input(values(rng, s)) for s in shapes]
        g.output(g.op_stored(code, inputs, np.bool_, options()))
        return f"{' and '.join(map(str, shapes))}"
    return build


def select(code, options):
    def build(rng, g):
        if code == "SELECT":
            shape = shape_of_rank(rng, 1, 4)
            condition = pick(rng, [shape, shape[:1], ()])
            shapes = [shape, shape]
        else:
            shape, other = broadcast(rng)
            condition, shapes = tuple(1 if rng.integers(3) == 0 else d for d in shape), [shape, other]
        chooser = g.stored_input(rng.integers(2, size=condition) > 0)
        x = g.input(values(rng, shapes[0], 3))
        y = (g.constant if rng.integers(2) else g.input)(values(rng, shapes[1], 3), like=x)
        g.output(g.op(code, [chooser, x, y], options(), like=x))
        return f"{condition} chooses {shapes[0]} and {shapes[1]}"
    return build


COMPARED = ["float32", *QUANTIZED, "int32", "int64"]
for code, options in [
    ("EQUAL", schema.EqualOptionsT),
    ("NOT_EQUAL", schema.NotEqualOptionsT),
]:
    family(code, [*COMPARED, "bool"])(comparison(code, options))
for code, options in [
    ("LESS", schema.LessOptionsT),
    ("LESS_EQUAL", schema.LessEqualOptionsT),
    ("GREATER", schema.GreaterOptionsT),
    ("GREATER_EQUAL", schema.GreaterEqualOptionsT),
]:
    family(code, COMPARED)(comparison(code, options))
family("LOGICAL_AND", ["bool"])(logical("LOGICAL_AND", schema.LogicalAndOptionsT, 2))
family("LOGICAL_OR", ["bool"])(logical("LOGICAL_OR", schema.LogicalOrOptionsT, 2))
family("LOGICAL_NOT", ["bool"])(logical("LOGICAL_NOT", schema.LogicalNotOptionsT, 1))
SELECTED = ["float32", *QUANTIZED, "int32", "int64", "bool"]
family("SELECT", SELECTED)(select("SELECT", schema.SelectOptionsT))
family("SELECT_V2", SELECTED)(select("SELECT_V2", schema.SelectV2OptionsT))
