"""The bench's models as ONNX, for onnxruntime-web: target/bench/onnx/*.onnx.

    python tests/bench/onnx_export.py

By tf2onnx, from the .tflite files themselves, so that all runtimes have the same weights. What it cannot
convert leaves NAME.problem with the reason. Needs models/requirements.txt and tests/bench/requirements.txt.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

TARGET = Path(__file__).resolve().parents[2] / "target"
OUT = TARGET / "bench/onnx"
OPSET = 17


def convert(source, onnx):
    import tf2onnx

    tf2onnx.convert.from_tflite(str(source), opset=OPSET, output_path=str(onnx))


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for model in json.loads((TARGET / "bench/models.json").read_text()):
        onnx = TARGET / model["onnx"]
        plain = TARGET / f"bench/{model['name']}.plain.tflite"
        source = plain if plain.exists() else TARGET / model["file"]
        problem = onnx.with_suffix(".problem")
        for old in (onnx, problem):
            old.unlink(missing_ok=True)
        # In a process of its own: a graph that breaks the converter breaks no other.
        command = [sys.executable, __file__, str(source), str(onnx)]
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
        finished = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if finished.returncode != 0:
            problem.write_text("tf2onnx: " + finished.stderr.strip().splitlines()[-1] + "\n")
        print(f"{onnx.name}: {problem.read_text().strip() if problem.exists() else f'{onnx.stat().st_size} bytes'}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        convert(*sys.argv[1:])
    else:
        main()
