"""Resizing of images."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from forms import QUANTIZED
from operators import family
from operators.common import image, pick, values


@family("RESIZE_NEAREST_NEIGHBOR", ["float32", *QUANTIZED])
def resize_nearest_neighbor(rng, g):
    options = schema.ResizeNearestNeighborOptionsT()
    options.alignCorners, options.halfPixelCenters = bool(rng.integers(2)), bool(rng.integers(2))
    shape = image(rng)
    twice = rng.integers(3) == 0
    size = [2 * s for s in shape[1:3]] if twice else [int(s) for s in rng.integers(1, 24, 2)]
    x = g.input(values(rng, shape))
    g.output(g.op("RESIZE_NEAREST_NEIGHBOR", [x, g.const(np.int32(size))], options, like=x, version=3))
    flags = f"align_corners {options.alignCorners} half_pixel_centers {options.halfPixelCenters}"
    return f"{shape} to {size} {flags}"


@family("RESIZE_BILINEAR", ["float32", *QUANTIZED])
def resize_bilinear(rng, g):
    options = schema.ResizeBilinearOptionsT()
    mode = int(rng.integers(3))
    options.alignCorners, options.halfPixelCenters = mode == 1, mode == 2
    shape = image(rng)
    twice = rng.integers(3) == 0
    size = [2 * s for s in shape[1:3]] if twice else [int(s) for s in rng.integers(1, 24, 2)]
    x = g.input(values(rng, shape))
    g.output(g.op("RESIZE_BILINEAR", [x, g.const(np.int32(size))], options, like=x, version=3))
    return f"{shape} to {size} {['plain', 'align_corners', 'half_pixel_centers'][mode]}"
