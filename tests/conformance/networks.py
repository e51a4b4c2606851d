"""Cases for the networks and artefacts of `models/`: whole files of TensorFlow's converter, in all forms.

Their expected results are TFLite's, computed here; the committed goldens prove that file, recipe and
interpreter still belong together.
"""

import hashlib
import json
import sys

import numpy as np
from ai_edge_litert import schema_py_generated as schema

import other_sizes
import selfie
import tflite

MODELS = selfie.ROOT / "models"
sys.path.insert(0, str(MODELS))
from recipe import golden, seeded  # noqa: E402

NETWORK_TOLERANCE = 1e-3  # of the range of a result; int16 is compared like floats
STEPS = 2  # of a quantized result
OUTLIERS = 0.001  # the share of elements that may be off by more steps
LEAD = 4  # steps by which a class has to lead before it must be the same one
GOLDEN_TOLERANCE = 1e-3  # of the range: another TFLite, perhaps on another processor
GOLDEN_OUTLIERS = 0.01
QUANTIZED = (np.int8, np.uint8)

# Artefacts that are not supported, with what the error says.
REFUSED = {"conditional": "IF", "flex_operator": "FlexResizeBicubic"}
# Artefacts whose input size is open: what it is set to.
SIZES = {"dynamic_size": [16, 24], "atrous_of_dynamic_size": [8, 16]}


def load(file):
    """The bytes of a committed file, whose checksum was compared."""
    data = (MODELS / file).read_bytes()
    if hashlib.sha256(data).hexdigest() != index()[file]:
        raise SystemExit(f"models/{file} is not the file that models/built.json names")
    return data


def index():
    """{file: sha256} of everything the recipe built."""
    return json.loads((MODELS / "built.json").read_text())


def sources():
    """What the cases depend on, of `models/`."""
    return [MODELS / "built.json", *sorted((MODELS / "recipe").glob("*.py"))]


def network_inputs(height, width):
    """Named pictures: two that the network's ranges were not made from, and what is not a picture at all."""
    flat = np.full((1, height, width, 3), 0.6, np.float32)
    noise = seeded.uniform(7, (1, height, width, 3)).astype(np.float32)
    return {
        "picture 1": seeded.picture(1, height, width),
        "picture 2": seeded.picture(2, height, width),
        "upside down": seeded.picture(3, height, width)[:, ::-1].copy(),
        "flat": flat,
        "noise": noise,
    }


def add_networks(suite):
    for folder in sorted((MODELS / "networks").iterdir()):
        goldens = np.load(folder / "golden.npz")
        forms = sorted(path.stem for path in folder.glob("*.tflite"))
        plain = tflite.interpreter(load(f"networks/{folder.name}/float32.tflite"))
        for form in forms:
            add_network(suite, folder.name, form, goldens, plain)
        for form, sizes in other_sizes.SIZES.items():
            for size in sizes:
                add_network_at(suite, folder.name, form, size)


def add_network(suite, name, form, goldens, plain):
    """One network in one form, on several pictures. `plain` runs the float32 one."""
    data = load(f"networks/{name}/{form}.tflite")
    file = f"{name}.{form}.tflite"
    (suite.dir / file).write_bytes(data)
    engine = tflite.interpreter(data)
    exact = tflite.interpreter(with_float_weights(data)) if form == "dynamic_range" else None
    detail = engine.get_input_details()[0]
    losses = []
    for about, picture in network_inputs(*detail["shape"][1:3]).items():
        x = golden.quantized(picture, detail)
        outputs = tflite.invoke(engine, [x])
        steps = [step(engine, data, i) for i in range(len(outputs))]
        if about == f"picture {golden.SEED}":
            check_golden(f"{name} {form}", goldens, form, outputs, steps)
        if exact:
            # TFLite rounds activations too. What is right is the float32 network with the weights that the
            # file has, provided that it loses no more.
            theirs, outputs = outputs, tflite.invoke(exact, [x])
            wanted = tflite.invoke(plain, [x])
            losses.append([loss(outputs, wanted), loss(theirs, wanted)])
        suite.add(f"{name} {form}, {about}", file, [x], outputs,
                  [tolerance(y, s) for y, s in zip(outputs, steps, strict=True)], form=form,
                  outliers=OUTLIERS if any(steps) else 0.0, classes=classes(outputs, steps))
    if exact and np.sum(losses, axis=0)[0] > np.sum(losses, axis=0)[1]:
        raise SystemExit(f"{name}: float32 on int8 weights is further off than TFLite: {losses}")


def add_network_at(suite, name, form, size):
    """One network at another input size than its own. TFLite gets a file made for that size, the runtime its own."""
    data = load(f"networks/{name}/{form}.tflite")
    engine = tflite.interpreter(other_sizes.resized(data, *size))
    x = golden.quantized(seeded.picture(1, *size), engine.get_input_details()[0])
    outputs = tflite.invoke(engine, [x])
    steps = [step(engine, data, i) for i in range(len(outputs))]
    suite.add(f"{name} {form} at {size}, picture 1", f"{name}.{form}.tflite", [x], outputs,
              [tolerance(y, s) for y, s in zip(outputs, steps, strict=True)], size, form=form,
              outliers=OUTLIERS if any(steps) else 0.0, classes=classes(outputs, steps))


def add_artefacts(suite):
    for path in sorted((MODELS / "artefacts").iterdir()):
        data = load(f"artefacts/{path.name}")
        (suite.dir / path.name).write_bytes(data)
        if path.stem in REFUSED:
            suite.add(path.stem, path.name, [], [], [], refused=REFUSED[path.stem])
            continue
        size = SIZES.get(path.stem)
        engine = tflite.interpreter(data)
        if size:
            detail = engine.get_input_details()[0]
            engine.resize_tensor_input(detail["index"], [1, *size, 3])
            engine.allocate_tensors()
        for seed in range(2):
            inputs = [golden.quantized(random_input(d, 10 * seed + i), d)
                      for i, d in enumerate(engine.get_input_details())]
            outputs = tflite.invoke(engine, inputs)
            steps = [step(engine, data, i) for i in range(len(outputs))]
            suite.add(f"{path.stem}, seed {seed}", path.name, inputs, outputs,
                      [tolerance(y, s) for y, s in zip(outputs, steps, strict=True)], size)


def random_input(detail, seed):
    """A picture where one is wanted, else numbers around 0."""
    shape = [int(d) for d in detail["shape"]]
    if len(shape) == 4 and shape[3] == 3:
        return seeded.picture(seed, *shape[1:3])
    return seeded.normal(seed, shape).astype(np.float32)


def check_golden(name, goldens, form, outputs, steps):
    for i, y in enumerate(outputs):
        if y.dtype == np.int64:
            continue  # classes: where two are as good, either may win; their scores are compared
        got, want = (v.astype(np.float64) for v in (golden.sampled(y), goldens[f"{form}.{i}"]))
        bound = STEPS * steps[i] if steps[i] else GOLDEN_TOLERANCE * np.ptp(want)
        if got.shape != want.shape or (np.abs(got - want) > bound).mean() > GOLDEN_OUTLIERS:
            raise SystemExit(f"{name}: TFLite no longer gives what models/networks has as golden results")


def loss(outputs, wanted):
    """The mean square of what float outputs differ by, as part of their range."""
    pairs = [(y, w) for y, w in zip(outputs, wanted, strict=True) if w.dtype.kind == "f"]
    return float(np.mean([np.mean(np.square(y - w)) / max(np.ptp(w), 1e-6) ** 2 for y, w in pairs]))


def step(engine, data, i):
    """What one step of a quantized result is worth in the output's own numbers: 1 for int8 and uint8, the
    scale where DEQUANTIZE follows; None where nothing is quantized."""
    detail = engine.get_output_details()[i]
    if detail["dtype"] in QUANTIZED:
        return 1.0 if detail["quantization"][0] else None
    model = tflite.unpack(data)
    graph = model.subgraphs[0]
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex].builtinCode
        if detail["index"] in operator.outputs and code == schema.BuiltinOperator.DEQUANTIZE:
            return float(graph.tensors[operator.inputs[0]].quantization.scale[0])
    return None


def tolerance(y, step):
    if step:
        return STEPS * step * (1 if step == 1 else 1.0001)
    if y.dtype in (np.float32, np.int16):
        return float(max(np.ptp(y.astype(np.float64)), np.abs(y).max(), 1e-6)) * NETWORK_TOLERANCE
    return 0


def classes(outputs, steps):
    """Per output, where the class with the highest score must be TFLite's: {scores, channels, margin}, where
    `scores` is the output that has them, `channels` how many there are, and `margin` what the best one has to
    be ahead by. An output that is a map of classes itself is compared like that alone."""
    found = []
    for i, y in enumerate(outputs):
        scored = [j for j, s in enumerate(outputs) if s.ndim == 4 and s.shape[3] > 1]
        if y.dtype == np.int64 and len(scored) == 1:
            scores = scored[0]
        elif i in scored and steps[i]:
            scores = i
        else:
            found.append(None)
            continue
        margin = LEAD * steps[scores] if steps[scores] else 2 * tolerance(outputs[scores], None)
        found.append({"scores": scores, "channels": int(outputs[scores].shape[3]), "margin": margin})
    return found


def with_float_weights(data):
    """The same network with every constant that has scales as float32."""
    model = tflite.unpack(data)
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            buffer = model.buffers[tensor.buffer]
            scales = getattr(tensor.quantization, "scale", None)
            if tensor.type != schema.TensorType.INT8 or scales is None or buffer.data is None:
                continue
            axis = tensor.quantization.quantizedDimension
            shape = [-1 if i == axis else 1 for i in range(len(tensor.shape))]
            values = np.frombuffer(bytes(buffer.data), np.int8).reshape(tensor.shape)
            values = values * np.float32(scales).reshape(shape if len(scales) > 1 else [1] * len(shape))
            fresh = schema.BufferT()
            fresh.data = np.frombuffer(values.astype(np.float32).tobytes(), np.uint8)
            tensor.buffer = len(model.buffers)
            model.buffers.append(fresh)
            tensor.type, tensor.quantization = schema.TensorType.FLOAT32, None
    return tflite.pack(model)
