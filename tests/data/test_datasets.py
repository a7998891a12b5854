"""Data sets: one canonical order, and nothing bad passes for a data set."""

import errno
import gzip
import importlib.machinery
import importlib.util
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from helpers.small_images import (
    TEST,
    TRAIN,
    altered,
    assert_equal,
    canonical_arrays,
    error_of,
    pin,
    save,
)

from lcs import data
from lcs.data import download, gaussian_process
from lcs.errors import ConfigError, DataError

# --- what a data set is


def test_digits_are_scikit_learns_with_the_last_fifth_of_each_class_as_test():
    digits = data.load("digits")
    from sklearn.datasets import load_digits

    source = load_digits()
    assert (len(digits.classes), digits.image_size, digits.in_channels) == (10, 8, 1)
    train_rows, test_rows = [], []
    for label in range(10):
        rows = [row for row, target in enumerate(source.target) if target == label]
        cut = len(rows) - len(rows) // 5
        train_rows, test_rows = train_rows + rows[:cut], test_rows + rows[cut:]
    for split, rows in (("train", train_rows), ("test", test_rows)):
        images = getattr(digits, f"{split}_images")
        assert images.dtype == np.uint8
        np.testing.assert_array_equal(images[..., 0], source.images[rows].astype(int) * 255 // 16)
        np.testing.assert_array_equal(getattr(digits, f"{split}_labels"), source.target[rows])
    assert digits.train_images.max() == 255


@pytest.fixture
def digits_file(monkeypatch, tmp_path):
    """A copy of scikit-learn's file that a test may spoil."""
    package = tmp_path / "sklearn"
    source = data.dataset_path("digits")
    target = package / source.relative_to(source.parents[2])
    target.parent.mkdir(parents=True)
    target.write_bytes(source.read_bytes())
    spec = importlib.machinery.ModuleSpec("sklearn", None, origin=str(package / "__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    return target


def test_other_digits_are_refused(digits_file):
    lines = gzip.decompress(digits_file.read_bytes()).replace(b"0,0,5,13", b"0,0,5,12", 1)
    content = gzip.compress(lines)
    wrong = {"altered": content, "end": content[:-900], "string": gzip.compress(b"<html>")}
    for reason, content in wrong.items():
        digits_file.write_bytes(content)
        message = error_of(data.load, "digits")
        assert message.startswith(str(digits_file))
        assert reason in message
        assert message.endswith("install scikit-learn again")
    digits_file.unlink()
    assert "digits.csv.gz" in error_of(data.load, "digits")


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
    assert (len(images.classes), images.image_size, images.in_channels) == (10, 32, 3)
    assert all(type(value) is float for value in images.mean + images.std)


def test_images_have_a_length_and_say_how_they_are_sorted(folder, arrays):
    save(folder / "cifar10.npz", arrays)
    images = data.load("cifar10")
    assert len(images) == TRAIN
    assert repr(images) == (
        f"<cifar10: {TRAIN} training and {TEST} test images of 32 x 32 x 3, in 10 classes, "
        "sorted by label>"
    )
    with pytest.raises(ConfigError, match="'halved'; choose from half, standard"):
        images.normalised(images.test_images, "halved")


def test_class_names():
    names = {name: known.classes for name, known in data.SPECS.items()}
    drawn = gaussian_process.PROCESSES
    known = ("cifar10", "cifar100", "svhn", "fsdd", *drawn, "digits")
    assert tuple(names) == data.DATASETS == known
    assert names["cifar10"][3] == "cat"
    assert names["cifar10"][9] == "truck"
    assert len(names["cifar100"]) == 100
    assert list(names["cifar100"]) == sorted(set(names["cifar100"]))
    assert names["svhn"] == names["fsdd"] == names["digits"] == tuple("0123456789")


@pytest.mark.parametrize("function", [data.load, data.verify, data.dataset_path, download.get])
def test_an_unknown_name_is_refused_with_the_known_ones(function):
    known = ", ".join(data.DATASETS)
    with pytest.raises(ConfigError, match=f"'mnist': choose one of {known}"):
        function("mnist")
    with pytest.raises(ConfigError, match="mnist"):
        download.import_npz("mnist", "mnist.npz")


def test_the_validation_rows_are_the_last_tenth_of_each_class():
    labels = np.repeat(np.arange(3, dtype=np.uint8), [25, 9, 40])
    train, validation = data.split_validation(labels)
    assert validation.tolist() == [23, 24, 70, 71, 72, 73]
    assert sorted([*train, *validation]) == list(range(74))
    assert train.tolist() == sorted(train)
    assert train.dtype == validation.dtype == np.int64


# --- one canonical order


def test_official_and_canonical_order_load_as_the_same_arrays(folder, arrays):
    expected = canonical_arrays(arrays)
    assert not np.array_equal(expected["train_labels"], arrays["train_labels"])
    for stored in (arrays, expected):
        save(folder / "cifar10.npz", stored)
        assert_equal(data.load("cifar10"), expected)


def test_rows_swapped_within_a_class_are_refused(folder, arrays):
    arrays = canonical_arrays(arrays)
    arrays["train_images"][[0, 1]] = arrays["train_images"][[1, 0]]
    save(folder / "cifar10.npz", arrays)
    assert "train_images is altered" in error_of(data.load, "cifar10")


def test_every_load_gives_arrays_of_its_own(folder, arrays):
    save(folder / "cifar10.npz", arrays)
    data.load("cifar10").train_images[:] = 0
    assert_equal(data.load("cifar10"), canonical_arrays(arrays))


def test_the_default_folder_is_in_the_users_cache(monkeypatch, tmp_path, arrays):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LCS_DATA", "")
    path = save(tmp_path / ".cache" / "lcs" / "cifar10.npz", arrays)
    assert data.verify("cifar10") == path
    path.write_bytes(path.read_bytes()[:-100])
    assert error_of(data.load, "cifar10").endswith("delete it and run `lcs data get cifar10`")
    assert path.exists()


# --- bad files


class Trap:
    """Leaves a file behind if anybody unpickles it."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def make_missing(path, arrays):
    pass


def make_pickle_file(path, arrays):
    path.write_bytes(pickle.dumps(Trap(path.parent / "sprung")))


def make_pickled_objects(path, arrays):
    trap = np.array([Trap(path.parent / "sprung")] * TRAIN, dtype=object)
    save(path, arrays | {"train_labels": trap})


def make_damaged(path, arrays):
    save(path, arrays)
    content = bytearray(path.read_bytes())
    content[5000] ^= 1
    path.write_bytes(content)


def make_altered(path, arrays):
    save(path, altered(arrays))


def make_shorter(path, arrays):
    save(path, {key: array[:-1] for key, array in arrays.items()})


def make_float(path, arrays):
    save(path, arrays | {"train_images": arrays["train_images"].astype(np.float32)})


def make_lacking(path, arrays):
    save(path, {key: arrays[key] for key in data.KEYS[:3]})


def make_bad_label(path, arrays):
    save(path, arrays | {"train_labels": arrays["train_labels"] + np.uint8(1)})


def make_folder(path, arrays):
    path.mkdir()


BAD_FILES = {
    make_missing: "is missing, there is no",
    make_pickle_file: "is no whole npz (File is not a zip file)",
    make_pickled_objects: "is no whole npz (Object arrays cannot be loaded",
    make_damaged: "is no whole npz (Bad CRC-32",
    make_altered: "test_images is altered",
    make_shorter: "train_images has the wrong shape: uint8 (39, 32, 32, 3), "
    "expected uint8 (40, 32, 32, 3)",
    make_float: "float32 (40, 32, 32, 3), expected uint8",
    make_lacking: "npz: the file lacks test_labels",
    make_bad_label: "train_labels has the label 10, expected 0 to 9",
    make_folder: "Is a directory",
}


@pytest.mark.parametrize("make", BAD_FILES, ids=lambda make: make.__name__)
def test_a_bad_file_is_named_explained_and_kept(make, folder, arrays):
    path = folder / "cifar10.npz"
    folder.mkdir()
    make(path, arrays)
    before = path.read_bytes() if path.is_file() else None
    message = error_of(data.load, "cifar10")
    assert BAD_FILES[make] in message
    assert str(path) in message
    assert "run `lcs data get cifar10`" in message
    assert error_of(data.verify, "cifar10") == message
    if make is not make_missing:
        assert error_of(download.get, "cifar10") == message
    assert (path.read_bytes() if path.is_file() else None) == before
    assert not (folder / "sprung").exists()


def test_an_unreadable_file_is_named(monkeypatch, folder, arrays):
    path = save(folder / "cifar10.npz", arrays)

    def refuse(*args):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "open", refuse)
    message = error_of(data.load, "cifar10")
    assert message.startswith(f"{path} cannot be read (Permission denied); put a whole")


def test_a_folder_that_is_a_file_is_named(folder, arrays):
    folder.write_text("")
    assert f"{folder}/cifar10.npz cannot be read (Not a directory)" in error_of(
        data.load, "cifar10"
    )
    assert "cannot be written" in error_of(download.get, "cifar10")


def test_wherever_a_file_is_cut_or_altered_it_is_refused(folder, arrays):
    path = save(folder / "cifar10.npz", arrays)
    content = path.read_bytes()
    generator = np.random.default_rng(0)
    for length in generator.integers(0, len(content), 50):
        path.write_bytes(content[:length])
        assert "no whole npz" in error_of(data.load, "cifar10")
    # the first bytes hold a zip and an npy header, the last ones the zip's directory
    for place in [*range(0, 250, 2), *generator.integers(-900, 0, 100)]:
        altered = bytearray(content)
        altered[place] ^= generator.integers(1, 256)
        path.write_bytes(altered)
        try:
            images = data.load("cifar10")
        except DataError as error:
            assert "\n" not in str(error)  # noqa: PT017
        else:
            assert_equal(images, canonical_arrays(arrays))  # a byte nobody reads, as a date


def test_available_tells_what_each_check_found(monkeypatch, folder, arrays):
    pin(monkeypatch, "svhn", arrays, pinned=False)
    good, bad = save(folder / "cifar10.npz", arrays), save(folder / "cifar100.npz", arrays)
    svhn = save(folder / "svhn.npz", arrays)
    rows = {name: (path, status) for name, path, status in data.available()}
    assert list(rows) == list(data.DATASETS)
    assert rows["cifar10"] == (good, "verified")
    assert rows["cifar100"][0] == bad
    assert "wrong shape" in rows["cifar100"][1]
    assert rows["svhn"] == (svhn, "sizes and labels checked (no SHA-256 known)")
    assert rows["digits"][1] == "verified"
    svhn.unlink()
    assert ("svhn", None, "missing") in data.available()


# --- the real thing

REAL = {
    "cifar10": ((0.49139968, 0.48215841, 0.44653091), (0.24703223, 0.24348513, 0.26158784)),
    "cifar100": ((0.50707516, 0.48654887, 0.44091784), (0.26733429, 0.25643846, 0.27615047)),
}


@pytest.mark.parametrize("name", REAL)
def test_the_real_data_set(name):
    if not os.path.lexists(data.dataset_path(name)):
        pytest.skip(f"{name} is not here: run `lcs data get {name}`")
    images = data.load(name)
    mean, std = REAL[name]
    np.testing.assert_allclose(images.mean, mean, atol=1e-8)
    np.testing.assert_allclose(images.std, std, atol=1e-8)
    per_class = 50_000 // len(images.classes)
    assert np.bincount(images.train_labels).tolist() == [per_class] * len(images.classes)
    _, validation = data.split_validation(images.train_labels)
    assert len(validation) == 5_000
    assert set(validation % per_class) == set(range(per_class * 9 // 10, per_class))
