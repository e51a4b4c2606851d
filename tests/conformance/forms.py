"""Numeric forms: the same graph in float32, with half-float or int8 weights, or fully quantized.

A family's function builds its graph through a `Graph`, which is of one form. It is called with the
same random numbers for each form: in float32 first, where TFLite says which values each tensor
takes; these give the scales of the quantized forms.
"""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

import tflite
from tflite import Builder, Scales

# What a form stores: activations, weights (each slice with its own scale, or the whole), biases.
ACTIVATIONS = {"int8": np.int8, "uint8": np.uint8, "int16": np.int16}
BIASES = {"int8": np.int32, "uint8": np.int32, "int16": np.int64}
FLOAT = ["float32", "float16", "dynamic"]
QUANTIZED = ["int8", "uint8", "int16"]
FORMS = FLOAT + QUANTIZED
BYTES = ["int8", "uint8"]
# Not numeric forms of networks: integers that stand for themselves, in index arithmetic and masks.
PLAIN = {"int32": np.int32, "int64": np.int64, "bool": np.bool_}


class Skip(Exception):
    """This case does not exist in this form; another one is drawn."""


def asymmetric(dtype, low, high):
    """Scales under which a type reaches from low to high, 0 included."""
    low, high = min(float(low), 0.0), max(float(high), 0.0)
    if dtype == np.int16:  # zero points of 0 only
        return Scales(dtype, max(-low, high, 0.05) / 32767)
    limits = np.iinfo(dtype)
    scale = np.float32(max(high - low, 0.05) / (limits.max - limits.min))
    return Scales(dtype, scale, int(np.clip(round(limits.min - low / scale), limits.min, limits.max)))


def symmetric(array, axis):
    """int8 scales of weights: -127 to 127, for each slice along an axis or for the whole."""
    others = None if axis is None else tuple(i for i in range(array.ndim) if i != axis)
    most = np.maximum(np.abs(array).max(axis=others), 1e-6)
    return Scales(np.int8, most / 127, 0, axis)


class Graph:
    """A graph in one form, the values of its inputs, and what is learnt of its tensors.

    `form` is one of FORMS or PLAIN; "float32 of int8" is float32 with weights that were int8.
    `ranges[k]` is (lowest, highest) of the k-th result in float32.
    """

    def __init__(self, form, ranges=(), squeeze=1.0):
        self.b = Builder(form)
        self.form = form
        self.ranges = ranges
        self.squeeze = squeeze  # quantized ranges are narrower by this: some values saturate
        self.scales = {}  # by tensor
        self.stored = {}  # by tensor: quantized inputs and constants
        self.values = []  # of the inputs, as they are stored
        self.results = []  # real ones, in the order of `ranges`
        self.has_weights = self.has_constants = False

    @property
    def quantized(self):
        return self.form in QUANTIZED

    # ---- operands

    def input(self, array, like=None):
        """Numbers that the caller provides; quantized as `like` is, if that is given."""
        array = np.float32(array)
        if not self.quantized:
            array = self._plain(array)
            self.values.append(array)
            return self.b.input(array.shape, array.dtype)
        scales = self.scales[like] if like is not None else self._around(array.min(), array.max())
        self.values.append(scales.quantize(array))
        index = self.b.input(array.shape, scales.dtype, scales)
        self.scales[index], self.stored[index] = scales, self.values[-1]
        return index

    def stored_input(self, array):
        """Integers, booleans, or floats in any form, which the caller provides."""
        self.values.append(array)
        return self.b.input(array.shape, array.dtype)

    def const(self, array):
        """A constant that is the same in any form: sizes, axes."""
        return self.b.const(array)

    def constant(self, array, like=None):
        """Numbers as a constant operand, quantized as activations are, or as `like` is."""
        self.has_constants = True
        array = np.float32(array)
        if self.form in PLAIN:
            return self.b.const(self._plain(array))
        if not self.quantized:
            return self._float(array, self.form == "float16")
        scales = self.scales[like] if like is not None else self._around(array.min(), array.max())
        return self._stored(array, scales)

    def weights(self, array, axis=None):
        """Weights, with a scale for each slice along `axis` where the form has that."""
        self.has_weights = self.has_constants = True
        array = np.float32(array)
        if self.form in ("dynamic", "int8", "int16"):
            return self._stored(array, symmetric(array, axis))
        if self.form == "uint8":
            return self._stored(array, asymmetric(np.uint8, array.min(), array.max()))
        if self.form == "float32 of int8":
            scales = symmetric(array, axis)
            return self._float(scales.dequantize(scales.quantize(array)), False)
        return self._float(array, self.form == "float16")

    def bias(self, array, x, weights):
        """What is added to products of `x` and `weights`, one for each output channel."""
        array = np.float32(array)
        if not self.quantized:
            return self._float(array, self.form == "float16")
        x, weights = self.scales[x], self.scales[weights]
        axis = None if len(weights.scale) == 1 else 0
        return self._stored(array, Scales(BIASES[self.form], x.scale[0] * weights.scale, 0, axis))

    def _float(self, array, half):
        if not half:
            return self.b.const(array)
        index = self.b.const(array.astype(np.float16))
        wide = self.b.tensor(array.shape)
        self.b.op("DEQUANTIZE", [index], schema.DequantizeOptionsT(), [wide], version=2)
        return wide

    def _stored(self, array, scales):
        stored = scales.quantize(array)
        index = self.b.const(stored, scales)
        self.scales[index], self.stored[index] = scales, stored
        return index

    def _plain(self, array):
        """The nearest integers, or what is above 0, in forms that have these only."""
        if self.form == "bool":
            return array > 0
        return np.round(array).astype(PLAIN[self.form]) if self.form in PLAIN else array

    def _around(self, low, high):
        return asymmetric(ACTIVATIONS[self.form], low * self.squeeze, high * self.squeeze)

    def stored_steps(self, index):
        """What an input or constant has in steps from its zero point; one scale."""
        return self.stored[index].astype(np.int64) - self.scales[index].zero_point[0]

    # ---- operators

    def op(self, code, inputs, options=None, like=None, scales=None, shape=(1,), **more):
        """Adds an operator that makes one tensor of real numbers; returns it.

        Quantized, its scale comes from its range; or is that of tensor `like`, as TFLite wants
        it of operators that move values; or is `scales[form]`: (scale, zero point), where the
        operator prescribes them.
        """
        return self.op_many(code, inputs, options, 1, like, scales, shape, **more)[0]

    def op_many(self, code, inputs, options=None, count=1, like=None, scales=None, shape=(1,), **more):
        """As `op`, for several results."""
        made = [self._result(like, scales, shape) for _ in range(count)]
        self.results += made
        return self.b.op(code, inputs, options, made, **more)

    def op_stored(self, code, inputs, dtype, options=None, shape=(1,), **more):
        """Adds an operator whose one result is integers or booleans in any form; returns it."""
        return self.b.op(code, inputs, options, [self.b.tensor(shape, dtype)], **more)[0]

    def _result(self, like, scales, shape):
        if not self.quantized:
            return self.b.tensor(shape, PLAIN.get(self.form, np.float32))
        if like is not None:
            chosen = self.scales[like]
        elif scales is not None:
            chosen = Scales(ACTIVATIONS[self.form], *scales[self.form])
        else:
            chosen = self._around(*self.ranges[len(self.results)])
        index = self.b.tensor(shape, chosen.dtype, scales=chosen)
        self.scales[index] = chosen
        return index

    def output(self, *indices):
        self.b.output(*indices)

    # ---- with TFLite

    def learn_ranges(self, engine):
        """Runs float32; returns the outputs, and (lowest, highest) of each result."""
        model, outputs = self.b.model, self.b.graph.outputs
        self.b.graph.outputs = [*outputs, *(r for r in self.results if r not in outputs)]
        made = tflite.invoke(tflite.interpreter(tflite.pack(model), engine), self.values)
        values = dict(zip(self.b.graph.outputs, made))
        self.b.graph.outputs = outputs
        ranges = [(float(values[r].min()), float(values[r].max())) for r in self.results]
        return [values[o] for o in outputs], ranges

    def run(self, engine):
        return tflite.invoke(tflite.interpreter(self.b.finish(), engine), self.values)


# Scales that TFLite prescribes.
LOGISTIC = {"int8": (1 / 256, -128), "uint8": (1 / 256, 0), "int16": (1 / 32768, 0)}
TANH = {"int8": (1 / 128, 0), "uint8": (1 / 128, 128), "int16": (1 / 32768, 0)}
