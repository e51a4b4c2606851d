"""The layers that the bench's float32 models are made of, each shape once.

    python tests/bench/layers.py list      writes tests/bench/layers.txt from the models in target/bench
    python tests/bench/layers.py build     writes each line of it as a network of one operator, into target/bench/layers

A line: operator, shapes of its operands (weights and biases as [o, h, w, i] and [o]) and of its result, attributes.
"""

import json
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/conformance"))
import tflite  # noqa: E402
from ai_edge_litert import schema_py_generated as schema  # noqa: E402

BENCH = ROOT / "target/bench"
LIST = ROOT / "tests/bench/layers.txt"
CUSTOM = "Convolution2DTransposeBias"
PADDING = {"SAME": schema.Padding.SAME, "VALID": schema.Padding.VALID}
ACTIVATION = {"NONE": 0, "RELU": 1, "RELU6": 3}
OPTIONS = {
    "CONV_2D": schema.Conv2DOptionsT,
    "DEPTHWISE_CONV_2D": schema.DepthwiseConv2DOptionsT,
    "TRANSPOSE_CONV": schema.TransposeConvOptionsT,
    "AVERAGE_POOL_2D": schema.Pool2DOptionsT,
    "RESIZE_BILINEAR": schema.ResizeBilinearOptionsT,
    "ADD": schema.AddOptionsT,
    "MUL": schema.MulOptionsT,
    "MEAN": schema.ReducerOptionsT,
    "CONCATENATION": schema.ConcatenationOptionsT,
    "HARD_SWISH": schema.HardSwishOptionsT,
    "LOGISTIC": lambda: None,
    "SOFTMAX": schema.SoftmaxOptionsT,
}
# Attributes by name in the file's schema, and how a line shows them.
ATTRIBUTES = {
    "strideH": int, "strideW": int, "dilationHFactor": int, "dilationWFactor": int, "filterHeight": int,
    "filterWidth": int, "depthMultiplier": int, "padding": PADDING, "fusedActivationFunction": ACTIVATION,
    "alignCorners": int, "halfPixelCenters": int, "keepDims": int, "axis": int, "beta": float,
}


def show(shape):
    return "x".join(str(int(d)) for d in shape) or "scalar"


def line_of(model, graph, operator):
    """A line, or None for operators that only move or describe things."""
    code = model.operatorCodes[operator.opcodeIndex]
    builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
    names = {v: k for k, v in vars(schema.BuiltinOperator).items() if not k.startswith("_")}
    name = code.customCode.decode() if code.customCode else names[builtin]
    if name not in OPTIONS and name != CUSTOM:
        return None
    operands = [graph.tensors[i] for i in operator.inputs if i >= 0]
    result = graph.tensors[operator.outputs[0]]
    # Sizes and axes are integers: they follow from the result.
    shapes = [show(t.shape) for t in operands if t.type != schema.TensorType.INT32]
    words = [name, " ".join(shapes), "->", show(result.shape)]
    if name == CUSTOM:
        padding, stride_w, stride_h = np.frombuffer(bytes(operator.customOptions), np.int32)
        return " ".join([*words, f"strideH={stride_h}", f"strideW={stride_w}", f"padding={'SAME' if padding == 1 else 'VALID'}"])
    for attribute, kind in ATTRIBUTES.items():
        value = getattr(operator.builtinOptions, attribute, None)
        if value is None:
            continue
        if isinstance(kind, dict):
            value = {v: k for k, v in kind.items()}.get(value, "NONE")
        words.append(f"{attribute}={kind(value) if not isinstance(kind, dict) else value}")
    return " ".join(words)


def write_list():
    lines = {}
    for entry in json.loads((BENCH / "models.json").read_text()):
        if entry["form"] != "float32":
            continue
        model = tflite.unpack((ROOT / "target" / entry["file"]).read_bytes())
        graph = model.subgraphs[0]
        for operator in graph.operators:
            line = line_of(model, graph, operator)
            if line:
                lines.setdefault(line, []).append(entry["name"])
    # Grouped by operator, each in the order of the models.
    order = list(OPTIONS) + [CUSTOM]
    text = "".join(f"{line}\n" for line in sorted(lines, key=lambda line: order.index(line.split()[0])))
    LIST.write_text("# Made by tests/bench/layers.py list: the float32 layers of the bench's models.\n" + text)


def built(line):
    """The bytes of a network of one operator."""
    head, _, tail = line.partition(" -> ")
    name, *shapes = head.split()
    result, *attributes = tail.split()
    shapes = [[int(d) for d in s.split("x")] if s != "scalar" else [] for s in shapes]
    result = [int(d) for d in result.split("x")]
    values = dict(a.split("=") for a in attributes)
    rng = np.random.default_rng(1)
    b = tflite.Builder(line)

    def const(shape):
        return b.const((rng.random(shape) - 0.5).astype(np.float32))

    out = b.tensor(result)
    if name == CUSTOM:
        packed = np.int32([1 if values["padding"] == "SAME" else 2, int(values["strideW"]), int(values["strideH"])])
        inputs = [b.input(shapes[0]), *(const(s) for s in shapes[1:])]
        b.op(CUSTOM, inputs, results=[out], custom=packed.tobytes())
        b.output(out)
        return b.finish()
    options = OPTIONS[name]()
    for attribute, value in values.items():
        kind = ATTRIBUTES[attribute]
        setattr(options, attribute, kind[value] if isinstance(kind, dict) else kind(value))
    if name == "TRANSPOSE_CONV":
        weights, x, *bias = shapes
        inputs = [b.const(np.int32(result)), const(weights), b.input(x), *(const(s) for s in bias)]
    elif name in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        inputs = [b.input(shapes[0]), *(const(s) for s in shapes[1:])]
    elif name == "RESIZE_BILINEAR":
        inputs = [b.input(shapes[0]), b.const(np.int32(result[1:3]))]
    elif name == "MEAN":
        inputs = [b.input(shapes[0]), b.const(np.int32([1, 2]))]
    elif name == "CONCATENATION":
        inputs = [b.input(s) for s in shapes]
    else:
        # The largest operand is what flows; a smaller one may be weights or a gate.
        inputs = [b.input(s) if np.prod(s) == np.prod(result) or len(s) == 4 else const(s) for s in shapes]
    b.op(name, inputs, options, results=[out], version=3 if name == "TRANSPOSE_CONV" else 2)
    b.output(out)
    return b.finish()


def build():
    folder = BENCH / "layers"
    folder.mkdir(parents=True, exist_ok=True)
    lines = [line for line in LIST.read_text().splitlines() if line and not line.startswith("#")]
    for i, line in enumerate(lines):
        (folder / f"{i}.tflite").write_bytes(built(line))
    (folder / "layers.json").write_text(json.dumps(lines, indent=0))


if __name__ == "__main__":
    {"list": write_list, "build": build}[sys.argv[1]]()
