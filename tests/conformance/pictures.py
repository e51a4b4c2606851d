"""The picture of a person that the tests use, and inputs for whole models."""

import numpy as np
from PIL import Image
from skimage import data


def astronaut():
    """Eileen Collins by NASA, public domain: RGB, 512x512."""
    return Image.fromarray(data.astronaut())


def stretched(picture, size):
    """A picture as a model's input: float32 [1, h, w, 3] in 0..1. `size` is [h, w]."""
    h, w = size
    pixels = np.asarray(picture.convert("RGB").resize((w, h), Image.Resampling.BILINEAR))
    return (pixels.astype(np.float32) / 255)[None]


def model_inputs(size):
    """Named inputs for a model that takes RGB in 0..1 at `size` ([h, w])."""
    h, w = size
    shape = (1, h, w, 3)
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    y, x = y[None, ..., None], x[None, ..., None]
    person = astronaut()
    plain = stretched(person, size)

    def noise(seed):
        return np.random.default_rng(seed).random(shape, dtype=np.float32)

    def crop(left, top, right, bottom):
        return stretched(person.crop((left, top, right, bottom)), size)

    small = Image.new("RGB", person.size, (40, 90, 60))
    small.paste(person.resize((260, 260)), (126, 252))
    coarse = Image.fromarray((noise(4)[0] * 255).astype(np.uint8)).resize((7, 5)).resize((w, h))
    return {
        "black": np.zeros(shape, np.float32),
        "white": np.ones(shape, np.float32),
        "grey": np.full(shape, 0.5, np.float32),
        "noise seed 1": noise(1),
        "noise seed 2": noise(2),
        "noise seed 3, -2 to 3": noise(3) * 5 - 2,
        "coarse noise seed 4": stretched(coarse, size),
        "rightwards": np.broadcast_to(x / w, shape).copy(),
        "downwards": np.broadcast_to(y / h, shape).copy(),
        "chequers": np.broadcast_to((x // 8 + y // 8) % 2, shape).copy(),
        "grating": np.broadcast_to(0.5 + 0.5 * np.sin(x / 3 + y / 5), shape).copy(),
        "person": plain,
        "person mirrored": plain[:, :, ::-1].copy(),
        "person upside down": plain[:, ::-1].copy(),
        "person lying": stretched(person.rotate(90), size),
        "person dark": plain * 0.3,
        "person bright": np.minimum(plain * 1.8, 1),
        "person pale": 0.4 + plain * 0.6,
        "person in negative": 1 - plain,
        "person grey": np.repeat(plain.mean(axis=3, keepdims=True), 3, axis=3),
        "person blue and red swapped": plain[..., ::-1].copy(),
        "person under noise seed 5": np.clip(plain + (noise(5) - 0.5) * 0.4, 0, 1),
        "person small": stretched(small, size),
        "face": crop(150, 0, 300, 200),
        "head and shoulders": crop(60, 0, 400, 255),
        "left half": crop(0, 0, 226, 512),
        "right half": crop(226, 0, 512, 512),
        "lower half": crop(0, 256, 512, 512),
    }
