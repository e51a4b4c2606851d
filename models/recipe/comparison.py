"""Is a file that was built here the committed one, but for rounding?"""

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

FLOATS = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.FLOAT16: np.float16}
INTEGERS = {
    schema.TensorType.INT8: np.int8,
    schema.TensorType.UINT8: np.uint8,
    schema.TensorType.INT16: np.int16,
    schema.TensorType.INT32: np.int32,
    schema.TensorType.INT64: np.int64,
}
RELATIVE = 0.01  # of the largest value of a tensor, and of a scale
STEPS = 2  # of weights and zero points; biases are int32, with RELATIVE


def difference(path, committed):
    """What differs, in words; None where it is rounding."""
    if path.suffix == ".npz":
        return arrays_differ(np.load(path), np.load(committed))
    new, old = (schema.ModelT.InitFromPackedBuf(p.read_bytes(), 0) for p in (path, committed))
    if len(new.subgraphs) != len(old.subgraphs):
        return "has another number of subgraphs"
    for a, b in zip(new.subgraphs, old.subgraphs, strict=True):
        if structure(new, a) != structure(old, b):
            return "has another graph"
        for x, y in zip(a.tensors, b.tensors, strict=True):
            if what := tensors_differ(new, x, old, y):
                return f"differs in {x.name.decode()}: {what}"
    return None


def arrays_differ(new, old):
    if sorted(new) != sorted(old):
        return "has results of other forms"
    for name in new:
        x, y = new[name].astype(np.float64), old[name].astype(np.float64)
        if x.shape != y.shape or np.abs(x - y).mean() > 0.02 * max(np.ptp(y), 1e-6):
            return f"has other results for {name}"
    return None


def structure(model, graph):
    operators = [
        (model.operatorCodes[o.opcodeIndex].builtinCode, list(o.inputs), list(o.outputs)) for o in graph.operators
    ]
    tensors = [(list(t.shape), t.type) for t in graph.tensors]
    return operators, tensors, list(graph.inputs), list(graph.outputs)


def tensors_differ(new, x, old, y):
    for kind in ("scale", "zeroPoint"):
        p, q = (getattr(t.quantization, kind, None) for t in (x, y))
        if (p is None) != (q is None):
            return f"only one has a {kind}"
        bound = STEPS if kind == "zeroPoint" else RELATIVE * np.max(q) if q is not None else 0
        if p is not None and np.abs(np.float64(p) - np.float64(q)).max() > bound:
            return f"another {kind}"
    p, q = (m.buffers[t.buffer].data for m, t in ((new, x), (old, y)))
    if p is None or q is None:
        return None if p is q else "only one is a constant"
    if x.type not in FLOATS | INTEGERS:
        return None if bytes(p) == bytes(q) else "other bytes"
    p, q = (np.frombuffer(bytes(v), (FLOATS | INTEGERS)[x.type]).astype(np.float64) for v in (p, q))
    wide = x.type in FLOATS or x.type == schema.TensorType.INT32
    bound = RELATIVE * np.abs(q).max() if wide else STEPS
    return "other values" if np.abs(p - q).max() > bound else None
