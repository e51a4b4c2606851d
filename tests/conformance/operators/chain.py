"""A few operators as mobile networks arrange them: what optimisation passes look for."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

import forms
from forms import FORMS, Skip
from operators import family
from operators.common import CHANNELS, pick, values

SCALES = {"LOGISTIC": forms.LOGISTIC}


class Chain:
    """The network so far: tensors that may be read again, with their shapes."""

    def __init__(self, rng, g):
        self.rng, self.g = rng, g
        shape = (1, int(rng.integers(6, 20)), int(rng.integers(6, 20)), pick(rng, CHANNELS))
        self.tensors = [(g.input(values(rng, shape)), shape)]

    def conv(self, x, shape, channels, kernel=(1, 1), stride=1):
        options = schema.Conv2DOptionsT()
        options.padding = schema.Padding.SAME
        options.strideH = options.strideW = stride
        options.dilationHFactor = options.dilationWFactor = 1
        options.fusedActivationFunction = 0
        fan_in = np.prod(kernel) * shape[3]
        weights = self.g.weights(values(self.rng, (channels, *kernel, shape[3]), fan_in**-0.5), 0)
        bias = self.g.bias(values(self.rng, channels), x, weights)
        new = (1, -(-shape[1] // stride), -(-shape[2] // stride), channels)
        return self.g.op("CONV_2D", [x, weights, bias], options, shape=new), new

    def depthwise(self, x, shape):
        options = schema.DepthwiseConv2DOptionsT()
        options.padding = schema.Padding.SAME
        options.strideH = options.strideW = stride = pick(self.rng, [1, 1, 2])
        options.dilationHFactor = options.dilationWFactor = 1
        options.depthMultiplier = 1
        options.fusedActivationFunction = pick(self.rng, [0, schema.ActivationFunctionType.RELU6])
        side = pick(self.rng, [3, 5])
        weights = self.g.weights(values(self.rng, (1, side, side, shape[3]), 1 / side), 3)
        bias = self.g.bias(values(self.rng, shape[3]), x, weights)
        new = (1, -(-shape[1] // stride), -(-shape[2] // stride), shape[3])
        return self.g.op("DEPTHWISE_CONV_2D", [x, weights, bias], options, shape=new), new

    def act(self, x, shape, code=None):
        code = code or pick(self.rng, ["RELU", "HARD_SWISH", "LOGISTIC", "RELU6"])
        if code == "HARD_SWISH" and self.g.form == "int16":
            raise Skip
        return self.g.op(code, [x], scales=SCALES.get(code), shape=shape), shape

    def excite(self, x, shape):
        """Squeeze and excitation: the gate reads a mean of what it scales."""
        options = schema.ReducerOptionsT()
        options.keepDims = True
        one = (1, 1, 1, shape[3])
        squeezed = self.g.op("MEAN", [x, self.g.const(np.int32([1, 2]))], options, shape=one)
        hidden = self.act(*self.conv(squeezed, one, 4), "RELU")
        gate, _ = self.act(*self.conv(*hidden, shape[3]), "LOGISTIC")
        return self.g.op("MUL", [x, gate], schema.MulOptionsT(), shape=shape), shape

    def up(self, x, shape):
        options = schema.ResizeBilinearOptionsT()
        options.alignCorners, options.halfPixelCenters = False, True
        size = [2 * s for s in shape[1:3]]
        new = (1, *size, shape[3])
        operands = [x, self.g.const(np.int32(size))]
        return self.g.op("RESIZE_BILINEAR", operands, options, like=x, shape=new, version=3), new

    def step(self, kind):
        rng = self.rng
        last, shape = self.tensors[-1]
        if kind == "conv":
            return self.conv(last, shape, pick(rng, CHANNELS), (3, 3), pick(rng, [1, 2]))
        if kind == "conv act":
            return self.act(*self.conv(last, shape, pick(rng, [shape[3], pick(rng, CHANNELS)])))
        if kind == "add":
            other = pick(rng, [t for t, s in self.tensors if s == shape])
            return self.g.op("ADD", [last, other], schema.AddOptionsT(), shape=shape), shape
        steps = {"depthwise": self.depthwise, "act": self.act, "excite": self.excite, "up": self.up}
        return steps[kind](last, shape)


# Of the reference and int16: one step of one operator can become several in the next convolution, and each
# operator adds its own. In 300 chains of each form, from seed 7,000 on, no output was off by more than 3 steps
# (int8, up to 0.26 % of its elements by more than 2), 2 (uint8) and 5 (int16). The kernels' bytes are TFLite's.
@family("chain", FORMS, steps={"int8": 2, "uint8": 2, "int16": 6}, outliers=0.01, exact=forms.BYTES)
def chain(rng, g):
    network = Chain(rng, g)
    told = []
    for _ in range(rng.integers(3, 8)):
        told.append(pick(rng, ["conv", "conv act", "depthwise", "act", "add", "excite", "up"]))
        network.tensors.append(network.step(told[-1]))
    tensors = network.tensors
    g.output(tensors[-1][0])
    if rng.integers(2) and len(tensors) > 3:  # a tensor in the middle is a result too
        g.output(tensors[rng.integers(1, len(tensors) - 1)][0])
        told.append("two outputs")
    return f"{tensors[0][1]} {', '.join(told)}"
