"""Numbers from a seed, by a rule that any language can follow and that no library can change.

    u(i) = splitmix64(seed * 2^32 + i) >> 40        24 bits, as a real number u(i) / 2^24 in [0, 1)

Everything random about the networks comes from here: weights, calibration pictures, test inputs.
Only exact operations are used (sums of multiples of 2^-24 in doubles), so results have the same bits
everywhere.
"""

import numpy as np

BITS = 24


def uniform(seed, shape):
    """float64 of `shape`, in [0, 1)."""
    count = int(np.prod(shape))
    with np.errstate(over="ignore"):
        z = (np.uint64(seed) << np.uint64(32)) + np.arange(count, dtype=np.uint64)
        z = (z + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(64 - BITS)).astype(np.float64) / 2**BITS).reshape(shape)


def normal(seed, shape):
    """float64 of `shape`, close to normal: twelve uniform numbers added, so never beyond +-6."""
    return uniform(seed, (12, *shape)).sum(axis=0) - 6.0


def picture(seed, height, width, channels=3):
    """float32 [1, height, width, channels] in [0, 1]: soft patches of colour, some of them with
    edges, under a little noise. The soft part of every picture has the same mean, so that networks
    tell pixels apart rather than pictures."""
    soft = uniform(seed, (5, 6, channels))
    across = 0.5 * upsampled(soft - soft.mean(axis=(0, 1)), height, width) + 0.3
    patches = upsampled(uniform(seed + 1000, (4, 4, 1)), height, width) > 0.5
    colours = uniform(seed + 2000, (2, channels))
    inside = 0.35 * np.where(patches, colours[0], colours[1])
    noise = 0.1 * uniform(seed + 3000, (height, width, channels))
    return np.clip(across + inside + noise, 0, 1).astype(np.float32)[None]


def upsampled(coarse, height, width):
    """[h, w, c] to [height, width, c], bilinear, corners on corners."""
    def along(axis, extent):
        at = np.arange(extent) * (coarse.shape[axis] - 1) / (extent - 1)
        low = np.minimum(at.astype(np.int64), coarse.shape[axis] - 2)
        return low, at - low
    y, fy = along(0, height)
    x, fx = along(1, width)
    fy, fx = fy[:, None, None], fx[None, :, None]
    top = coarse[y][:, x] * (1 - fx) + coarse[y][:, x + 1] * fx
    bottom = coarse[y + 1][:, x] * (1 - fx) + coarse[y + 1][:, x + 1] * fx
    return top * (1 - fy) + bottom * fy
