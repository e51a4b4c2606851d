"""Makes the cases that Octomask is compared with TFLite on, in target/tests/conformance.

    python tests/conformance/generate.py [--cases N] [--first SEED] [FAMILY...]

Each suite is a folder with a cases.json: a list of
{name, operator, form, model, size, inputs, outputs, tolerances, outliers, exact, classes, refused}, with files
relative to that folder. `size` is null, or the [height, width] to which the runtime must resize the
model first. A result is right when no element of output i is further from TFLite's than
tolerances[i], for integers in steps of one; up to the share `outliers` of the elements may be.
`classes` is explained in `networks.py`. Where `refused` is a name, the model must not load, and the
error must have that name in it. `tests/conformance.rs` and `tests/browser/conformance.mjs` read these.
Nothing is made anew unless something it depends on changed: see `fingerprint`.

With families named, only these are made, in the suite `some`, always anew.
"""

import argparse
import hashlib
import json
import shutil
from importlib.metadata import version
from pathlib import Path

import numpy as np

import forms
import networks
import operators
import packages
import pictures
import selfie
import tflite

HERE = Path(__file__).parent
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

    def add(self, name, model, inputs, outputs, tolerances, size=None, operator=None,
            form="float32", outliers=0.0, classes=None, refused=None, exact=False):
        self.cases.append({
            "name": name,
            "operator": operator,
            "form": form,
            "model": model,
            "size": size,
            "inputs": [self.save(f"{name} in {i}", x) for i, x in enumerate(inputs)],
            "outputs": [self.save(f"{name} out {i}", y) for i, y in enumerate(outputs)],
            "tolerances": tolerances,
            "outliers": outliers,
            "exact": exact,
            "classes": classes or [None] * len(outputs),
            "refused": refused,
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
    naive = tflite.interpreter(selfie.without_custom_operators(data), "reference")
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
    """How far the values of an array reach; not less than 1e-4: what is left of numbers that cancel, such as of a
    single large negative one by GELU, is TFLite's own rounding."""
    return float(max(np.ptp(y), np.abs(y).max(), 1e-4))


def forms_of(family, seed, refused):
    """A drawn case in all its forms: {form: (graph, what TFLite makes of it, about)}. What TFLite
    refuses is added to the list `refused`."""
    def build(form, ranges=(), squeeze=1.0):
        # The family's name keeps seeds of different families apart.
        rng = np.random.default_rng([seed, *family.name.encode()])
        g = forms.Graph(form, ranges, squeeze)
        return g, family.build(rng, g)

    plain, about = build("float32")
    outputs, ranges = plain.learn_ranges(family.engine) if plain.b.graph.outputs else ([], [])
    made = {}
    if "float32" in family.forms:
        made["float32"] = plain, outputs, about
    # Every third case, some values lie outside of what the quantized types hold.
    squeeze = 0.8 if seed % 3 == 0 else 1.0
    wanted = {"float16": plain.has_constants, "dynamic": plain.has_weights}
    for form in family.forms:
        if form == "float32" or not wanted.get(form, True):
            continue
        try:
            g, about = build(form, ranges, squeeze)
            made[form] = g, g.run(family.engine), about
            if form == "dynamic":
                # TFLite also rounds the activations. What is right is the float32 network with
                # the weights that the file has; the loss by that is compared in `check_loss`.
                theirs = made[form][1]
                exact, _ = build("float32 of int8")
                made[form] = g, exact.run(family.engine), about
                g.losses = [loss(made[form][1], outputs), loss(theirs, outputs)]
        except forms.Skip:
            pass
        except (RuntimeError, ValueError) as e:
            refused.append(f"TFLite refuses {family.name} {form} seed {seed} ({about}): {e}")
    return made


def loss(outputs, wanted):
    """The mean square of what outputs differ by, as part of their range."""
    return float(np.mean([np.mean(np.square((y - w) / span(w))) for y, w in zip(outputs, wanted)]))


def check_loss(family, losses):
    """float32 on int8 weights loses no more than TFLite, which rounds activations too."""
    ours, theirs = np.sum(losses, axis=0)
    if ours > theirs:
        raise SystemExit(f"{family.name}: float32 on int8 weights is further off than TFLite: {ours} {theirs}")


def operator_cases(suite, family, cases, first=0):
    """Adds `cases` cases for each form."""
    counts = dict.fromkeys(family.forms, 0)
    losses, refused = [], []
    seed = first
    while min(counts.values()) < cases:
        if seed - first > 20 * cases + 100:
            raise SystemExit(f"{family.name}: too few cases can be drawn: {counts}")
        for form, (g, outputs, about) in forms_of(family, seed, refused).items():
            if counts[form] == cases:
                continue
            counts[form] += 1
            losses += [g.losses] if form == "dynamic" else []
            file = f"{family.name}.{form}.{seed}.tflite"
            (suite.dir / file).write_bytes(g.b.finish())
            name = f"{family.name} {form} seed {seed}: {about}"
            tolerances = [tolerance(y, family.steps.get(form, 1)) for y in outputs]
            outliers = family.outliers if form in forms.QUANTIZED else 0.0
            suite.add(name, file, g.values, outputs, tolerances, None, family.name, form, outliers,
                      exact=form in family.exact)
        # Now and then values are drawn that a kernel of TFLite's cannot take; more is a mistake.
        if len(refused) > 6 + (seed - first) // 3:
            raise SystemExit("\n".join(refused))
        seed += 1
    if losses:
        check_loss(family, losses)


def tolerance(y, steps):
    """How far a result may be off: a part of its range, or steps of a quantized type."""
    if y.dtype == np.float32:
        return span(y) * OPERATOR_TOLERANCE
    return steps if y.dtype in (np.int8, np.uint8, np.int16) else 0


def fingerprint(cases, sources):
    """Of all that cases depend on."""
    digest = hashlib.sha256(f"{cases} {version('ai-edge-litert')} {version('numpy')}".encode())
    for path in sources:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def unless_made(name, made_from, make):
    """Calls `make` unless the suite of that name was made of the same."""
    stamp = OUT / name / "stamp"
    if stamp.exists() and stamp.read_text() == made_from:
        return
    make()
    stamp.write_text(made_from)


def all_operators(cases):
    """One suite for each module, made anew only where that changed, and a list of all."""
    shared = [HERE / name for name in ["generate.py", "forms.py", "tflite.py", "operators/__init__.py",
                                       "operators/common.py"]]
    together = []
    for module in operators.modules():
        name = f"operators/{module}"

        def make():
            suite = Suite(name)
            for family in operators.FAMILIES.values():
                if family.module == module:
                    operator_cases(suite, family, cases)
            suite.finish()

        unless_made(name, fingerprint(cases, [*shared, HERE / f"operators/{module}.py"]), make)
        for case in json.loads((OUT / name / "cases.json").read_text()):
            for key in ["inputs", "outputs"]:
                case[key] = [f"{module}/{file}" for file in case[key]]
            together.append(case | {"model": f"{module}/{case['model']}"})
    (OUT / "operators/cases.json").write_text(json.dumps(together, indent=1))


def models_of_packages():
    suite = Suite("packages")
    packages.add(suite, lambda y: span(y) * MODEL_TOLERANCE)
    suite.finish()


def networks_of_the_recipe():
    suite = Suite("networks")
    networks.add_networks(suite)
    networks.add_artefacts(suite)
    suite.finish()


def some_operators(names, cases, first):
    operators.modules()
    if unknown := [name for name in names if name not in operators.FAMILIES]:
        raise SystemExit(f"no family is called {unknown[0]}; there are {', '.join(operators.FAMILIES)}")
    suite = Suite("some")
    for name in names:
        operator_cases(suite, operators.FAMILIES[name], cases, first)
    suite.finish()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=int, default=12, help="for each operator and form")
    parser.add_argument("--first", type=int, default=0, help="first seed, with families")
    parser.add_argument("family", nargs="*", help="only these operators")
    args = parser.parse_args()
    if args.family:
        some_operators(args.family, args.cases, args.first)
        return
    sources = [HERE / name for name in ["generate.py", "tflite.py", "selfie.py", "pictures.py"]]
    unless_made("models", fingerprint(0, [*sources, selfie.ROOT / "models/models.json"]), whole_models)
    recipe = selfie.ROOT / "models/recipe/seeded.py"
    made_from = fingerprint(0, [*sources[:3], HERE / "packages.py", packages.PACKAGES, recipe])
    unless_made("packages", made_from, models_of_packages)
    made_from = fingerprint(0, [*sources[:3], HERE / "networks.py", HERE / "other_sizes.py", *networks.sources()])
    unless_made("networks", made_from, networks_of_the_recipe)
    all_operators(args.cases)
    print("conformance cases are up to date")


if __name__ == "__main__":
    main()
