"""Makes the cases that Octomask is compared with TFLite on, in target/tests/conformance.

    python tests/conformance/generate.py [--cases N]

Each suite is a folder with a cases.json: a list of
{name, model, size, inputs, outputs, tolerances}, with files relative to that folder. `size` is null,
or the [height, width] to which the runtime must resize the model first. A result is right when no
element of output i is further from TFLite's than tolerances[i]. `tests/conformance.rs` and
`tests/browser/conformance.mjs` read these. Nothing is made anew unless something it depends on
changed.
"""

import argparse
import hashlib
import json
import shutil
from importlib.metadata import version
from pathlib import Path

import numpy as np

import operators
import pictures
import selfie
import tflite

OUT = selfie.ROOT / "target/tests/conformance"
MODEL_TOLERANCE = 1e-3  # of a probability
OPERATOR_TOLERANCE = 1e-4  # of the range of the result
SIZES = {
    "selfie_segmentation": [[128, 128], [192, 192], [136, 136], [144, 256]],
    "selfie_segmentation_landscape": [[96, 160], [136, 248], [256, 256]],
}
# Of the inputs at the model's own size, those that are also run at other sizes.
RESIZED_INPUTS = ["person", "head and shoulders", "noise seed 1"]


class Suite:
    """One folder of cases."""

    def __init__(self, name):
        self.dir = OUT / name
        self.cases = []
        shutil.rmtree(self.dir, ignore_errors=True)
        self.dir.mkdir(parents=True)

    def save(self, name, array):
        """A file for an array, with a name free of what paths do not like."""
        file = f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.npy"
        np.save(self.dir / file, array)
        return file

    def add(self, name, model, inputs, outputs, tolerances, size=None):
        self.cases.append({
            "name": name,
            "model": model,
            "size": size,
            "inputs": [self.save(f"{name} in {i}", x) for i, x in enumerate(inputs)],
            "outputs": [self.save(f"{name} out {i}", y) for i, y in enumerate(outputs)],
            "tolerances": tolerances,
        })

    def finish(self):
        (self.dir / "cases.json").write_text(json.dumps(self.cases, indent=1))
        print(f"{len(self.cases)} cases in {self.dir.relative_to(selfie.ROOT)}")


def whole_models():
    suite = Suite("models")
    for name in selfie.MODELS:
        data = selfie.load(name)
        # Two files: as it is, and with the logits before the last LOGISTIC as a second output.
        files = {f"{name}.tflite": data, f"{name}_logits.tflite": selfie.with_logits(data)}
        inputs = well_conditioned(name, data, pictures.model_inputs(selfie.input_size(data)))
        for file, content in files.items():
            (suite.dir / file).write_bytes(content)
            engine = tflite.interpreter(content)
            for about, x in inputs.items():
                outputs = tflite.invoke(engine, [x])
                suite.add(f"{file}, {about}", file, [x], outputs, tolerances(outputs))
        for size in SIZES[name]:
            # TFLite gets a file made for that size, the runtime the file for the original size.
            made = selfie.resized(data, *size)
            engine = tflite.interpreter(selfie.with_logits(made))
            file = f"{name}_logits.tflite"
            inputs = pictures.model_inputs(size)
            inputs = well_conditioned(name, made, {k: inputs[k] for k in RESIZED_INPUTS})
            for about, x in inputs.items():
                outputs = tflite.invoke(engine, [x])
                what = f"{file} at {size}, {about}"
                suite.add(what, file, [x], outputs, tolerances(outputs), size)
    suite.finish()


def well_conditioned(name, data, inputs):
    """The inputs on which TFLite agrees with itself: XNNPACK with its naive kernels.

    The selfie models end in logits of several hundreds, so where these cross zero, the order of
    additions alone can move a probability by more than the tolerance. Such an input shows nothing.
    """
    fast = tflite.interpreter(data)
    naive = tflite.interpreter(selfie.without_custom_operators(data), reference=True)
    kept = {}
    for about, x in inputs.items():
        spread = np.abs(tflite.invoke(fast, [x])[0] - tflite.invoke(naive, [x])[0]).max()
        if spread <= MODEL_TOLERANCE / 3:
            kept[about] = x
        else:
            print(f"{name} on {about}: left out, TFLite differs from itself by {spread:.1e}")
    return kept


def tolerances(outputs):
    """Per output: absolute for probabilities, as part of the range for logits."""
    return [MODEL_TOLERANCE] + [span(y) * OPERATOR_TOLERANCE for y in outputs[1:]]


def span(y):
    """How far the values of an array reach; never 0."""
    return float(max(np.ptp(y), np.abs(y).max(), 1e-6))


def single_operators(cases):
    suite = Suite("operators")
    for family, build in operators.FAMILIES.items():
        for seed in range(cases):
            # The family's name keeps seeds of different families apart.
            rng = np.random.default_rng([seed, *family.encode()])
            data, inputs, about, reference = build(rng)
            file = f"{family}.{seed}.tflite"
            (suite.dir / file).write_bytes(data)
            name = f"{family} seed {seed}: {about}"
            try:
                outputs = tflite.invoke(tflite.interpreter(data, reference), inputs)
            except (RuntimeError, ValueError) as e:
                raise SystemExit(f"TFLite refuses {name}: {e}") from e
            suite.add(name, file, inputs, outputs, [span(y) * OPERATOR_TOLERANCE for y in outputs])
    suite.finish()


def fingerprint(cases):
    """Of all that the cases depend on."""
    digest = hashlib.sha256(f"{cases} {version('ai-edge-litert')} {version('numpy')}".encode())
    sources = sorted(Path(__file__).parent.glob("*.py"))
    for path in [*sources, selfie.ROOT / "models/models.json"]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=int, default=60, help="per operator family")
    args = parser.parse_args()
    stamp = OUT / "stamp"
    made_from = fingerprint(args.cases)
    if stamp.exists() and stamp.read_text() == made_from:
        print("conformance cases are up to date")
        return
    stamp.unlink(missing_ok=True)
    whole_models()
    single_operators(args.cases)
    stamp.write_text(made_from)


if __name__ == "__main__":
    main()
