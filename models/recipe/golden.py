"""TFLite's own results for a network, small enough to be committed: whole pixels, some of them."""

import numpy as np

from recipe import seeded

SEED = 1  # of the picture
PIXELS = 200  # at most; evenly spread


def sampled(y):
    """[pixels, channels] of a result [n, h, w, c] or [n, h, w]."""
    pixels = y.reshape(-1, y.shape[-1]) if y.ndim == 4 else y.reshape(-1, 1)
    return pixels[:: -(-len(pixels) // PIXELS)]


def network_input(detail):
    """The picture as this input wants it; `detail` is the interpreter's."""
    return quantized(seeded.picture(SEED, *detail["shape"][1:3]), detail)


def quantized(x, detail):
    """Real values as the types of a tensor: with its scale and zero point, where it has them."""
    if detail["dtype"] == np.float32:
        return x
    scale, zero_point = detail["quantization"]
    kind = np.iinfo(detail["dtype"])
    return np.clip(np.round(x / np.float64(scale)) + zero_point, kind.min, kind.max).astype(detail["dtype"])


def sampled_results(data):
    """Of every output, in the file's order."""
    import tensorflow as tf

    engine = tf.lite.Interpreter(model_content=data, num_threads=1)
    engine.allocate_tensors()
    detail = engine.get_input_details()[0]
    engine.set_tensor(detail["index"], network_input(detail))
    engine.invoke()
    return [sampled(engine.get_tensor(d["index"])) for d in engine.get_output_details()]


def save(path, results):
    np.savez_compressed(path, **results)
