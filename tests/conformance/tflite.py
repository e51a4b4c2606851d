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
    np.dtype(np.uint8): schema.TensorType.UINT8,
}


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

    def tensor(self, shape, dtype=np.float32, name=None):
        """A tensor that an operator will make. Its shape is only a hint: the interpreter infers it."""
        t = schema.TensorT()
        t.shape = list(shape)
        t.type = TYPES[np.dtype(dtype)]
        t.buffer = 0
        t.name = name or f"t{len(self.graph.tensors)}"
        self.graph.tensors.append(t)
        return len(self.graph.tensors) - 1

    def input(self, shape, dtype=np.float32):
        index = self.tensor(shape, dtype, f"input{len(self.graph.inputs)}")
        self.graph.inputs.append(index)
        return index

    def const(self, array):
        array = np.ascontiguousarray(array)
        index = self.tensor(array.shape, array.dtype)
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(array.tobytes(), np.uint8)
        self.graph.tensors[index].buffer = len(self.model.buffers)
        self.model.buffers.append(buffer)
        return index

    def output(self, *indices):
        self.graph.outputs.extend(indices)

    def op(self, code, inputs, options=None, shape=(1,), dtype=np.float32, version=1, custom=None):
        """Adds an operator with one result and returns the result's index.

        `code` is a name of schema.BuiltinOperator; `options` an object such as
        schema.Conv2DOptionsT. With `custom` (bytes), `code` is the custom operator's own name.
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
        result = self.tensor(shape, dtype)
        operator.outputs = [result]
        self.graph.operators.append(operator)
        return result

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


def interpreter(data, reference=False):
    """One thread. `reference` takes TFLite's own naive kernels instead of XNNPACK; they do not
    know MediaPipe's custom operators."""
    kind = OpResolverType.BUILTIN_REF if reference else OpResolverType.AUTO
    result = Interpreter(model_content=data, num_threads=1, experimental_op_resolver_type=kind)
    result.allocate_tensors()
    return result


def invoke(engine, inputs):
    """Runs once; returns all outputs in the model's order."""
    for detail, value in zip(engine.get_input_details(), inputs, strict=True):
        engine.set_tensor(detail["index"], value)
    engine.invoke()
    return [engine.get_tensor(d["index"]).copy() for d in engine.get_output_details()]
