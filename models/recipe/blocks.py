"""The pieces that the families share: functions from a Keras tensor [n, h, w, c] to another."""

import keras
import tensorflow as tf
from keras import layers, ops


def activate(x, activation):
    """`activation`: a name Keras knows, one of the two below, or None."""
    if activation is None:
        return x
    if activation == "prelu":
        return layers.PReLU(shared_axes=[1, 2])(x)
    if activation == "hard_swish":
        return hard_swish(x)
    return layers.Activation(activation)(x)


def hard_swish(x):
    """x * relu6(x + 3) / 6, as the authors of MobileNetV3 wrote it: the converter knows the pattern."""
    return x * (ops.relu6(x + 3.0) * (1.0 / 6.0))


def hard_sigmoid(x):
    """relu6(x + 3) / 6."""
    return ops.relu6(x + 3.0) * (1.0 / 6.0)


def norm(x, activation="relu"):
    return activate(layers.BatchNormalization()(x), activation)


def conv(x, channels, kernel=3, stride=1, dilation=1, activation="relu", groups=1):
    """Convolution, batch normalization, activation."""
    x = layers.Conv2D(
        channels, kernel, stride, "same", dilation_rate=dilation, groups=groups, use_bias=False)(x)
    return norm(x, activation)


def depthwise(x, kernel=3, stride=1, dilation=1, activation="relu", multiplier=1):
    """Depthwise convolution, batch normalization, activation."""
    x = layers.DepthwiseConv2D(
        kernel, stride, "same", depth_multiplier=multiplier, dilation_rate=dilation, use_bias=False)(x)
    return norm(x, activation)


def separable(x, channels, kernel=3, stride=1, dilation=1, activation="relu"):
    """Depthwise, then 1x1: each with its normalization and activation."""
    x = depthwise(x, kernel, stride, dilation, activation)
    return conv(x, channels, 1, activation=activation)


def transposed(x, channels, kernel=2, stride=2, activation="relu"):
    """Transposed convolution, batch normalization, activation."""
    x = layers.Conv2DTranspose(channels, kernel, stride, "same", use_bias=False)(x)
    return norm(x, activation)


def inverted_residual(x, channels, expansion=4, kernel=3, stride=1, dilation=1, activation="relu6",
                      squeeze=False, last=None):
    """MobileNet's block: 1x1 up, depthwise, 1x1 down without activation; added where shapes allow."""
    y = conv(x, int(x.shape[-1] * expansion), 1, activation=activation) if expansion != 1 else x
    y = depthwise(y, kernel, stride, dilation, activation)
    if squeeze:
        y = squeeze_excite(y)
    y = conv(y, channels, 1, activation=last)
    return x + y if x.shape == y.shape else y


def squeeze_excite(x, ratio=4, activation="relu", gate=hard_sigmoid):
    """One factor per channel, from the channels' means."""
    channels = x.shape[-1]
    y = layers.GlobalAveragePooling2D(keepdims=True)(x)
    y = layers.Conv2D(max(channels // ratio, 4), 1, activation=activation)(y)
    y = layers.Conv2D(channels, 1)(y)
    return x * gate(y)


def upsample(x, height, width, method="bilinear"):
    """Resized to the extents given: half-pixel centres, as TensorFlow 2 has them."""
    return layers.Resizing(height, width, interpolation=method)(x)


def upsample_like(x, other, method="bilinear"):
    return upsample(x, *other.shape[1:3], method)


def concat(*tensors):
    return layers.Concatenate()(list(tensors))


class TensorFlow(layers.Layer):
    """A function of TensorFlow that Keras lacks, or spells in a way that TFLite has no operators for."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def call(self, x):
        return self.function(x)


def space_to_depth(x):
    """[n, h, w, c] to [n, h / 2, w / 2, 4 c]."""
    return TensorFlow(lambda y: tf.nn.space_to_depth(y, 2))(x)


def argmax(x):
    """int64 [n, h, w]: the channel with the highest value."""
    return TensorFlow(lambda y: tf.argmax(y, axis=-1))(x)


def logits(x, classes, kernel=1, name="logits"):
    """The classifier. Its name is how `condition.py` finds it, to spread the classes evenly."""
    return layers.Conv2D(classes, kernel, padding="same", name=name)(x)


def image(height, width, channels=3, batch=1):
    """The network's input, in 0..1; `batch` None is Keras's default, a dynamic batch."""
    return keras.Input((height, width, channels), batch_size=batch, name="image")
