"""Runs what Octomask wrote in TFLite, which must make the same of it, bit for bit, as of the original file.

    python tests/conformance/rewritten.py

`tests/rewritten.rs` reads every conformance case and writes it again, to target/tests/rewritten. What TFLite makes
of the originals is in the cases already, but for weights that were quantized after training: there the cases have
what is right, and the original runs here as well.
"""

import json
import sys
from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema

import operators
import selfie
import tflite

CASES = selfie.ROOT / "target/tests/conformance"
REWRITTEN = selfie.ROOT / "target/tests/rewritten"
SUITES = ["models", "networks", "packages", "operators"]


def engine_of(suite, case):
    return operators.FAMILIES[case["operator"]].engine if suite == "operators" else "xnnpack"


def outputs(data, case, folder, engine):
    """What TFLite makes of a file on the case's inputs."""
    built = tflite.Interpreter(model_content=data, num_threads=1,
                               experimental_op_resolver_type=tflite.ENGINES[engine])
    if case["size"]:
        built.resize_tensor_input(built.get_input_details()[0]["index"], [1, *case["size"], 3])
    built.allocate_tensors()
    return tflite.invoke(built, [np.load(folder / file) for file in case["inputs"]])


def difference(got, want):
    """What differs between lists of arrays, if anything does."""
    if len(got) != len(want):
        return f"{len(got)} outputs for {len(want)}"
    for i, (g, w) in enumerate(zip(got, want)):
        if g.dtype != w.dtype or g.shape != w.shape:
            return f"output {i}: {g.dtype} {g.shape} for {w.dtype} {w.shape}"
        if g.tobytes() != w.tobytes():
            return f"output {i}: {np.count_nonzero(g != w)} of {g.size} elements differ"
    return None


def compare(suite, case):
    """What is wrong with a case, if anything is."""
    file, folder = REWRITTEN / suite / case["model"], CASES / suite
    if not file.exists():
        return "was not written"
    engine = engine_of(suite, case)
    ours, theirs = file.read_bytes(), (folder / case["model"]).read_bytes()
    got = outputs(ours, case, folder, engine)
    if case["form"].startswith("dynamic") or suite != "operators":
        want = outputs(theirs, case, folder, engine)
    else:
        want = [np.load(folder / file) for file in case["outputs"]]
    what = difference(got, want)
    return what and difference(got, outputs(with_shapes_of(ours, theirs), case, folder, engine))


def with_shapes_of(ours, theirs):
    """The original with the shapes that we found. XNNPACK takes no operator whose result has a wrong one, and then
    another kernel runs, which adds in another order."""
    ours, theirs = tflite.unpack(ours), tflite.unpack(theirs)
    for mine, tensor in zip(ours.subgraphs[0].tensors, theirs.subgraphs[0].tensors, strict=True):
        tensor.shape = mine.shape
    return tflite.pack(theirs)


def versions(file):
    """{operator: version} of a file; custom ones by their names."""
    model = tflite.unpack(file.read_bytes())
    found = {}
    used = {operator.opcodeIndex for operator in model.subgraphs[0].operators}
    for index in used:
        code = model.operatorCodes[index]
        name = code.customCode.decode() if code.customCode else code.builtinCode
        found[name] = max(found.get(name, 1), code.version)
    return found


def other_versions():
    """Files of TensorFlow's converter in which an operator has another version than we gave it. Its old quantizer,
    which makes int16, has numbers of its own."""
    names = {v: k for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}
    for file in sorted((REWRITTEN / "networks").glob("*.tflite")):
        if ".int16." in file.name:
            continue
        ours, theirs = versions(file), versions(CASES / "networks" / file.name)
        if ours != theirs:
            differ = [f"{names.get(k, k)} {ours.get(k)} for {theirs[k]}" for k in theirs if ours.get(k) != theirs[k]]
            yield f"{file.name}: versions: {', '.join(differ)}"


def main():
    if not REWRITTEN.exists():
        sys.exit("there are no rewritten files: `cargo test --test rewritten` makes them")
    operators.modules()
    failures = list(other_versions())
    done = 0
    for suite in SUITES:
        for case in json.loads((CASES / suite / "cases.json").read_text()):
            # For what these are at another size TFLite had another file.
            if case["refused"] or suite in ("models", "networks") and case["size"]:
                continue
            done += 1
            try:
                what = compare(suite, case)
            except (RuntimeError, ValueError) as e:
                what = f"TFLite refuses it: {e}"
            if what:
                failures.append(f"{suite}: {case['name']}: {what}")
    for failure in failures[:60]:
        print(failure)
    print(f"{done} rewritten cases in TFLite, {len(failures)} failures")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
