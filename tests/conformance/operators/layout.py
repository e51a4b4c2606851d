"""Operators that move elements."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from forms import QUANTIZED
from operators import family
from operators.common import image, pick, shape_of_rank, values

# Elements of any type are moved alike.
INTEGERS = ["int32", "int64"]
MOVED = ["float32", *QUANTIZED, *INTEGERS, "bool"]
NUMBERS = ["float32", *QUANTIZED, *INTEGERS]
NOT_INT16 = [f for f in NUMBERS if f != "int16"]


def tensor(rng, least=1, most=4, longest=12):
    """Extents; some of them of more elements than a unit of work."""
    if least <= 4 <= most and rng.integers(3) == 0:
        return image(rng)
    return shape_of_rank(rng, least, most, longest)


def spread(rng, shape):
    return values(rng, shape, 30)


def signed(rng, axis, rank):
    """The same axis, perhaps counted from the end."""
    return axis - rank if rng.integers(2) else axis


def factors(rng, n):
    """Extents whose product is n."""
    extents = []
    while n > 1 and len(extents) < 5:
        divisors = [d for d in range(2, n + 1) if n % d == 0]
        extents.append(int(pick(rng, divisors)) if len(extents) < 4 else n)
        n //= extents[-1]
    for _ in range(rng.integers(2)):
        extents.insert(rng.integers(len(extents) + 1), 1)
    return extents or [1]


@family("RESHAPE", MOVED)
def reshape(rng, g):
    shape = tensor(rng)
    new = factors(rng, int(np.prod(shape)))
    about = f"{shape} to {new}"
    if rng.integers(2):
        new[rng.integers(len(new))] = -1
    options = schema.ReshapeOptionsT()
    options.newShape = np.int32(new)
    x = g.input(spread(rng, shape))
    how = rng.integers(3)  # by an operand, by the options, or both
    operands = [x] if how == 0 else [x, g.const(np.int32(new))]
    g.output(g.op("RESHAPE", operands, None if how == 1 else options, like=x, shape=np.abs(new)))
    return f"{about} as {new} {['option', 'operand', 'both'][how]}"


@family("SQUEEZE", MOVED)
def squeeze(rng, g):
    shape = tuple(1 if rng.integers(2) else d for d in shape_of_rank(rng, 2, 6, 6))
    ones = [a for a, d in enumerate(shape) if d == 1]
    options = schema.SqueezeOptionsT()
    options.squeezeDims = [signed(rng, a, len(shape)) for a in ones if rng.integers(2)]
    x = g.input(spread(rng, shape))
    g.output(g.op("SQUEEZE", [x], options, like=x))
    return f"{shape} without {options.squeezeDims}"


@family("EXPAND_DIMS", MOVED)
def expand_dims(rng, g):
    shape = tensor(rng)
    axis = signed(rng, rng.integers(len(shape) + 1), len(shape) + 1)
    x = g.input(spread(rng, shape))
    axis_type = pick(rng, [np.int32, np.int64])
    list_or_not = axis_type([axis]) if rng.integers(2) else axis_type(axis)
    g.output(g.op("EXPAND_DIMS", [x, g.const(list_or_not)], schema.ExpandDimsOptionsT(), like=x))
    return f"{shape} at {axis}"


@family("TRANSPOSE", MOVED)
def transpose(rng, g):
    shape = tensor(rng, 1, 5, 9)
    axes = rng.permutation(len(shape))
    if rng.integers(3) == 0:  # images to planes and back, or channels shuffled
        shape, axes = pick(rng, [((1, 9, 11, 13), [0, 3, 1, 2]), ((1, 7, 33, 20), [0, 2, 3, 1]),
                                 ((2, 5, 7, 2, 12), [0, 1, 2, 4, 3]), ((1, 40, 50, 1), [0, 2, 1, 3])])
    x = g.input(spread(rng, shape))
    g.output(g.op("TRANSPOSE", [x, g.const(np.int32(axes))], schema.TransposeOptionsT(), like=x))
    return f"{shape} to {list(axes)}"


@family("CONCATENATION", MOVED)
def concatenation(rng, g):
    """uint8 inputs may have scales of their own."""
    shape = list(tensor(rng))
    axis = int(rng.integers(len(shape)))
    options = schema.ConcatenationOptionsT()
    options.axis, options.fusedActivationFunction = signed(rng, axis, len(shape)), 0
    own_scales = rng.integers(2)
    operands, extents = [], []
    for i in range(rng.integers(1, 7)):
        shape[axis] = int(rng.integers(1, 9))
        array = spread(rng, shape)
        like = operands[0] if i and not (own_scales and g.form == "uint8") else None
        if i and rng.integers(4) == 0:
            operands.append(g.constant(array, like))
        else:
            operands.append(g.input(array, like))
        extents.append(shape[axis])
    g.output(g.op("CONCATENATION", operands, options, like=operands[0]))
    return f"{shape} axis {options.axis} of {extents}{' own scales' if own_scales else ''}"


@family("PACK", NUMBERS)
def pack(rng, g):
    shape = tensor(rng)
    options = schema.PackOptionsT()
    options.valuesCount = int(rng.integers(1, 6))
    options.axis = signed(rng, int(rng.integers(len(shape) + 1)), len(shape) + 1)
    first = g.input(spread(rng, shape))
    operands = [first] + [g.input(spread(rng, shape), first) for _ in range(options.valuesCount - 1)]
    g.output(g.op("PACK", operands, options, like=first))
    return f"{options.valuesCount} times {shape} axis {options.axis}"


@family("UNPACK", [f for f in MOVED if f != "int64"])
def unpack(rng, g):
    shape = list(tensor(rng, 2, 4))
    axis = int(rng.integers(len(shape)))
    options = schema.UnpackOptionsT()
    options.num = shape[axis] = int(rng.integers(1, 9))
    options.axis = signed(rng, axis, len(shape))
    x = g.input(spread(rng, shape))
    g.output(*g.op_many("UNPACK", [x], options, options.num, like=x))
    return f"{shape} axis {options.axis}"


@family("SPLIT", NUMBERS)
def split(rng, g):
    shape = list(tensor(rng))
    axis = int(rng.integers(len(shape)))
    options = schema.SplitOptionsT()
    options.numSplits = int(rng.integers(1, 6))
    shape[axis] = options.numSplits * int(rng.integers(1, 6))
    x = g.input(spread(rng, shape))
    operands = [g.const(np.int32(signed(rng, axis, len(shape)))), x]
    g.output(*g.op_many("SPLIT", operands, options, options.numSplits, like=x))
    return f"{shape} in {options.numSplits} along {axis}"


@family("SPLIT_V", NUMBERS)
def split_v(rng, g):
    shape = list(tensor(rng))
    axis = int(rng.integers(len(shape)))
    sizes = rng.integers(1, 7, rng.integers(1, 6))
    options = schema.SplitVOptionsT()
    options.numSplits = len(sizes)
    shape[axis] = int(sizes.sum())
    about = f"{shape} in {sizes} along {axis}"
    if rng.integers(3) == 0:
        sizes[rng.integers(len(sizes))] = -1
    x = g.input(spread(rng, shape))
    sizes = sizes.astype(pick(rng, [np.int32, np.int64]))
    operands = [x, g.const(sizes), g.const(np.int32(signed(rng, axis, len(shape))))]
    g.output(*g.op_many("SPLIT_V", operands, options, options.numSplits, like=x))
    return about


@family("SLICE", MOVED)
def slice_(rng, g):
    shape = tensor(rng, 1, 5)
    begin = [int(rng.integers(d)) for d in shape]
    size = [int(rng.integers(1, d - b + 1)) for d, b in zip(shape, begin)]
    about = f"{shape} from {begin} size {size}"
    given = [-1 if b + s == d and rng.integers(2) else s for d, b, s in zip(shape, begin, size)]
    x = g.input(spread(rng, shape))
    index = pick(rng, [np.int32, np.int64])
    operands = [x, g.const(index(begin)), g.const(index(given))]
    # TFLite compares its result with the shape that the file has.
    g.output(g.op("SLICE", operands, schema.SliceOptionsT(), like=x, shape=size))
    return about


@family("STRIDED_SLICE", MOVED)
def strided_slice(rng, g):
    """Each axis is cut, shrunk, left out at the end or in an ellipsis; new ones come in between."""
    shape = tensor(rng, 1, 4)
    options = schema.StridedSliceOptionsT()
    begin, end, stride = [], [], []
    masks = {"begin": 0, "end": 0, "ellipsis": 0, "newAxis": 0, "shrinkAxis": 0}
    told = []
    options.offset = bool(rng.integers(5) == 0)
    # No new axes, no ellipsis. TFLite counts lists by the operand's axes where ends are offsets.
    plain = options.offset or rng.integers(2) == 0
    left_out = range(len(shape))[slice(*sorted(rng.integers(0, len(shape) + 1, 2)))]
    with_ellipsis = not plain and len(left_out) > 0

    def add(b, e, s, about, *bits):
        for bit in bits:
            masks[bit] |= 1 << len(begin)
        begin.append(int(b)), end.append(int(e)), stride.append(int(s)), told.append(about)

    for axis, d in enumerate(shape):
        if not plain and rng.integers(4) == 0:
            add(rng.integers(5), rng.integers(5), 1, "new", "newAxis")
        if with_ellipsis and axis in left_out:
            if axis == left_out[0]:
                add(0, 0, 1, "...", "ellipsis")
            continue
        kind = rng.integers(5)
        if kind == 0 and len(shape) > 1:
            b = rng.integers(d)
            add(b - d if rng.integers(2) else b, b + 1, 1, f"[{b}]", "shrinkAxis")
            continue
        s = int(pick(rng, [1, 1, 2, 3] if options.offset else [1, 1, 2, 3, -1, -2]))
        b = int(rng.integers(d))
        e = int(rng.integers(b + 1, d + 1) if s > 0 else rng.integers(-1, b))
        bits = []
        if options.offset:
            e -= b
        else:
            if rng.integers(3) == 0:
                bits.append("begin")
            if rng.integers(3) == 0 or e < 0:
                bits.append("end")
            if rng.integers(4) == 0 and "end" not in bits and s > 0 and e == d:
                e += 7  # beyond what is there
            b -= d if rng.integers(3) == 0 else 0
            e -= d if 0 < e < d and rng.integers(3) == 0 else 0
        add(b, e, s, f"{b}:{e}:{s} {' '.join(bits)}", *bits)
    while plain and not options.offset and len(begin) > 1 and rng.integers(4) == 0:
        begin.pop(), end.pop(), stride.pop(), told.pop()
    for name, mask in masks.items():
        setattr(options, f"{name}Mask", mask & ((1 << len(begin)) - 1))
    x = g.input(spread(rng, shape))
    operands = [x] + [g.const(np.int32(v)) for v in (begin, end, stride)]
    g.output(g.op("STRIDED_SLICE", operands, options, like=x, version=4))
    return f"{shape} {told} {'offset' if options.offset else ''}"


@family("REVERSE_V2", MOVED)
def reverse_v2(rng, g):
    shape = tensor(rng)
    first, last = sorted(rng.integers(0, len(shape), 2))
    axes = [signed(rng, a, len(shape)) for a in range(first, last + 1)]
    x = g.input(spread(rng, shape))
    g.output(g.op("REVERSE_V2", [x, g.const(np.int32(axes))], schema.ReverseV2OptionsT(), like=x))
    return f"{shape} axes {axes}"


def paddings(rng, shape, most):
    """Elements before and after: around pixels only, or anywhere."""
    around = rng.integers(0, 4, (len(shape), 2))
    if len(shape) == 4 and rng.integers(2):
        around[[0, 3]] = 0
    return np.minimum(around, np.reshape([most(d) for d in shape], (-1, 1)))


@family("PAD", NUMBERS)
def pad(rng, g):
    shape = tensor(rng)
    around = paddings(rng, shape, lambda d: 4).astype(pick(rng, [np.int32, np.int64]))
    x = g.input(spread(rng, shape))
    g.output(g.op("PAD", [x, g.const(around)], schema.PadOptionsT(), like=x))
    return f"{shape} by {around.tolist()}"


@family("PADV2", NUMBERS)
def pad_v2(rng, g):
    shape = tensor(rng)
    around = paddings(rng, shape, lambda d: 4).astype(np.int32)
    x = g.input(spread(rng, shape))
    value = (g.input if rng.integers(2) else g.constant)(spread(rng, (1,)), like=x)
    g.output(g.op("PADV2", [x, g.const(around), value], schema.PadV2OptionsT(), like=x))
    return f"{shape} by {around.tolist()}"


@family("MIRROR_PAD", NUMBERS)
def mirror_pad(rng, g):
    shape = tensor(rng)
    options = schema.MirrorPadOptionsT()
    options.mode = int(rng.integers(2))
    around = paddings(rng, shape, lambda d: d - 1 + options.mode)
    around = around.astype(pick(rng, [np.int32, np.int64]))
    x = g.input(spread(rng, shape))
    g.output(g.op("MIRROR_PAD", [x, g.const(around)], options, like=x))
    return f"{shape} by {around.tolist()} {['REFLECT', 'SYMMETRIC'][options.mode]}"


def blocks(rng):
    """Extents of a small tensor and of a block, and margins of the large one."""
    small = shape_of_rank(rng, 3, 4, 7)
    block = rng.integers(1, 4, len(small) - 2)
    margin = rng.integers(0, 5, (len(block), 2))
    extents = np.multiply(small[1:-1], block)
    for m, extent in zip(margin, extents):
        while m.sum() >= extent:
            m //= 2
    return small, block.astype(np.int32), margin.astype(np.int32)


@family("SPACE_TO_BATCH_ND", NUMBERS)
def space_to_batch_nd(rng, g):
    small, block, margin = blocks(rng)
    shape = (small[0], *(np.multiply(small[1:-1], block) - margin.sum(1)), small[-1])
    x = g.input(spread(rng, shape))
    operands = [x, g.const(block), g.const(margin)]
    g.output(g.op("SPACE_TO_BATCH_ND", operands, schema.SpaceToBatchNDOptionsT(), like=x))
    return f"{shape} blocks of {block} margins {margin.tolist()}"


@family("BATCH_TO_SPACE_ND", NUMBERS)
def batch_to_space_nd(rng, g):
    small, block, margin = blocks(rng)
    shape = (small[0] * block.prod(), *small[1:])
    x = g.input(spread(rng, shape))
    operands = [x, g.const(block), g.const(margin)]
    g.output(g.op("BATCH_TO_SPACE_ND", operands, schema.BatchToSpaceNDOptionsT(), like=x))
    return f"{shape} blocks of {block} margins {margin.tolist()}"


@family("SPACE_TO_DEPTH", NOT_INT16)
def space_to_depth(rng, g):
    n, h, w, c = image(rng)
    options = schema.SpaceToDepthOptionsT()
    options.blockSize = pick(rng, [1, 2, 2, 3, 4])
    shape = (n, h * options.blockSize, w * options.blockSize, c)
    x = g.input(spread(rng, shape))
    g.output(g.op("SPACE_TO_DEPTH", [x], options, like=x))
    return f"{shape} blocks of {options.blockSize}"


@family("DEPTH_TO_SPACE", NOT_INT16)
def depth_to_space(rng, g):
    n, h, w, c = image(rng)
    options = schema.DepthToSpaceOptionsT()
    options.blockSize = pick(rng, [1, 2, 2, 3, 4])
    shape = (n, h, w, c * options.blockSize**2)
    x = g.input(spread(rng, shape))
    g.output(g.op("DEPTH_TO_SPACE", [x], options, like=x))
    return f"{shape} blocks of {options.blockSize}"


@family("GATHER", MOVED)
def gather(rng, g):
    shape = tensor(rng)
    axis = int(rng.integers(len(shape)))
    options = schema.GatherOptionsT()
    options.axis = signed(rng, axis, len(shape))
    options.batchDims = int(rng.integers(axis + 1)) if rng.integers(2) else 0
    chosen = (*shape[: options.batchDims], *shape_of_rank(rng, 1, 2, 7))
    index = pick(rng, [np.int32, np.int64])
    indices = rng.integers(0, shape[axis], chosen).astype(index)
    if rng.integers(3) == 0:  # every second one
        options.batchDims, indices = 0, np.arange(shape[axis] % 2, shape[axis], 2, index)
        indices = indices if indices.size else np.zeros(1, index)
    x = g.input(spread(rng, shape))
    operands = [x, (g.const if rng.integers(2) else g.stored_input)(indices)]
    g.output(g.op("GATHER", operands, options, like=x))
    return f"{shape} axis {options.axis} batch {options.batchDims} indices {chosen}"


@family("GATHER_ND", MOVED)
def gather_nd(rng, g):
    shape = tensor(rng)
    n = int(rng.integers(1, len(shape) + 1))
    outer = shape_of_rank(rng, 1, 2, 7)
    indices = np.stack([rng.integers(0, d, outer) for d in shape[:n]], -1)
    indices = indices.astype(pick(rng, [np.int32, np.int64]))
    x = g.input(spread(rng, shape))
    operands = [x, (g.const if rng.integers(2) else g.stored_input)(indices)]
    g.output(g.op("GATHER_ND", operands, schema.GatherNdOptionsT(), like=x))
    return f"{shape} indices {indices.shape}"


@family("TILE", MOVED)
def tile(rng, g):
    shape = tensor(rng, longest=7)
    times = rng.integers(1, 4, len(shape)).astype(pick(rng, [np.int32, np.int64]))
    x = g.input(spread(rng, shape))
    g.output(g.op("TILE", [x, g.const(times)], schema.TileOptionsT(), like=x))
    return f"{shape} times {times}"


@family("BROADCAST_TO", MOVED)
def broadcast_to(rng, g):
    shape = tensor(rng)
    own = tuple(1 if rng.integers(2) else d for d in shape)[rng.integers(len(shape)):]
    x = g.input(spread(rng, own))
    extents = g.const(np.array(shape, pick(rng, [np.int32, np.int64])))
    g.output(g.op("BROADCAST_TO", [x, extents], schema.BroadcastToOptionsT(), like=x, version=2))
    return f"{own} to {shape}"


@family("FILL", [f for f in MOVED if f != "uint8"])
def fill(rng, g):
    shape = tensor(rng)
    extents = g.const(np.array(shape, pick(rng, [np.int32, np.int64])))
    x = g.input(spread(rng, ()))
    g.output(g.op("FILL", [extents, x], schema.FillOptionsT(), like=x))
    return f"{shape}"


@family("ZEROS_LIKE", ["float32", *INTEGERS])
def zeros_like(rng, g):
    shape = tensor(rng)
    x = g.input(spread(rng, shape))
    g.output(g.op("ZEROS_LIKE", [x], schema.ZerosLikeOptionsT()))
    return f"{shape}"
