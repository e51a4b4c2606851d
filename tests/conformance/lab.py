"""Runs the block lab's files in TFLite and compares with what Octomask makes of them.

    python tests/conformance/lab.py

`tests/lab.rs` writes every variant of every experiment, with an input and the kernels' output, to target/tests/lab.
"""

import json
import sys

import numpy as np

import networks
import selfie
import tflite

LAB = selfie.ROOT / "target/tests/lab"
TOLERANCE = 1e-4  # of the largest value of a float result
STEPS = 1  # of a quantized result
OTHER_CLASSES = 0.005  # the share of pixels at which another class may be as good, nearly


def compare(case):
    """What is wrong with a case, if anything is."""
    path = LAB / case["name"]
    read = lambda suffix: path.with_name(f"{path.name}.{suffix}").read_bytes()
    data = read("tflite")
    # TFLite rounds the activations of such a network too; what is right is float32 with its weights.
    engine = tflite.interpreter(networks.with_float_weights(data) if case["dynamic"] else data)
    if case["dynamic"]:
        tflite.interpreter(data)  # it loads as it is
    [detail] = engine.get_input_details()
    x = np.frombuffer(read("in"), detail["dtype"]).reshape(detail["shape"])
    [want] = tflite.invoke(engine, [x])
    got = np.frombuffer(read("out"), want.dtype)
    if got.size != want.size:
        return f"{got.size} elements for {want.size}"
    off = np.abs(got.astype(np.float64) - want.ravel().astype(np.float64))
    if want.dtype == np.int32:
        wrong = np.count_nonzero(off)
        return f"{wrong} of {off.size} classes differ" if wrong > OTHER_CLASSES * off.size else None
    bound = STEPS if want.dtype == np.int8 else TOLERANCE * max(float(np.abs(want).max()), 1e-6)
    wrong = np.count_nonzero(~(off <= bound))
    return f"{wrong} of {off.size} elements differ, by up to {off.max():.3g}" if wrong else None


def main():
    if not (LAB / "cases.json").exists():
        sys.exit("there are no files of the block lab: `cargo test --test lab` makes them")
    cases = json.loads((LAB / "cases.json").read_text())
    failures = []
    for case in cases:
        try:
            what = compare(case)
        except (RuntimeError, ValueError) as e:
            what = f"TFLite refuses it: {e}"
        if what:
            failures.append(f"{case['name']}: {what}")
    for failure in failures[:60]:
        print(failure)
    print(f"{len(cases)} variants of the block lab in TFLite, {len(failures)} failures")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
