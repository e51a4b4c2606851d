"""What the browser tests show and expect, made in target/tests/browser.

    python tests/browser/fixtures.py

picture.png           640x480, a real person
camera.y4m            the same as a still film, for a fake camera
camera.png            the film's frame, after its way through 4:2:0
NAME.WxH.u8           TFLite's mask of NAME.png, 0..255, row-major, at the model's and the picture's size
picture-192.WxH.u8    the same from the model made for 192x192 pixels
NETWORK.tflite        of models/, int8 in and out; NETWORK.rgba a picture of its size, NETWORK.u8 its mask by TFLite
*.tflite              files that are no models, damaged models, models that cannot run
sweep.json            how far TFLite's masks of picture.png at other sizes agree with that at 256x256
fixtures.json         what the pictures show, in numbers
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "conformance"))

import pictures  # noqa: E402
import selfie  # noqa: E402
import tflite  # noqa: E402
from ai_edge_litert import schema_py_generated as schema  # noqa: E402

OUT = selfie.ROOT / "target/tests/browser"
WIDTH, HEIGHT = 640, 480
# Sides at which masks are compared with that of 256.
SWEPT = [96, 128, 160, 192, 224, 256, 320]
# int8 networks that end in scores of classes, and in their probabilities.
QUANTIZED = {"mobilenetv3_lraspp": False, "multiclass_selfie": True}


def picture():
    """The astronaut, cut to 4:3."""
    return pictures.astronaut().crop((0, 0, 512, 384)).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)


def to_420(rgb):
    """RGB [h, w, 3] bytes → BT.601 studio-range planes Y [h, w], U and V [h/2, w/2]."""
    r, g, b = (rgb[..., i].astype(np.float32) / 255 for i in range(3))
    y = 16 + 65.481 * r + 128.553 * g + 24.966 * b
    u = 128 - 37.797 * r - 74.203 * g + 112 * b
    v = 128 + 112 * r - 93.786 * g - 18.214 * b
    half = [p.reshape(HEIGHT // 2, 2, WIDTH // 2, 2).mean(axis=(1, 3)) for p in (u, v)]
    return [np.clip(np.rint(p), 0, 255).astype(np.uint8) for p in (y, *half)]


def from_420(y, u, v):
    """The inverse, as a picture."""
    y = (y.astype(np.float32) - 16) / 219
    u, v = (p.astype(np.float32).repeat(2, 0).repeat(2, 1) / 224 - 128 / 224 for p in (u, v))
    rgb = np.stack([y + 1.402 * v, y - 0.344136 * u - 0.714136 * v, y + 1.772 * u], axis=-1)
    return Image.fromarray(np.clip(np.rint(rgb * 255), 0, 255).astype(np.uint8))


def write_masks(name, image, size=None):
    """TFLite's mask of a picture, at the model's size and at the picture's; returns its share."""
    data = selfie.load("selfie_segmentation")
    if size:
        data = selfie.resized(data, *size)
    x = pictures.stretched(image, selfie.input_size(data))
    mask = tflite.invoke(tflite.interpreter(data), [x])[0]
    small = Image.fromarray((mask[0, :, :, 0] * 255).round().astype(np.uint8))
    large = small.resize(image.size, Image.Resampling.BILINEAR)
    for m in (small, large):
        (OUT / f"{name}.{m.width}x{m.height}.u8").write_bytes(m.tobytes())
    return float((np.asarray(large) >= 128).mean())


def write_sweep(image):
    """IoU and agreement of TFLite's masks at other sizes with that at 256, stretched over the picture, at one half."""
    data = selfie.load("selfie_segmentation")
    masks = {}
    for side in SWEPT:
        made = data if side == 256 else selfie.resized(data, side, side)
        mask = tflite.invoke(tflite.interpreter(made), [pictures.stretched(image, [side, side])])[0][0, :, :, 0]
        masks[side] = np.asarray(Image.fromarray(mask).resize(image.size, Image.Resampling.BILINEAR)) >= 0.5
    own = masks[256]
    rows = {side: {"iou": float((m & own).sum() / (m | own).sum()), "agreement": float((m == own).mean())}
            for side, m in masks.items()}
    (OUT / "sweep.json").write_text(json.dumps(rows, indent=1))


def write_quantized(name, ends_in_probabilities):
    """An int8 network, a picture of its size, and what is not background of it, 0..255, as TFLite has it."""
    data = (selfie.ROOT / f"models/networks/{name}/int8.tflite").read_bytes()
    engine = tflite.interpreter(data)
    source, made = engine.get_input_details()[0], engine.get_output_details()[0]
    height, width = (int(d) for d in source["shape"][1:3])
    image = pictures.astronaut().resize((width, height), Image.Resampling.BICUBIC)
    x = tflite.Scales(np.int8, *source["quantization"]).quantize(np.asarray(image)[None] / 255)
    y = tflite.Scales(np.int8, *made["quantization"]).dequantize(tflite.invoke(engine, [x])[0])
    probabilities = y if ends_in_probabilities else np.exp(y) / np.exp(y).sum(-1, keepdims=True)
    (OUT / f"{name}.tflite").write_bytes(data)
    (OUT / f"{name}.rgba").write_bytes(image.convert("RGBA").tobytes())
    mask = np.clip(np.rint((1 - probabilities[..., 0]) * 255), 0, 255).astype(np.uint8)
    (OUT / f"{name}.u8").write_bytes(mask.tobytes())


def write_bad_models():
    """Files that must be refused, and a tiny one that must not."""
    model = selfie.load("selfie_segmentation")
    (OUT / "not-a-model.tflite").write_bytes(b"<!doctype html><title>404</title>" * 50)
    (OUT / "truncated.tflite").write_bytes(model[: len(model) // 2])
    # The root table's offset points behind the end of the file.
    (OUT / "corrupted.tflite").write_bytes(b"\xf0\xff\xff\x7f" + model[4:])
    b = tflite.Builder("unsupported")
    shape = (1, 8, 8, 3)
    [x] = b.op("RELU", [b.input(shape)], results=[b.tensor(shape)])
    b.output(*b.op("NobodyKnowsThis", [x], custom=b"", results=[b.tensor(shape)]))
    (OUT / "unsupported.tflite").write_bytes(b.finish())
    # Adds 1, 2 and 3 to the channels: a model whose results one can do in one's head.
    b = tflite.Builder("tiny")
    x = b.input((1, 8, 8, 3))
    b.output(*b.op("ADD", [x, b.const(np.float32([1, 2, 3]))], schema.AddOptionsT(), [b.tensor(shape)]))
    (OUT / "tiny.tflite").write_bytes(b.finish())
    # The same in int8: steps of 0.5 from -3 in, of 1 from 4 out.
    b = tflite.Builder("tiny int8")
    scales, made = tflite.Scales(np.int8, 0.5, -3), tflite.Scales(np.int8, 1.0, 4)
    x = b.input(shape, np.int8, scales)
    constant = b.const(scales.quantize(np.float32([1, 2, 3])), scales)
    result = b.tensor(shape, np.int8, "result", made)
    b.output(*b.op("ADD", [x, constant], schema.AddOptionsT(), [result]))
    (OUT / "tiny-int8.tflite").write_bytes(b.finish())


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    sources = [Path(__file__), *sorted((selfie.ROOT / "tests/conformance").glob("*.py"))]
    digest = hashlib.sha256(b"".join(p.read_bytes() for p in sources)).hexdigest()
    stamp = OUT / "stamp"
    if stamp.exists() and stamp.read_text() == digest:
        print("browser fixtures are up to date")
        return
    still = picture()
    still.save(OUT / "picture.png")
    planes = to_420(np.asarray(still))
    with open(OUT / "camera.y4m", "wb") as film:
        film.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F15:1 Ip A1:1 C420jpeg\n".encode())
        for _ in range(15):
            film.write(b"FRAME\n" + b"".join(p.tobytes() for p in planes))
    filmed = from_420(*planes)
    filmed.save(OUT / "camera.png")
    share = write_masks("picture", still)
    camera_share = write_masks("camera", filmed)
    write_masks("picture-192", still, [192, 192])
    write_sweep(still)
    write_bad_models()
    for name, ends_in_probabilities in QUANTIZED.items():
        write_quantized(name, ends_in_probabilities)
    facts = {"width": WIDTH, "height": HEIGHT, "personShare": share, "cameraPersonShare": camera_share}
    (OUT / "fixtures.json").write_text(json.dumps(facts, indent=1))
    stamp.write_text(digest)
    print(f"browser fixtures made; the person covers {share:.1%} of the picture")


if __name__ == "__main__":
    main()
