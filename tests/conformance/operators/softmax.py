"""Softmax over the last axis."""

from ai_edge_litert import schema_py_generated as schema

from forms import QUANTIZED
from operators import family
from operators.common import image, pick, shape_of_rank, values

# Scales that TFLite prescribes.
SOFTMAX = {"int8": (1 / 256, -128), "uint8": (1 / 256, 0), "int16": (1 / 32768, 0)}
LOG_SOFTMAX = {"int8": (16 / 256, 127), "uint8": (16 / 256, 255)}


def logits(rng):
    shape = image(rng) if rng.integers(2) else shape_of_rank(rng, 1, 4, 9)
    return shape, values(rng, shape, pick(rng, [0.5, 3, 10]))


# For int16, TFLite looks exponentials up in a table of 513 values, from -10 to 0: its results are up
# to 0.2 % off the function, ours are not.
@family("SOFTMAX", ["float32", *QUANTIZED], steps={"int16": 80})
def softmax(rng, g):
    options = schema.SoftmaxOptionsT()
    options.beta = pick(rng, [1.0, 1.0, 0.5, 2.0])
    shape, array = logits(rng)
    g.output(g.op("SOFTMAX", [g.input(array)], options, scales=SOFTMAX))
    return f"{shape} beta {options.beta}"


@family("LOG_SOFTMAX", ["float32", "int8", "uint8"])
def log_softmax(rng, g):
    shape, array = logits(rng)
    g.output(g.op("LOG_SOFTMAX", [g.input(array)], schema.LogSoftmaxOptionsT(), scales=LOG_SOFTMAX))
    return f"{shape}"
