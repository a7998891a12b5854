"""Data sets: one canonical order, and nothing bad passes for a data set."""

import gzip
import importlib.machinery
import importlib.util
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from helpers.small_images import (
    TRAIN,
    Trap,
    altered,
    assert_equal,
    canonical_arrays,
    error_of,
    pin,
    save,
)

from lcs import data
from lcs.data import download
from lcs.errors import ConfigError, DataError


def test_other_digits_are_refused(monkeypatch, tmp_path):
    source = data.dataset_path("digits")
    file = tmp_path / source.relative_to(source.parents[2])
    file.parent.mkdir(parents=True)
    spec = importlib.machinery.ModuleSpec("sklearn", None, origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    assert "does not exist" in error_of(data.load, "digits")
    lines = gzip.decompress(source.read_bytes()).replace(b"0,0,5,13", b"0,0,5,12", 1)
    wrong = {"altered": gzip.compress(lines), "end": source.read_bytes()[:-900]}
    for reason, content in wrong.items():
        file.write_bytes(content)
        message = error_of(data.load, "digits")
        assert str(file) in message
        assert reason in message
        assert message.endswith("install scikit-learn again")


def test_without_scikit_learn_digits_say_what_to_install(monkeypatch, folder):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for function in (data.load, data.verify, download.get):
        assert error_of(function, "digits").endswith("pip install -e '.[book]'")
    assert "pip install" in {name: found for name, _, found in data.available()}["digits"]


def test_mean_and_std_are_those_of_the_training_images_in_0_to_1(folder, arrays):
    save(folder / "cifar10.npz", arrays)
    images = data.load("cifar10")
    scaled = arrays["train_images"].astype(np.float64) / 255
    np.testing.assert_allclose(images.mean, scaled.mean(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(images.std, scaled.std(axis=(0, 1, 2)), rtol=1e-12)
    assert (len(images), images.image_size, images.in_channels) == (TRAIN, 32, 3)
    assert images.classes[3] == "cat"
    with pytest.raises(ConfigError, match="'halved'; choose from half, standard"):
        images.normalised(images.test_images, "halved")


@pytest.mark.parametrize("function", [data.load, data.dataset_path, download.get])
def test_an_unknown_name_is_refused_with_the_known_ones(function):
    with pytest.raises(ConfigError, match="'mnist': choose one of cifar10, cifar100, svhn, fsdd,"):
        function("mnist")


def test_the_validation_rows_are_the_last_tenth_of_each_class():
    labels = np.repeat(np.arange(3, dtype=np.uint8), [25, 9, 40])
    train, validation = data.split_validation(labels)
    assert validation.tolist() == [23, 24, 70, 71, 72, 73]
    assert train.tolist() == sorted({*range(74)} - {*validation.tolist()})
    assert train.dtype == validation.dtype == np.int64


def test_official_and_canonical_order_load_as_the_same_arrays(folder, arrays):
    expected = canonical_arrays(arrays)
    assert not np.array_equal(expected["train_labels"], arrays["train_labels"])
    for stored in (arrays, expected):
        save(folder / "cifar10.npz", stored)
        images = data.load("cifar10")
        assert_equal(images, expected)
        images.train_images[:] = 0  # every load gives arrays of its own


def swapped(arrays):
    arrays = canonical_arrays(arrays)
    arrays["train_images"][[0, 1]] = arrays["train_images"][[1, 0]]
    return arrays


BAD = {
    "altered: SHA-256": altered,
    "altered: SHA": swapped,
    "train_images has the wrong shape: uint8 (39, 32, 32, 3), expected uint8 (40, 32, 32, 3)": (
        lambda arrays: {key: array[:-1] for key, array in arrays.items()}
    ),
    "float32 (40, 32, 32, 3), expected uint8": (
        lambda arrays: arrays | {"train_images": arrays["train_images"].astype(np.float32)}
    ),
    "the file lacks test_labels": lambda arrays: {key: arrays[key] for key in data.KEYS[:3]},
    "train_labels has the label 10, expected 0 to 9": (
        lambda arrays: arrays | {"train_labels": arrays["train_labels"] + np.uint8(1)}
    ),
    "cannot be read (Object arrays cannot be loaded": (
        lambda arrays: arrays | {"train_labels": np.array([Trap("sprung")] * TRAIN, object)}
    ),
    "cannot be read (": lambda arrays: pickle.dumps(Trap("sprung")),
    "Is a directory": None,
    "cifar10 is missing, there is no": None,
}


@pytest.mark.parametrize("reason", BAD)
def test_a_bad_file_is_named_explained_and_kept(reason, monkeypatch, folder, arrays):
    path = folder / "cifar10.npz"
    folder.mkdir()
    monkeypatch.chdir(folder)
    if BAD[reason]:
        stored = BAD[reason](arrays)
        path.write_bytes(stored) if isinstance(stored, bytes) else save(path, stored)
    elif "directory" in reason:
        path.mkdir()
    before = path.read_bytes() if path.is_file() else None
    message = error_of(data.load, "cifar10")
    assert reason in message
    assert str(path) in message
    assert "run `lcs data get cifar10`" in message
    if path.exists():
        assert error_of(download.get, "cifar10") == message
    assert (path.read_bytes() if path.is_file() else None) == before
    assert not (folder / "sprung").exists()


def test_a_folder_that_is_a_file_is_named(folder, arrays):
    folder.write_text("")
    assert f"{folder}/cifar10.npz cannot be written" in error_of(download.get, "cifar10")


def test_wherever_a_file_is_cut_or_altered_it_is_refused(folder, arrays):
    path = save(folder / "cifar10.npz", arrays)
    content = path.read_bytes()
    generator = np.random.default_rng(0)
    for length in generator.integers(0, len(content), 25):
        path.write_bytes(content[:length])
        assert "cannot be read" in error_of(data.load, "cifar10")
    # the first bytes hold a zip and an npy header, the last ones the zip's directory
    for place in [5000, *range(0, 250, 4), *generator.integers(-900, 0, 50)]:
        changed = bytearray(content)
        changed[place] ^= generator.integers(1, 256)
        path.write_bytes(changed)
        try:
            images = data.load("cifar10")
        except DataError as error:
            assert "\n" not in str(error)  # noqa: PT017
        else:
            assert_equal(images, canonical_arrays(arrays))  # a byte nobody reads, as a date


def test_available_tells_what_each_check_found(monkeypatch, folder, arrays):
    pin(monkeypatch, "svhn", arrays, pinned=False)
    good, bad, svhn = (save(folder / f"{n}.npz", arrays) for n in ("cifar10", "cifar100", "svhn"))
    rows = {name: (path, status) for name, path, status in data.available()}
    assert tuple(rows) == data.DATASETS
    assert rows["cifar10"] == (good, "verified")
    assert rows["cifar100"][0] == bad
    assert "wrong shape" in rows["cifar100"][1]
    assert rows["svhn"] == (svhn, "verified without a SHA-256")
    assert rows["digits"][1] == "verified"
    assert rows["fsdd"] == (None, "missing")
    monkeypatch.setenv("LCS_DATA", "")
    assert data.dataset_path("svhn") == Path("~/.cache/lcs/svhn.npz").expanduser()


@pytest.mark.parametrize(
    ("name", "mean"),
    [
        ("cifar10", (0.49139968, 0.48215841, 0.44653091)),
        ("cifar100", (0.50707516, 0.48654887, 0.44091784)),
        ("fsdd", None),
    ],
)
def test_the_real_data_set(name, mean):
    if not os.path.lexists(data.dataset_path(name)):
        pytest.skip(f"{name} is not here: run `lcs data get {name}`")
    images = data.load(name)
    assert len(set(images.classes)) == len(images.classes) == len(np.unique(images.test_labels))
    assert mean is None or images.mean == pytest.approx(mean, abs=1e-8)
