"""Sizes and classes of every data set, the SHA-256 of its arrays, and how runs may change it.

A new one has an entry in `SPECS`, and in `lcs.data.download` where it comes from.
"""

from dataclasses import dataclass
from typing import Any

from lcs.errors import ConfigError, did_you_mean

KEYS = ("train_images", "train_labels", "test_images", "test_labels")

# what `Config.augment`, `Config.images` and `Config.labels` may be
AUGMENTATIONS = ("none", "flip-crop", "crop", "autoaugment", "autoaugment-first", "time-shift")
IMAGE_KINDS = ("natural", "gaussianised", "gaussian", "phase-scrambled", "noise")
LABEL_KINDS = ("true", "shuffled", "shuffled-first")


@dataclass(frozen=True)
class DatasetSpec:
    """Sizes and classes of a data set, and the SHA-256 of its arrays one after the other."""

    class_names: str
    train_size: int
    test_size: int
    image_shape: tuple[int, int, int]
    sha256: str = ""  # none is known
    packaged: bool = False  # it comes with scikit-learn, and is never downloaded

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their labels."""
        return tuple(self.class_names.split())

    @property
    def network(self) -> dict[str, Any]:
        """What a network for it is built with: arguments of `lcs.models.build`, by name."""
        size, _, channels = self.image_shape
        return {"num_classes": len(self.classes), "image_size": size, "in_channels": channels}

    def shape(self, key: str) -> tuple[int, ...]:
        """Return the shape of one of `KEYS`."""
        size = self.train_size if key.startswith("train") else self.test_size
        return (size, *self.image_shape) if key.endswith("images") else (size,)


_CIFAR10 = "airplane automobile bird cat deer dog frog horse ship truck"
_CIFAR100 = """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly
    camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile
    cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp
    lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom
    oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
    possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake
    spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor
    train trout tulip turtle wardrobe whale willow_tree wolf woman worm
"""
_DIGITS = "0 1 2 3 4 5 6 7 8 9"

_SHA256 = {
    "cifar10": "68bf8c061ea4b9629ee2065f09ce56e182209bfe130f8b1247f49bde0c1bff37",
    "cifar100": "a0b22880c24b458fd46f58c46631d93cdd18fc134707773870feb0c68c3e42b0",
    "fsdd": "db7ff83a5a52b2d45a96aa7e45f7c71914aba9936d2ba1f30d3e52cddd0b2947",
    "process-0.1": "351131bd52cf098a8ced0f6efd7291c03b3661e5e24372118fa7fede8158f6f0",
    "process-1": "6ce108d1da680c2a3884c676aa22b8499d3b3e803af2c91300c6644584282b38",
    "process-3": "12bb0101835431939ca855017a8833ab20a6a7b3b28b20fe0f5bc2c7761b2344",
    "process-3-clone": "58a33f529b065835a2fed711bd75a2caaf6e04dcd5b962048f39f7cf8a988fdc",
    "digits": "29fb1cc6d55af16174efdd5ce8682c458af89de8cfe68bb34bc6332985ec182c",
}

SPECS = {
    "cifar10": DatasetSpec(_CIFAR10, 50_000, 10_000, (32, 32, 3), _SHA256["cifar10"]),
    "cifar100": DatasetSpec(_CIFAR100, 50_000, 10_000, (32, 32, 3), _SHA256["cifar100"]),
    "svhn": DatasetSpec(_DIGITS, 73_257, 26_032, (32, 32, 3)),
    "fsdd": DatasetSpec(_DIGITS, 2_000, 1_000, (32, 32, 1), _SHA256["fsdd"]),
    **{
        name: DatasetSpec("short long", 20_000, 4_000, (32, 32, 1), _SHA256[name])
        for name in ("process-0.1", "process-1", "process-3", "process-3-clone")
    },
    "digits": DatasetSpec(_DIGITS, 1_442, 355, (8, 8, 1), _SHA256["digits"], packaged=True),
}
DATASETS = tuple(SPECS)


def spec(name: str) -> DatasetSpec:
    """Return the specification of a data set, without loading it; ConfigError: unknown name."""
    if name not in SPECS:
        close = did_you_mean(name, DATASETS)
        raise ConfigError(f"unknown data set {name!r}: choose one of {', '.join(DATASETS)}{close}")
    return SPECS[name]
