"""A Keras model to .tflite bytes, in each numeric form."""

import tensorflow as tf

from recipe import condition, legacy


def convert(model, form):
    """The bytes that TensorFlow's converter writes for this form."""
    if form == "uint8":
        return legacy.convert(convert(model, "float32"))
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if form != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if form == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if form.startswith("int"):
        converter.representative_dataset = lambda: calibration(model)
    if form.startswith("int8"):
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    if form == "int8":
        converter.inference_input_type = converter.inference_output_type = tf.int8
    if form == "int16":
        converter.target_spec.supported_ops = [
            tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int16
    return converter.convert()


def calibration(model):
    """One picture at a time, for the ranges of activations."""
    for seed in condition.CALIBRATION:
        yield [condition.pictures(model.input_shape, [seed])]
