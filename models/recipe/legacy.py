"""The legacy uint8 form, one scale per tensor: what quantization-aware training used to end in.

The converter still writes it for a graph of TensorFlow 1 in which every weight and activation went
through FAKE_QUANT. Such a graph is made here from a float32 .tflite file, operator by operator.
"""

import numpy as np
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema

from recipe import seeded
from recipe.condition import CALIBRATION

v1 = tf.compat.v1
PADDING = {schema.Padding.SAME: "SAME", schema.Padding.VALID: "VALID"}
ACTIVATIONS = {
    schema.ActivationFunctionType.NONE: lambda x: x,
    schema.ActivationFunctionType.RELU: tf.nn.relu,
    schema.ActivationFunctionType.RELU6: tf.nn.relu6,
}


def strides(o):
    return [1, o.strideH, o.strideW, 1]


def conv_2d(o, x, w, bias):
    # Filters: TFLite [out, kh, kw, in], TensorFlow [kh, kw, in, out].
    y = tf.nn.conv2d(x, weight(w.transpose(1, 2, 3, 0)), strides(o), PADDING[o.padding],
                     dilations=[o.dilationHFactor, o.dilationWFactor])
    return y + bias


def depthwise_conv_2d(o, x, w, bias):
    # Filters: TFLite [1, kh, kw, out], TensorFlow [kh, kw, in, multiplier].
    filters = w.reshape(*w.shape[1:3], x.shape[3], -1)
    y = tf.nn.depthwise_conv2d(x, weight(filters), strides(o), PADDING[o.padding],
                               dilations=[o.dilationHFactor, o.dilationWFactor])
    return y + bias


def average_pool_2d(o, x):
    return tf.nn.avg_pool2d(x, [o.filterHeight, o.filterWidth], strides(o), PADDING[o.padding])


OPERATORS = {
    "ADD": lambda o, x, y: x + y,
    "AVERAGE_POOL_2D": average_pool_2d,
    "CONCATENATION": lambda o, *parts: tf.concat(parts, o.axis),
    "CONV_2D": conv_2d,
    "DEPTHWISE_CONV_2D": depthwise_conv_2d,
    "MEAN": lambda o, x, axes: tf.reduce_mean(x, axes, keepdims=o.keepDims),
    "MUL": lambda o, x, y: x * y,
    "RESIZE_BILINEAR": lambda o, x, size: v1.image.resize_bilinear(x, size, o.alignCorners, half_pixel_centers=o.halfPixelCenters),
    "SOFTMAX": lambda o, x: tf.nn.softmax(x),
}


def weight(values):
    """A constant that was trained for one scale."""
    limit = float(np.abs(values).max())
    return tf.quantization.fake_quant_with_min_max_args(tf.constant(values), -limit, limit, narrow_range=True)


def convert(data):
    """uint8 from a float32 file."""
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    graph = model.subgraphs[0]
    ranges = activation_ranges(data, graph)
    names = {number: name for name, number in vars(schema.BuiltinOperator).items() if name.isupper()}
    with tf.Graph().as_default():
        values = {i: constant(model, t) for i, t in enumerate(graph.tensors)}
        start = graph.inputs[0]
        values[start] = picture = v1.placeholder(tf.float32, list(graph.tensors[start].shape), name="image")
        for operator in graph.operators:
            code = model.operatorCodes[operator.opcodeIndex].builtinCode
            options = operator.builtinOptions
            y = OPERATORS[names[code]](options, *(values[i] for i in operator.inputs))
            y = ACTIVATIONS[getattr(options, "fusedActivationFunction", 0)](y)
            result = operator.outputs[0]
            if names[code] != "SOFTMAX":  # its scale is 1/256 by definition
                y = tf.quantization.fake_quant_with_min_max_args(y, *ranges[result])
            values[result] = y
        with v1.Session() as session:
            converter = v1.lite.TFLiteConverter.from_session(session, [picture], [values[graph.outputs[0]]])
            converter.inference_type = tf.uint8
            converter.quantized_input_stats = {"image": (0.0, 255.0)}
            return converter.convert()


def constant(model, tensor):
    """The values of a constant, or None."""
    data = model.buffers[tensor.buffer].data
    if data is None:
        return None
    types = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.INT32: np.int32}
    return np.frombuffer(bytes(data), types[tensor.type]).reshape(tensor.shape)


def activation_ranges(data, graph):
    """{tensor: (lowest, highest)} over the calibration pictures; both sides of 0, never empty."""
    engine = tf.lite.Interpreter(model_content=data, experimental_preserve_all_tensors=True)
    engine.allocate_tensors()
    detail = engine.get_input_details()[0]
    results = [int(i) for operator in graph.operators for i in operator.outputs]
    lowest, highest = dict.fromkeys(results, 0.0), dict.fromkeys(results, 0.01)
    for seed in CALIBRATION:
        engine.set_tensor(detail["index"], seeded.picture(seed, *detail["shape"][1:3]))
        engine.invoke()
        for i in results:
            y = engine.get_tensor(i)
            lowest[i], highest[i] = min(lowest[i], float(y.min())), max(highest[i], float(y.max()))
    return {i: (lowest[i], highest[i]) for i in results}
