"""Every network of the recipe: which family, how large, in which numeric forms."""

from dataclasses import dataclass, field
from importlib import import_module

FORMS = ("float32", "float16", "dynamic_range", "int8", "int8_float_edges")


@dataclass(frozen=True)
class Network:
    """One member of a family."""

    family: str  # a module of recipe.families
    height: int
    width: int
    seed: int
    forms: tuple = FORMS
    batch: int | None = 1  # None is Keras's default, a dynamic batch
    options: dict = field(default_factory=dict)  # what the family's build() takes besides

    def build(self, batch):
        """The Keras model, its weights not set yet."""
        module = import_module(f"recipe.families.{self.family}")
        return module.build(self.height, self.width, batch=batch, **self.options)


# Committed, in models/networks: small, so that all their forms together are a few megabytes.
SMALL = {
    "unet_resnet": Network("unet_resnet", 64, 64, seed=1, batch=None, forms=(*FORMS, "int16")),
    "shufflenet_unet": Network("shufflenet_unet", 64, 96, seed=12, batch=None),
    "mobilenetv2_deeplab": Network("mobilenetv2_deeplab", 96, 96, seed=3, forms=(*FORMS, "uint8", "int16")),
    "mobilenetv3_lraspp": Network("mobilenetv3_lraspp", 96, 64, seed=4),
    "fast_scnn": Network("fast_scnn", 96, 96, seed=5, forms=(*FORMS, "uint8")),
    "bisenet_v2": Network("bisenet_v2", 64, 96, seed=6),
    "pp_liteseg": Network("pp_liteseg", 96, 96, seed=7),
    "hrnet": Network("hrnet", 64, 80, seed=8),
    "multiclass_selfie": Network("multiclass_selfie", 64, 64, seed=9),
    "espnet": Network("espnet", 64, 64, seed=10),
}

# Built on demand for the bench (models/build.py --bench): the sizes that notes on speed are about.
SPEED = ("float32", "int8_float_edges")
BENCH = {
    "mobilenetv2_deeplab_256": Network(
        "mobilenetv2_deeplab", 256, 256, seed=21, forms=SPEED, options={
            "stem": 16,
            "stages": [(8, 1, 1, 1), (16, 2, 2, 1), (16, 3, 2, 1), (32, 4, 2, 1), (48, 3, 1, 1), (80, 3, 1, 2),
                       (160, 1, 1, 2)],
            "expansion": 6, "head": 128, "low": 32, "rates": (6, 12), "classes": 2, "finish": "logits"}),
    "mobilenetv3_lraspp_256": Network(
        "mobilenetv3_lraspp", 256, 256, seed=22, forms=SPEED, options={
            "stem": 16, "head": 128, "stages": [
                (3, 1, 16, True, "relu", 2), (3, 4.5, 24, False, "relu", 2), (3, 88 / 24, 24, False, "relu", 1),
                (5, 4, 40, True, "hard_swish", 2), (5, 6, 40, True, "hard_swish", 1),
                (5, 6, 40, True, "hard_swish", 1), (5, 3, 48, True, "hard_swish", 1),
                (5, 3, 48, True, "hard_swish", 1), (5, 6, 96, True, "hard_swish", 1),
                (5, 6, 96, True, "hard_swish", 1), (5, 6, 96, True, "hard_swish", 1)]}),
    "shufflenet_unet_192": Network(
        "shufflenet_unet", 192, 192, seed=23, forms=SPEED,
        options={"stem": 24, "widths": (48, 96, 192), "blocks": 3}),
    "unet_resnet_128": Network(
        "unet_resnet", 128, 128, seed=24, forms=SPEED, options={"widths": (16, 24, 48, 64)}),
}
