"""What the bench runs: every model with one input and TFLite's result for it, into target/bench.

    python tests/bench/prepare.py

Writes models.json, a list of {name, form, title, file, onnx, input, output, shape, elements, tolerance}, and raw
float32 files. Paths are relative to target/. Needs tests/requirements.txt, and the models that `make bench`
builds.
"""

import json
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/conformance"), str(ROOT / "models")]
import pictures  # noqa: E402
import selfie  # noqa: E402
import task_metadata  # noqa: E402
import tflite  # noqa: E402
from recipe import seeded  # noqa: E402

TARGET = ROOT / "target"
OUT = TARGET / "bench"

# What a result may differ by. Floats: the largest difference, as a share of the result's range. Integers inside:
# the mean difference, since single steps go their own ways through a network.
TOLERANCE = {"float32": {"largest": 1e-3}, "int8": {"mean": 1e-2}}
FORMS = {"float32": "float32", "int8_float_edges": "int8"}
TITLES = {
    "selfie_segmentation": "Selfie segmentation 256x256",
    "selfie_segmentation_landscape": "Selfie segmentation 144x256",
    "mobilenetv2_deeplab_256": "MobileNetV2 0.5 + DeepLabV3+ 256x256",
    "mobilenetv3_lraspp_256": "MobileNetV3-small + LR-ASPP 256x256",
    "shufflenet_unet_192": "ShuffleNetV2 U-Net 192x192",
    "unet_resnet_128": "ResNet U-Net 128x128",
}


def entry(name, form, file, data, picture):
    """One model: runs it, leaves input and result as files."""
    engine = tflite.interpreter(data)
    shape = [int(d) for d in engine.get_input_details()[0]["shape"]]
    x = picture(*shape[1:3])
    y, = tflite.invoke(engine, [x])
    paths = {what: OUT / f"{name}.{form}.{what}.f32" for what in ("input", "output")}
    paths["input"].write_bytes(np.ascontiguousarray(x, np.float32).tobytes())
    paths["output"].write_bytes(np.ascontiguousarray(y, np.float32).tobytes())
    return {
        "name": name if form == "float32" else f"{name}_{form}",
        "form": form,
        "title": TITLES[name] + ("" if form == "float32" else f", {form}"),
        "file": str(file.relative_to(TARGET)),
        "onnx": f"bench/onnx/{name}.{form}.onnx",
        **{what: str(path.relative_to(TARGET)) for what, path in paths.items()},
        "shape": shape,
        "elements": {"input": x.size, "output": y.size},
        "tolerance": TOLERANCE[form],
    }


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    entries = []
    for name in selfie.MODELS:
        data = selfie.load(name)
        # For what has no Convolution2DTransposeBias: the converter to ONNX.
        (OUT / f"{name}.plain.tflite").write_bytes(selfie.without_custom_operators(data))
        (OUT / f"{name}.task.tflite").write_bytes(task_metadata.with_metadata(data))
        entries.append(entry(name, "float32", ROOT / selfie.MODELS[name]["path"], data,
                             lambda h, w: pictures.stretched(pictures.astronaut(), (h, w))))
    for form, short in FORMS.items():
        for folder in sorted((TARGET / "models/bench").iterdir()):
            if folder.is_dir():
                file = folder / f"{form}.tflite"
                entries.append(entry(folder.name, short, file, file.read_bytes(),
                                     lambda h, w: seeded.picture(1, h, w)))
    for name, size in {"frame-640x480": (480, 640), "frame-1280x720": (720, 1280)}.items():
        rgb = (pictures.stretched(pictures.astronaut(), size)[0] * 255 + 0.5).astype(np.uint8)
        pixels = np.dstack([rgb, np.full(size, 255, np.uint8)])
        (OUT / f"{name}.rgba").write_bytes(pixels.tobytes())
    (OUT / "models.json").write_text(json.dumps(entries, indent=1) + "\n")


if __name__ == "__main__":
    main()
