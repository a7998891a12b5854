"""What the pages call methods, networks, data and settings."""

from lcs.config import Config
from lcs.data.gaussian_process import PROCESSES

NETWORKS = {
    model: model.upper()
    for model in ("s-conv", "s-local", "s-fc", "d-conv", "d-local", "d-fc", "3-fc")
}
DATASETS = {
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "svhn": "SVHN",
    "fsdd": "spoken digits",
    **dict.fromkeys(PROCESSES, "the nonlinear process"),
}
AUGMENTATIONS = {
    "none": "no augmentation",
    "flip-crop": "flips and crops",
    "time-shift": "shifts in time",
    "autoaugment": "AutoAugment",
    "autoaugment-first": "AutoAugment before flips and crops",
}
# layers of the shallow networks
LAYERS = {"conv1": "first layer", "fc1": "second layer", "fc2": "third layer"}
# fields of a configuration, as tables head them
FIELD_LABELS = {
    "dataset": "data", "base_channels": "α", "epochs": "epochs", "augment": "augmentation",
    "lr": "η", "momentum": "momentum", "weight_decay": "weight decay", "l1": "λ, first layer",
    "l1_rest": "λ, other layers", "l1_growth": "growth of λ", "l1_window_size": "window",
    "frozen_zeros": "frozen zeros", "precision": "precision", "affine": "scale and shift",
    "bias": "biases", "schedule": "learning rate", "period": "cosine's period",
}  # fmt: skip


def method_name(config: Config) -> str:
    """Return what was done, as the pages call it.

    Of S-FC the training: plain SGD, tuned SGD (with momentum or weight decay), plain ℓ1 (β = 0),
    β-LASSO (β = 50; else its β follows), proximal ℓ1 or spred. Of other networks their name, and
    the training unless it is SGD.
    """
    if config.optimizer == "sgd":
        training = "tuned SGD" if config.momentum or config.weight_decay else "plain SGD"
        if config.model != "s-fc":
            return NETWORKS.get(config.model, config.model)
    elif config.optimizer == "beta-lasso":
        lasso = "plain ℓ1" if config.beta == 0 else f"β-LASSO, β = {config.beta:g}"
        training = "β-LASSO" if config.beta == 50 else lasso
    else:
        training = {"proximal-l1": "proximal ℓ1"}.get(config.optimizer, config.optimizer)
    if config.model == "s-fc":
        return training
    return f"{NETWORKS.get(config.model, config.model)}, {training}"


def setting_name(config: Config) -> str:
    """Return width, length and augmentation of a run, for the banner of a section."""
    augmentation = AUGMENTATIONS.get(config.augment, config.augment)
    data = DATASETS.get(config.dataset, config.dataset)
    return f"{data}, α = {config.base_channels}, {config.epochs} epochs, {augmentation}"
