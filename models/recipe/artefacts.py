"""Small files with what the converter leaves behind: each function writes one, with as little else in it as
possible. Registered by `artefact`; the file has the function's name.
"""

import tempfile

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from recipe import seeded
from recipe.condition import condition
from recipe.convert import calibration, convert

ARTEFACTS = {}


def artefact(write):
    ARTEFACTS[write.__name__] = write
    return write


def weights(seed, *shape):
    """A constant, of a size that keeps activations as large as they were."""
    return tf.constant(seeded.normal(seed, shape) / np.sqrt(np.prod(shape[:-1])), tf.float32)


def of_function(function, *signature, names=None):
    """float32 from a function of TensorFlow; `signature`: the shapes of its inputs."""
    names = names or [f"input{i}" for i in range(len(signature))]
    specs = [tf.TensorSpec(shape, tf.float32, name) for shape, name in zip(signature, names, strict=True)]
    concrete = tf.function(function).get_concrete_function(*specs)
    return tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()


def of_keras(model, form="float32"):
    condition(model, 50)
    return convert(model, form)


@artefact
def dynamic_batch():
    """Keras's default: the batch is -1 in the signature, 1 in the shape."""
    x = picture = keras.Input((16, 16, 3))
    x = layers.Conv2D(8, 3, 2, "same", activation="relu")(x)
    return of_keras(keras.Model(picture, layers.Conv2D(2, 1)(x)))


@artefact
def transpose_conv_of_dynamic_batch():
    """Its output shape is computed: SHAPE, STRIDED_SLICE, PACK."""
    x = picture = keras.Input((8, 8, 3))
    x = layers.Conv2DTranspose(4, 3, 2, "same", activation="relu")(x)
    return of_keras(keras.Model(picture, layers.Conv2DTranspose(2, 2, 2)(x)))


@artefact
def reshape_of_dynamic_batch():
    """Shapes computed from other shapes, with arithmetic between."""
    def function(x):
        n, h, w = (tf.shape(x)[i] for i in range(3))
        y = tf.reshape(x, tf.stack([n, h * w, 4]))
        y = tf.nn.softmax(tf.matmul(y, weights(1, 4, 4)))
        return tf.reshape(y, tf.stack([n, h, w, 4]))
    return of_function(function, [None, 6, 10, 4])


@artefact
def dynamic_size():
    """Height and width are open as well: the file says 1x1."""
    def function(x):
        y = tf.nn.relu(tf.nn.conv2d(x, weights(2, 3, 3, 3, 4), 2, "SAME"))
        y = tf.image.resize(y, tf.shape(x)[1:3])
        return tf.nn.sigmoid(tf.nn.conv2d(y, weights(3, 1, 1, 4, 1), 1, "SAME"))
    return of_function(function, [1, None, None, 3])


@artefact
def channel_shuffle():
    """RESHAPE, TRANSPOSE, RESHAPE, over three groups and over two."""
    from recipe.families.shufflenet_unet import shuffle

    picture = keras.Input((8, 6, 3))
    x = shuffle(layers.Conv2D(12, 1)(picture), 3)
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    return of_keras(keras.Model(picture, shuffle(x)))


@artefact
def space_to_batch():
    """A dilated convolution taken apart; the activation between keeps the converter from joining it again."""
    def function(x):
        y = tf.space_to_batch(x, [2, 2], [[2, 3], [2, 3]])
        y = tf.nn.relu(tf.nn.conv2d(y, weights(4, 3, 3, 4, 6), 1, "VALID"))
        return tf.batch_to_space(y, [2, 2], [[0, 1], [0, 1]])
    return of_function(function, [1, 11, 9, 4])


@artefact
def atrous_of_dynamic_size():
    """tf.nn.depthwise_conv2d with dilation, whose paddings depend on an unknown size."""
    def function(x):
        y = tf.nn.depthwise_conv2d(x, weights(5, 3, 3, 3, 1), [1, 1, 1, 1], "SAME", dilations=[2, 2])
        return tf.nn.relu(y)
    return of_function(function, [1, None, None, 3])


@artefact
def hard_swish_spelt_out():
    """ADD, RELU6, MUL in orders that the converter does not join to HARD_SWISH."""
    def function(x):
        y = tf.nn.conv2d(x, weights(6, 1, 1, 3, 8), 1, "SAME")
        y = tf.nn.relu6(y + 3.0) * y * (1.0 / 6.0)
        y = tf.nn.conv2d(y, weights(7, 1, 1, 8, 4), 1, "SAME")
        return y * tf.clip_by_value(y * 0.2 + 0.5, 0.0, 1.0)
    return of_function(function, [1, 8, 8, 3])


@artefact
def several_outputs():
    """Three outputs, of which the first is also an inner value."""
    x = picture = keras.Input((12, 12, 3), batch_size=None)
    inner = layers.Conv2D(6, 3, 2, "same", activation="relu", name="inner")(x)
    score = layers.Conv2D(3, 1, name="score")(inner)
    return of_keras(keras.Model(picture, [inner, layers.Softmax(name="share")(score), score]))


@artefact
def output_is_input():
    """An input that is returned as it came, beside what is computed from it."""
    return of_function(lambda x: (x, tf.nn.relu(x - 0.5)), [1, 4, 4, 3])


@artefact
def shared_constants():
    """One filter and one bias in three convolutions."""
    def function(x):
        filters, bias = weights(8, 3, 3, 4, 4), weights(9, 4)
        for _ in range(3):
            x = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, filters, 1, "SAME"), bias))
        return x
    return of_function(function, [1, 10, 10, 4])


@artefact
def unused_input():
    """Of three inputs, the second one is not read."""
    return of_function(lambda x, y, z: tf.nn.relu(x - z), [1, 4, 4, 3], [1, 7], [1, 4, 4, 3])


@artefact
def signatures():
    """Two signatures: the second one is a second subgraph, which nothing calls."""
    class Module(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([1, 8, 8, 3], tf.float32, "image")])
        def mask(self, image):
            return {"mask": tf.nn.sigmoid(tf.nn.conv2d(image, weights(10, 3, 3, 3, 1), 1, "SAME"))}

        @tf.function(input_signature=[tf.TensorSpec([1, 8, 8, 1], tf.float32, "mask")])
        def area(self, mask):
            return {"area": tf.reduce_mean(mask, [1, 2])}

    module = Module()
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, {"mask": module.mask, "area": module.area})
        return tf.lite.TFLiteConverter.from_saved_model(folder).convert()


@artefact
def conditional():
    """IF, whose branches are subgraphs: not supported, and to be refused by name."""
    def function(x):
        return tf.cond(tf.reduce_mean(x) > 0.5, lambda: tf.nn.relu(x), lambda: tf.abs(x) * 2.0)
    return of_function(function, [1, 4, 4, 3])


@artefact
def flex_operator():
    """Bicubic resizing, which only TensorFlow itself has: to be refused by name."""
    concrete = tf.function(lambda x: tf.image.resize(x, [8, 8], "bicubic")).get_concrete_function(
        tf.TensorSpec([1, 4, 4, 3], tf.float32, "image"))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    return converter.convert()


@artefact
def argmax_output():
    """An int64 output."""
    def function(x):
        return tf.argmax(tf.nn.conv2d(x, weights(11, 3, 3, 3, 5), 2, "SAME"), axis=-1)
    return of_function(function, [1, 8, 8, 3])


@artefact
def classes_as_bytes():
    """Classes cast to uint8, as graphs that draw their own mask do; with SQUEEZE and EXPAND_DIMS."""
    def function(x):
        classes = tf.argmax(tf.nn.conv2d(x, weights(12, 1, 1, 3, 4), 1, "SAME"), axis=-1, output_type=tf.int32)
        return tf.cast(tf.expand_dims(tf.squeeze(classes, 0), -1), tf.uint8)
    return of_function(function, [1, 8, 8, 3])


@artefact
def normalized_inside():
    """Bytes' range in, mean and deviation per channel subtracted and divided inside."""
    mean, deviation = tf.constant([123.7, 116.3, 103.5]), tf.constant([58.4, 57.1, 57.4])
    def function(x):
        return tf.nn.relu6(tf.nn.conv2d((x * 255.0 - mean) / deviation, weights(13, 3, 3, 3, 4), 2, "SAME"))
    return of_function(function, [1, 8, 8, 3])


def small_int8(first, last):
    """A quantized network whose edges have the types given."""
    x = picture = keras.Input((12, 12, 3))
    x = layers.Conv2D(8, 3, 2, "same", activation="relu")(x)
    model = keras.Model(picture, layers.Softmax()(layers.Conv2D(3, 1)(x)))
    condition(model, 51)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: calibration(model)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type, converter.inference_output_type = first, last
    return converter.convert()


@artefact
def uint8_edges():
    """int8 inside; QUANTIZE from uint8 at the start and to uint8 at the end."""
    return small_int8(tf.uint8, tf.uint8)


@artefact
def uint8_in_float_out():
    """A camera's bytes in, floats out."""
    return small_int8(tf.uint8, tf.float32)


@artefact
def half_quantized():
    """int8 where the converter has kernels, float32 for the operator that has none: QUANTIZE and DEQUANTIZE
    inside of the graph."""
    x = picture = keras.Input((12, 12, 3))
    x = layers.Conv2D(8, 3, 2, "same", activation="relu")(x)
    x = ops.exp(-x)
    x = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    model = keras.Model(picture, x)
    condition(model, 51)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: calibration(model)
    return converter.convert()
