"""The support matrix in the README: cases that agree with TFLite, by operator and numeric form.

    python tests/conformance/matrix.py [--check]

Made from the counts that `cargo test --test conformance` leaves. With --check the README stays as it
is, and must have this very table, with every case passed.
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COUNTS = ROOT / "target/tests/conformance"
RUNS = ["Reference.1", "Kernels.1", "Kernels.2"]
README = ROOT / "README.md"
BEGIN = "<!-- Made by tests/conformance/matrix.py: do not edit. -->\n"
END = "<!-- End of what matrix.py made. -->"
COLUMNS = ["float32", "float16", "dynamic", "int8", "uint8", "int16", "int32", "int64", "bool"]


def merged():
    """{operator: {form: [passed in all runs, cases]}}."""
    together = {}
    for run in RUNS:
        path = COUNTS / f"counts.{run}.json"
        if not path.exists():
            sys.exit(f"{path} is missing: cargo test --test conformance makes it")
        for operator, forms in json.loads(path.read_text()).items():
            for form, (passed, cases) in forms.items():
                known = together.setdefault(operator, {}).setdefault(form, [passed, cases])
                known[0] = min(known[0], passed)
    return together


def cell(count):
    if count is None:
        return ""
    passed, cases = count
    return f"{passed}" if passed == cases else f"**{passed}/{cases}**"


def table(counts):
    unknown = {form for forms in counts.values() for form in forms} - set(COLUMNS)
    assert not unknown, f"forms without a column: {unknown}"
    columns = [c for c in COLUMNS if any(c in forms for forms in counts.values())]
    lines = [f"| operator | {' | '.join(columns)} |", "|---|" + "--:|" * len(columns)]
    for operator in sorted(counts, key=lambda name: (not name.isupper(), name)):
        cells = [cell(counts[operator].get(form)) for form in columns]
        lines.append(f"| {operator} | {' | '.join(cells)} |".replace("  ", " "))
    return "\n".join(lines) + "\n"


def main():
    counts = merged()
    text = README.read_text()
    if BEGIN not in text or END not in text:
        sys.exit("README.md has no place for the support matrix")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    new = before + BEGIN + table(counts) + END + after
    passed = sum(p for forms in counts.values() for p, _ in forms.values())
    cases = sum(c for forms in counts.values() for _, c in forms.values())
    print(table(counts) + f"{passed} of {cases} cases passed in all of {', '.join(RUNS)}")
    if "--check" not in sys.argv:
        README.write_text(new)
    elif new != text:
        sys.exit("the support matrix in README.md is not what the tests give: "
                 "run python tests/conformance/matrix.py")
    elif passed != cases:
        sys.exit(f"{cases - passed} cases differ from TFLite")


if __name__ == "__main__":
    main()
