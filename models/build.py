"""Rebuilds the networks and artefacts of this folder with TensorFlow, and compares them with the committed files.

    python models/build.py [--only NAME] [--write]     the committed ones
    python models/build.py --bench [--only NAME]       larger ones, into target/models/bench

NAME is a network of `recipe/registry.py`, or `artefacts`. With --write the committed files are replaced.
Needs `models/requirements.txt`; `make models` sets that up. Everything comes from seeds, so on the same
kind of processor the bytes are the same; on another, activations differ in their last bits, and with
them weights and scales.
"""

import argparse
import contextlib
import hashlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILT = HERE.parent / "target/models/built"
BENCH = HERE.parent / "target/models/bench"
INDEX = HERE / "built.json"  # {file: sha256}
ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",  # its kernels add in an order of their own
    "CUDA_VISIBLE_DEVICES": "",
    "PYTHONPATH": str(HERE),
}


def build_network(name, network, folder):
    """Writes one network in all its forms, and TFLite's results for it."""
    from recipe import condition, convert, golden

    model = network.build(None)
    condition.condition(model, network.seed)
    condition.check(model)
    if network.batch is not None:
        static = network.build(network.batch)
        static.set_weights(model.get_weights())
        model = static
    folder.mkdir(parents=True, exist_ok=True)
    results = {}
    for form in network.forms:
        with contextlib.redirect_stdout(io.StringIO()):
            data = convert.convert(model, form)
        (folder / f"{form}.tflite").write_bytes(data)
        results |= {f"{form}.{i}": y for i, y in enumerate(golden.sampled_results(data))}
        print(f"{name}/{form}.tflite: {len(data)} bytes", flush=True)
    golden.save(folder / "golden.npz", results)


def build_artefacts(folder):
    import keras

    from recipe.artefacts import ARTEFACTS

    folder.mkdir(parents=True, exist_ok=True)
    for name, write in ARTEFACTS.items():
        keras.backend.clear_session()
        with contextlib.redirect_stdout(io.StringIO()):
            data = write()
        (folder / f"{name}.tflite").write_bytes(data)
        print(f"artefacts/{name}.tflite: {len(data)} bytes", flush=True)


def build_one(name):
    """In a process of its own: TensorFlow numbers its names from the start of the process."""
    from recipe import registry

    if name == "artefacts":
        build_artefacts(BUILT / "artefacts")
    elif name in registry.SMALL:
        build_network(name, registry.SMALL[name], BUILT / "networks" / name)
    else:
        build_network(name, registry.BENCH[name], BENCH / name)


def compare(name):
    """Says of each file how it differs from the committed one; true where none differs by more than rounding."""
    from recipe import comparison

    folder = Path("artefacts") if name == "artefacts" else Path("networks") / name
    index = json.loads(INDEX.read_text())
    fine = True
    for path in sorted((BUILT / folder).iterdir()):
        file = str(folder / path.name)
        committed = HERE / file
        if not committed.exists():
            difference = "is not committed"
        elif hashlib.sha256(path.read_bytes()).hexdigest() == index[file]:
            continue
        else:
            difference = comparison.difference(path, committed)
        if difference:
            fine = False
            print(f"{file} {difference}")
        else:
            print(f"{file} differs from the committed one by rounding only")
    return fine


def write(name):
    """Replaces the committed files of a network, and its lines in the index."""
    folder = Path("artefacts") if name == "artefacts" else Path("networks") / name
    index = json.loads(INDEX.read_text()) if INDEX.exists() else {}
    index = {file: digest for file, digest in index.items() if Path(file).parent != folder}
    (HERE / folder).mkdir(parents=True, exist_ok=True)
    for old in (HERE / folder).iterdir():
        old.unlink()
    for path in (BUILT / folder).iterdir():
        (HERE / folder / path.name).write_bytes(path.read_bytes())
        index[str(folder / path.name)] = hashlib.sha256(path.read_bytes()).hexdigest()
    INDEX.write_text(json.dumps(dict(sorted(index.items())), indent=1) + "\n")


def main():
    from recipe import registry

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", metavar="NAME")
    parser.add_argument("--write", action="store_true", help="replace the committed files")
    parser.add_argument("--bench", action="store_true", help="the larger networks of the bench")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        return build_one(args.one)
    known = list(registry.BENCH) if args.bench else [*registry.SMALL, "artefacts"]
    names = [args.only] if args.only else known
    if names[0] not in known:
        sys.exit(f"no network is called {names[0]}; there are {', '.join(known)}")
    fine = True
    for name in names:
        command = [sys.executable, __file__, "--one", name]
        finished = subprocess.run(command, env=os.environ | ENVIRONMENT, stderr=subprocess.PIPE, text=True)
        if finished.returncode != 0:
            sys.exit(f"{name} cannot be built:\n{finished.stderr[-3000:]}")
        if args.write and not args.bench:
            write(name)
        elif not args.bench:
            fine = compare(name) and fine
    if not fine:
        sys.exit("not what is committed: --write replaces it")


if __name__ == "__main__":
    main()
