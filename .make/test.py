"""Runs every suite of tests, goes on after a failing one, and ends with "N passed, N failed" over all of them.

    python .make/test.py [SUITE...]     which suites: see SUITES; all of them when none is named

Started by `make test`, which has built everything first.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NATIVE = ROOT / "target/rust/native"
MINUTES = 20  # a suite that takes longer hangs

# How the test programs in use sum up: Rust's harness (native and in the browser), and Node's.
RUST = re.compile(r"test result: .*?(\d+) passed; (\d+) failed")
NODE = re.compile(r"^(?:ℹ|#) (pass|fail|cancelled) (\d+)")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def component(name):
    """Is this part of the native toolchain installed? rustup leaves a program there even when it is not."""
    program = NATIVE / name
    return program.exists() and subprocess.run([program, "--version"], capture_output=True).returncode == 0


# These hold frame rates, or times against each other: nothing runs beside them.
TIMED = {"others", "pace", "workshop"}


def browser_tests(timed):
    """The command that runs those of tests/browser that are timed, or the others, two files at a time."""
    files = sorted((ROOT / "tests/browser").glob("*.test.mjs"))
    chosen = [str(path.relative_to(ROOT)) for path in files if (path.name.split(".")[0] in TIMED) == timed]
    return ["node", "--test", "--test-reporter=spec", f"--test-concurrency={1 if timed else 2}", *chosen]


# A newer clippy has lints that were unknown when this was written: only continuous integration insists.
STRICT = ["--", "-D", "warnings"] if os.environ.get("CI") else []

# name: (command, folder, needs). A suite whose program prints no counts is one test.
SUITES = {
    "format": (["cargo", "fmt", "--check"], ".", "cargo-fmt"),
    "clippy": (["cargo", "clippy", "--quiet", "--all-targets", *STRICT], ".", "cargo-clippy"),
    "types": (["npm", "run", "--silent", "typecheck"], "www", None),
    "expected": ([sys.executable, "tests/conformance/generate.py"], ".", None),
    "fixtures": ([sys.executable, "tests/browser/fixtures.py"], ".", None),
    "native": (["cargo", "test", "--quiet", "--no-fail-fast"], ".", None),
    "rewritten": ([sys.executable, "tests/conformance/rewritten.py"], ".", None),
    "lab": ([sys.executable, "tests/conformance/lab.py"], ".", None),
    "matrix": ([sys.executable, "tests/conformance/matrix.py", "--check"], ".", None),
    "kernels-simd": ([".make/kernels.sh", "simd"], ".", None),
    "kernels-relaxed": ([".make/kernels.sh", "relaxed"], ".", None),
    "bench": (["node", "--test", "--test-reporter=spec", "tests/bench/figures.test.mjs"], ".", None),
    "browser": (browser_tests(timed=False), ".", None),
    "browser-timed": (browser_tests(timed=True), ".", None),
}


# What only makes data for the others: no test, but without it they fail.
PREPARING = {"expected", "fixtures"}


def run(name):
    """Runs one suite, showing what it prints. Returns (passed, failed)."""
    command, folder, _ = SUITES[name]
    environment = os.environ | {
        "PATH": os.pathsep.join([str(NATIVE), str(ROOT / "target/tools/bin"), os.environ["PATH"]]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    process = subprocess.Popen(
        command, cwd=ROOT / folder, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
    )
    late = threading.Event()

    def end():
        late.set()
        os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(MINUTES * 60, end)
    timer.start()
    passed = failed = 0
    counted = False
    for line in process.stdout:
        print(line, end="", flush=True)
        line = COLOURS.sub("", line)
        if match := RUST.search(line):
            passed, failed, counted = passed + int(match[1]), failed + int(match[2]), True
        elif match := NODE.match(line):
            counted = True
            if match[1] == "pass":
                passed += int(match[2])
            else:
                failed += int(match[2])
    code = process.wait()
    timer.cancel()
    if late.is_set():
        print(f"{name}: ended after {MINUTES} minutes")
    if code != 0 and failed == 0:
        failed = 1  # it did not compile, or broke off before it could count
    elif code == 0 and not counted and name not in PREPARING:
        passed = 1
    return passed, failed


def main():
    names = sys.argv[1:] or list(SUITES)
    if unknown := [name for name in names if name not in SUITES]:
        sys.exit(f"no suite is called {', '.join(unknown)}; there are {', '.join(SUITES)}")
    rows = []
    for name in names:
        needs = SUITES[name][2]
        if needs and not component(needs):
            print(f"---- {name}: left out, this Rust has no {needs}", flush=True)
            continue
        print(f"---- {name}: {' '.join(map(str, SUITES[name][0]))}", flush=True)
        start = time.monotonic()
        rows.append((name, *run(name), time.monotonic() - start))

    width = shutil.get_terminal_size().columns
    print("-" * min(width, 48))
    for name, passed, failed, seconds in rows:
        print(f"{name:<16}{passed:>6} passed{failed:>6} failed{seconds:>8.0f} s")
    failed = sum(row[2] for row in rows)
    print(f"{sum(row[1] for row in rows)} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
