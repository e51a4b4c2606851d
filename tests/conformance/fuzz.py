"""Conformance with seeds that were not tried before, for as long as asked.

    python tests/conformance/fuzz.py [--minutes M] [--first SEED] [FAMILY...]

Round after round draws cases of all families, or of those named, and runs them on the reference and
on the kernels. Ends at the first round with a failure, whose cases stay in
target/tests/conformance/some; the seeds in the cases' names rebuild them.
"""

import argparse
import os
import random
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
CASES = 40  # of each operator and form in a round


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--first", type=int, default=random.randrange(1000, 2**31), help="first seed")
    parser.add_argument("family", nargs="*", help="only these operators")
    args = parser.parse_args()
    families = args.family
    if not families:
        import operators
        operators.modules()
        families = list(operators.FAMILIES)
    end = time.monotonic() + 60 * args.minutes
    first = args.first
    while True:
        print(f"seeds from {first}", flush=True)
        generate = [sys.executable, str(HERE / "generate.py"), "--cases", str(CASES), "--first", str(first)]
        subprocess.run([*generate, *families], check=True)
        test = ["cargo", "test", "--quiet", "--test", "conformance", "operators"]
        environment = os.environ | {"CONFORMANCE_SUITE": "some", "RUST_BACKTRACE": "0"}
        if subprocess.run(test, cwd=HERE.parents[1], env=environment).returncode != 0:
            sys.exit(f"failed with seeds from {first}")
        first += 1_000_000
        if time.monotonic() > end:
            break
    print("no differences found")


if __name__ == "__main__":
    main()
