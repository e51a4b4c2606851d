"""Writing small .tflite files, and running any with TFLite's interpreter."""

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

TYPES = {
    np.dtype(np.float32): schema.TensorType.FLOAT32,
    np.dtype(np.float16): schema.TensorType.FLOAT16,
    np.dtype(np.int32): schema.TensorType.INT32,
    np.dtype(np.int64): schema.TensorType.INT64,
    np.dtype(np.int8): schema.TensorType.INT8,
    np.dtype(np.int16): schema.TensorType.INT16,
    np.dtype(np.uint8): schema.TensorType.UINT8,
    np.dtype(np.bool_): schema.TensorType.BOOL,
}


class Scales:
    """How stored integers stand for real numbers: scale * (stored - zero_point), for a whole tensor
    or for each slice along an axis."""

    def __init__(self, dtype, scale, zero_point=0, axis=None):
        self.dtype = np.dtype(dtype)
        self.scale = np.atleast_1d(np.float32(scale))
        self.zero_point = np.broadcast_to(np.int64(zero_point), self.scale.shape)
        self.axis = axis

    def _along(self, values, rank):
        if self.axis is None:
            return values[0]
        return values.reshape([-1 if i == self.axis else 1 for i in range(rank)])

    def quantize(self, real):
        """The nearest stored values, halves away from zero."""
        steps = np.asarray(real, np.float64) / self._along(self.scale, np.ndim(real))
        stored = np.trunc(steps + np.copysign(0.5, steps)) + self._along(self.zero_point, np.ndim(real))
        limits = np.iinfo(self.dtype)
        return np.clip(stored, limits.min, limits.max).astype(self.dtype)

    def dequantize(self, stored):
        zero_point = self._along(self.zero_point, stored.ndim)
        return ((stored.astype(np.float64) - zero_point) * self._along(self.scale, stored.ndim)).astype(np.float32)

    def table(self):
        result = schema.QuantizationParametersT()
        result.scale = self.scale
        result.zeroPoint = self.zero_point
        result.quantizedDimension = self.axis or 0
        return result


class Builder:
    """One subgraph, written operator by operator. Tensors are known by their index."""

    def __init__(self, name="case"):
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.description = name
        self.model.operatorCodes = []
        self.model.buffers = [schema.BufferT()]  # buffer 0 is the empty one
        self.graph = schema.SubGraphT()
        self.graph.name = name
        self.graph.tensors, self.graph.operators = [], []
        self.graph.inputs, self.graph.outputs = [], []
        self.model.subgraphs = [self.graph]

    def tensor(self, shape, dtype=np.float32, name=None, scales=None):
        """A tensor that an operator will make. Its shape is only a hint: the interpreter infers it."""
        t = schema.TensorT()
        t.shape = list(shape)
        t.type = TYPES[np.dtype(dtype)]
        t.buffer = 0
        t.name = name or f"t{len(self.graph.tensors)}"
        t.quantization = scales.table() if scales else None
        self.graph.tensors.append(t)
        return len(self.graph.tensors) - 1

    def input(self, shape, dtype=np.float32, scales=None):
        index = self.tensor(shape, dtype, f"input{len(self.graph.inputs)}", scales)
        self.graph.inputs.append(index)
        return index

    def const(self, array, scales=None):
        array = np.asarray(array, order="C")
        index = self.tensor(array.shape, array.dtype, scales=scales)
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(array.tobytes(), np.uint8)
        self.graph.tensors[index].buffer = len(self.model.buffers)
        self.model.buffers.append(buffer)
        return index

    def output(self, *indices):
        self.graph.outputs.extend(indices)

    def op(self, code, inputs, options=None, results=1, version=1, custom=None):
        """Adds an operator and returns the indices of its results.

        `code` is a name of schema.BuiltinOperator; `options` an object such as
        schema.Conv2DOptionsT. With `custom` (bytes), `code` is the custom operator's own name.
        `results` are indices of tensors, or how many float32 tensors it makes.
        """
        code_table = schema.OperatorCodeT()
        operator = schema.OperatorT()
        if custom is None:
            builtin = getattr(schema.BuiltinOperator, code)
            if options is not None:
                kind = type(options).__name__.removesuffix("T")
                operator.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
                operator.builtinOptions = options
        else:
            builtin = schema.BuiltinOperator.CUSTOM
            code_table.customCode = code
            operator.customOptions = np.frombuffer(custom, np.uint8)
        code_table.builtinCode = builtin
        code_table.deprecatedBuiltinCode = min(builtin, 127)
        code_table.version = version
        operator.opcodeIndex = len(self.model.operatorCodes)
        self.model.operatorCodes.append(code_table)
        operator.inputs = list(inputs)
        if isinstance(results, int):
            results = [self.tensor((1,)) for _ in range(results)]
        operator.outputs = results
        self.graph.operators.append(operator)
        return results

    def finish(self):
        return pack(self.model)


def unpack(data):
    """The bytes of a .tflite file as an editable object."""
    return schema.ModelT.InitFromPackedBuf(data, 0)


def pack(model):
    """The bytes of a .tflite file."""
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


ENGINES = {
    "reference": OpResolverType.BUILTIN_REF,
    "optimized": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    "xnnpack": OpResolverType.AUTO,
}


def interpreter(data, engine="xnnpack"):
    """One thread. `engine` says which of TFLite's kernels: its naive ones, its optimized ones, or
    XNNPACK where that has one, which alone knows MediaPipe's custom operators."""
    resolver = ENGINES[engine]
    result = Interpreter(model_content=data, num_threads=1, experimental_op_resolver_type=resolver)
    result.allocate_tensors()
    return result


def invoke(engine, inputs):
    """Runs once; returns all outputs in the model's order."""
    for detail, value in zip(engine.get_input_details(), inputs, strict=True):
        engine.set_tensor(detail["index"], value)
    engine.invoke()
    return [engine.get_tensor(d["index"]).copy() for d in engine.get_output_details()]
