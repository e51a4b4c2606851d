"""Networks made for another input size: the file itself is changed, by rules that know nothing of the runtime's.

TFLite infers all shapes anew from the input's, but takes what the converter wrote into constants as it is. In the
networks of `models/` these are: targets of RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR, the output sizes of
TRANSPOSE_CONV (a list, or PACK of an open batch and of numbers), height and width in a RESHAPE to four extents or
more, and the window of a pool over the whole image.
"""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

import tflite

# Of each form. RESIZE_BILINEAR of int8 at other than powers of two is rounded differently by TFLite's own kernels:
# sides of int8 are multiples of 32, the step of the deepest network.
SIZES = {"float32": [[136, 72], [96, 160]], "int8": [[160, 64], [96, 160]]}

Op = schema.BuiltinOperator
RESIZES = (Op.RESIZE_BILINEAR, Op.RESIZE_NEAREST_NEIGHBOR)
POOLS = (Op.AVERAGE_POOL_2D, Op.MAX_POOL_2D)


def resized(data, height, width):
    """The file with every constant in proportion to the input, rounded up as strides with SAME padding do."""
    model = tflite.unpack(data)
    graph = model.subgraphs[0]
    old = [int(d) for d in graph.tensors[graph.inputs[0]].shape[1:3]]

    def scaled(extents):
        return [-(-int(e) * n // o) for e, n, o in zip(extents, (height, width), old, strict=True)]

    def constant(index):
        data = model.buffers[graph.tensors[index].buffer].data
        return None if data is None or len(data) == 0 else np.frombuffer(bytes(data), np.int32)

    def replace(operator, operand, values):
        """A constant of its own: files share them among operators, and among the numbers of one PACK."""
        fresh, tensor = schema.BufferT(), schema.TensorT()
        fresh.data = np.frombuffer(np.int32(values).tobytes(), np.uint8)
        model.buffers.append(fresh)
        tensor.shape, tensor.type, tensor.name = list(np.shape(values)), schema.TensorType.INT32, b"size"
        tensor.buffer = len(model.buffers) - 1
        graph.tensors.append(tensor)
        inputs = [int(i) for i in operator.inputs]
        inputs[operand] = len(graph.tensors) - 1
        operator.inputs = inputs

    codes = [max(c.builtinCode, c.deprecatedBuiltinCode) for c in model.operatorCodes]
    makers = {int(i): operator for operator in graph.operators for i in operator.outputs}
    for operator in list(graph.operators):
        code = codes[operator.opcodeIndex]
        if code in RESIZES:
            replace(operator, 1, scaled(constant(operator.inputs[1])))
        elif code == Op.TRANSPOSE_CONV:
            size = constant(operator.inputs[0])
            if size is not None:
                replace(operator, 0, [size[0], *scaled(size[1:3]), size[3]])
                continue
            pack = makers[int(operator.inputs[0])]
            sides = [constant(pack.inputs[i])[0] for i in (1, 2)]
            for i, side in enumerate(scaled(sides), 1):
                replace(pack, i, side)
        elif code == Op.RESHAPE and len(constant(operator.inputs[1])) >= 4:
            n, h, w, *rest = constant(operator.inputs[1])
            replace(operator, 1, [n, *scaled([h, w]), *rest])
        elif code in POOLS:
            options = operator.builtinOptions
            image = [int(d) for d in graph.tensors[operator.inputs[0]].shape[1:3]]
            if [options.filterHeight, options.filterWidth] == image:
                options.filterHeight, options.filterWidth = scaled(image)
                options.strideH, options.strideW = scaled(image)
    image = graph.tensors[graph.inputs[0]]
    image.shape = [1, height, width, int(image.shape[3])]
    return tflite.pack(model)
