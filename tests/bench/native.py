"""Times of TFLite's interpreter on this machine, outside of any browser: one line of JSON.

    python tests/bench/native.py THREADS... [--ms MS] [--models NAME...]

{model: {threads: {runs, min, median, p95, quiet}}}, in ms; `quiet` as in in-page/timing.mjs. It uses XNNPACK, with whatever instructions the processor has.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

TARGET = Path(__file__).resolve().parents[2] / "target"


def times(engine, ms, least=10):
    """Milliseconds of each run, for about `ms`."""
    taken = []
    end = time.perf_counter() + ms / 1e3
    while len(taken) < least or time.perf_counter() < end:
        start = time.perf_counter()
        engine.invoke()
        taken.append((time.perf_counter() - start) * 1e3)
    return taken


def measure(model, threads, ms):
    x = np.fromfile(TARGET / model["input"], np.float32).reshape(model["shape"])
    engine = Interpreter(model_path=str(TARGET / model["file"]), num_threads=threads)
    engine.allocate_tensors()
    engine.set_tensor(engine.get_input_details()[0]["index"], x)
    times(engine, ms / 2)
    taken = np.sort(times(engine, ms))
    quiet = np.median(taken[taken <= 1.1 * taken[int(0.05 * len(taken))]])
    return {
        "runs": len(taken), "min": taken[0], "median": np.median(taken), "p95": taken[int(0.95 * len(taken))],
        "quiet": quiet,
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("threads", type=int, nargs="+")
    parser.add_argument("--ms", type=float, default=300)
    parser.add_argument("--models", nargs="*")
    args = parser.parse_args()
    models = json.loads((TARGET / "bench/models.json").read_text())
    result = {
        model["name"]: {threads: measure(model, threads, args.ms) for threads in args.threads}
        for model in models if not args.models or model["name"] in args.models
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
