"""Random legal single-operator files. One module for each family of operators, in which each
function that `family` marks builds the cases of one operator:

    @family("ADD", FORMS)
    def add(rng, g):
        ...            # draws shapes and attributes from rng, builds through g (forms.Graph)
        return about   # what it is, for people

It is called once for each form with the same numbers from rng, so what is drawn must not depend on
the form. It raises `Skip` where TFLite does not have what was drawn in g.form.
"""

import importlib
import pkgutil
from pathlib import Path


class Family:
    """The cases of one operator: how they are built, in which forms, and TFLite's kernels to compare
    with: 'xnnpack' (what TFLite does unless told otherwise: XNNPACK where that has a kernel, its
    optimized ones elsewhere), 'optimized', or 'reference' (its naive ones). `steps`: how far quantized
    results may be off: {form: steps}, 1 where nothing else is said; of results of several operators, the
    share `outliers` may be further off. `exact`: the forms in which our kernels, where those of the
    reference may be off, give TFLite's results bit for bit."""

    def __init__(self, name, forms, engine, steps, outliers, exact, build):
        self.name, self.forms, self.engine, self.build = name, forms, engine, build
        self.steps, self.outliers, self.exact = steps or {}, outliers, exact
        self.module = build.__module__.rsplit(".", 1)[-1]


FAMILIES = {}


def family(name, forms, engine="xnnpack", steps=None, outliers=0.0, exact=()):
    def register(build):
        if name in FAMILIES:
            raise ValueError(f"{name} has two families of cases")
        FAMILIES[name] = Family(name, forms, engine, steps, outliers, exact, build)
        return build
    return register


def modules():
    """Names of all modules with families, which are known after this."""
    names = sorted(m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)]) if m.name != "common")
    for name in names:
        importlib.import_module(f"operators.{name}")
    return names
