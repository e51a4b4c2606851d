"""Between real numbers and quantized ones."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from forms import ACTIVATIONS, BYTES, QUANTIZED, asymmetric
from operators import family
from operators.common import pick, shape_of_rank, values


# XNNPACK makes other NaNs of float16, and nothing of what is below its normal numbers.
@family("DEQUANTIZE", ["float16", *QUANTIZED], engine="reference")
def dequantize(rng, g):
    """Quantized inputs; or constant half floats, of every kind but infinities and NaN."""
    shape = (int(rng.integers(1, 6)), int(rng.integers(1, 40)))
    array, bits = values(rng, shape), rng.integers(0, 0x7C00, shape).astype(np.uint16)
    bits |= rng.integers(2, size=shape).astype(np.uint16) << 15
    if rng.integers(2):
        bits &= 0x83FF  # subnormal
    options = schema.DequantizeOptionsT()
    if g.quantized:
        x = g.input(array)
        g.output(g.op_stored("DEQUANTIZE", [x], np.float32, options, version=2))
    else:
        g.has_constants = True
        wide = g.op_stored("DEQUANTIZE", [g.const(bits.view(np.float16))], np.float32, options, version=2)
        x = g.input(np.ones(shape))
        g.output(g.op("MUL", [x, wide], schema.MulOptionsT()))
    return f"{shape}"


@family("QUANTIZE", QUANTIZED, exact=BYTES)
def quantize(rng, g):
    """From float32, or from another scale of the same type."""
    shape, again = shape_of_rank(rng, 1, 4), rng.integers(2)
    array = values(rng, shape, pick(rng, [0.1, 3, 30]))
    low, high = sorted(values(rng, 2, 20))
    options = schema.QuantizeOptionsT()
    if not g.quantized:
        g.input(array)
        return ""
    x = g.input(array) if again else g.stored_input(array)
    scales = asymmetric(ACTIVATIONS[g.form], low, high)
    made = (float(scales.scale[0]), int(scales.zero_point[0]))
    g.output(g.op("QUANTIZE", [x], options, scales={g.form: made}))
    return f"{shape} {'requantized' if again else ''}"


@family("FAKE_QUANT", ["float32"])
def fake_quant(rng, g):
    options = schema.FakeQuantOptionsT()
    options.min, options.max = sorted(float(v) for v in values(rng, 2, 5))
    if rng.integers(3):
        options.min, options.max = min(options.min, -0.1), max(options.max, 0.1)
    options.numBits = pick(rng, [8, 8, 4, 2, 16])
    options.narrowRange = False  # TFLite's kernel refuses true
    shape = shape_of_rank(rng, 1, 4)
    x = g.input(values(rng, shape, 5))
    g.output(g.op("FAKE_QUANT", [x], options))
    return f"{shape} {options.numBits} bits from {options.min} to {options.max}"
