"""Sizes and classes of every data set, and the SHA-256 of its arrays in canonical order.

A new one has an entry in `SPECS`, and in `lcs.data.download` where it comes from.
"""

from dataclasses import dataclass
from typing import Any

from lcs.errors import ConfigError, did_you_mean

KEYS = ("train_images", "train_labels", "test_images", "test_labels")

CIFAR10_CLASSES = "airplane automobile bird cat deer dog frog horse ship truck"
CIFAR100_CLASSES = """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly
    camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile
    cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp
    lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom
    oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
    possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake
    spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor
    train trout tulip turtle wardrobe whale willow_tree wolf woman worm
"""
DIGIT_CLASSES = "0 1 2 3 4 5 6 7 8 9"


@dataclass(frozen=True)
class DatasetSpec:
    """Sizes and classes of a data set, and the SHA-256 of its arrays (empty if none is pinned)."""

    classes: tuple[str, ...]
    train_size: int
    test_size: int
    image_shape: tuple[int, int, int]
    sha256: dict[str, str]
    packaged: bool = False  # it comes with scikit-learn, and is never downloaded

    @property
    def network(self) -> dict[str, Any]:
        """What a network for it is built with: arguments of `lcs.models.build`, by name."""
        size, _, channels = self.image_shape
        return {"num_classes": len(self.classes), "image_size": size, "in_channels": channels}

    def shape(self, key: str) -> tuple[int, ...]:
        """Return the shape of one of `KEYS`."""
        size = self.train_size if key.startswith("train") else self.test_size
        return (size, *self.image_shape) if key.endswith("images") else (size,)


SPECS = {
    "cifar10": DatasetSpec(
        tuple(CIFAR10_CLASSES.split()),
        train_size=50_000,
        test_size=10_000,
        image_shape=(32, 32, 3),
        sha256={
            "train_images": "f799e8d246a8e52c84397c3c856a32809ff00c153b339b7fd57c723b0b454100",
            "train_labels": "a29f2a5ffc141bb1c9e1af453e9a5ef8c316b2f675f8cea1d849d220d33a14fb",
            "test_images": "b726c0776fa6529b7083cf65b3fcea9ab2e4609ac1d7632ba4fb80851c88aa62",
            "test_labels": "a054c239a40ee7f2a5745e7e4bc11a51e9cb40c98134b602c1068e6a207487c6",
        },
    ),
    "cifar100": DatasetSpec(
        tuple(CIFAR100_CLASSES.split()),
        train_size=50_000,
        test_size=10_000,
        image_shape=(32, 32, 3),
        sha256={
            "train_images": "a678f5ab6ac125c4dfba98c64d1562b510eff50354e165b75e65d808f7be34c5",
            "train_labels": "24e451cae1d0bb4af05bb556f43f7442043340bdc64d9e1896c2ad19efa810d1",
            "test_images": "8532fd42ce092c665328a7201998ab7e8768dad37afff89be94e13106523a495",
            "test_labels": "7335f3ca04ad4876c5479947470a13b869b8fe2143b1077bb51b95a0c23892b1",
        },
    ),
    "svhn": DatasetSpec(
        tuple(DIGIT_CLASSES.split()),
        train_size=73_257,
        test_size=26_032,
        image_shape=(32, 32, 3),
        sha256={},
    ),
    "fsdd": DatasetSpec(
        tuple(DIGIT_CLASSES.split()),
        train_size=2_000,
        test_size=1_000,
        image_shape=(32, 32, 1),
        sha256={
            "train_images": "278dece8f7309b87a61e2e1d3d468388c1111f6b4430ca4c29686e39d6ba3b60",
            "train_labels": "783ded2cd634604d77909249bf721cf46185a8401e95753ab3636fc8edcb816c",
            "test_images": "c4eac52bb95302481efe9c91e1889ccbe2bbc5b08188b1e7536ed52ec689e3b5",
            "test_labels": "19cab774765c7ba7873e2eb3cee313c084bbb20b53116334dd0e24cd06e8d4e5",
        },
    ),
    **{
        name: DatasetSpec(
            ("short", "long"),
            train_size=20_000,
            test_size=4_000,
            image_shape=(32, 32, 1),
            sha256={
                "train_images": train,
                "train_labels": "8405f9d0e76690bb1ee0b04c77319aaca838b6e87c56af934e3629fadb5f52c9",
                "test_images": test,
                "test_labels": "783ca80bc700828d175d697c910f77e9335dec57fc14fde7f872a11a8fe51418",
            },
        )
        for name, train, test in (
            (
                "process-0.1",
                "1450c709103bb3bd79d05b069a593a4eaa635f1bfd31c6b07d1049a3d9f3b527",
                "5340bf614d6a6702748e365a841355c89c15dcdb5f13c239f875cbac6d7464b7",
            ),
            (
                "process-1",
                "b0427c2a9b0a31059f051ec1f34b97cbe712e542e975931a7f62733e46fc0372",
                "816e4a4029536e0620b08f96296562d8df9f815e0c0b6620a0e2681724cce379",
            ),
            (
                "process-3",
                "6b1cc70039a037ce740049e2284ee786afd1a018795ee0df40c46770d4bfbcfc",
                "ccefd4823a91ed185462738d269af1903b02f58c711b960331a80bd9361e4fc0",
            ),
            (
                "process-3-clone",
                "95a80bd1781416146b0ccfdcf807988af520ddcbccd574713f68a312ea7d3413",
                "1b839172f78d38d1b3ab6c718147affe21bc93d47932248507c4335a0e94f936",
            ),
        )
    },
    "digits": DatasetSpec(
        tuple(DIGIT_CLASSES.split()),
        train_size=1_442,
        test_size=355,
        image_shape=(8, 8, 1),
        sha256={
            "train_images": "c6c389249fc254b34e7f02277b69396ce560701b3ba64513056ecb49698c28b8",
            "train_labels": "2078ed74fb96b47267ddbf69b793287a2613b6ad84220c803202ceebff387b1d",
            "test_images": "5acb748e2c730f91d6bd15ce92afe44b1bdb240dbe5bdd916634c43a128c09af",
            "test_labels": "a465727578eed052bd5b1cf309f00295217be9d36d8a26286a29a4a37b49ad01",
        },
        packaged=True,
    ),
}
DATASETS = tuple(SPECS)


def spec(name: str) -> DatasetSpec:
    """Return the specification of a data set, without loading it.

    Raises:
        ConfigError: unknown name.
    """
    if name not in SPECS:
        close = did_you_mean(name, DATASETS)
        raise ConfigError(f"unknown data set {name!r}: choose one of {', '.join(DATASETS)}{close}")
    return SPECS[name]
