"""A folder of data of its own, small images in place of the official ones, and no network."""

import io
import socket
import urllib.error
import urllib.request

import pytest
from helpers.small_images import official_arrays, pin

from lcs.data import download


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


@pytest.fixture
def web(monkeypatch):
    """Stands in for the network: files by name, each an answer or an error to raise."""
    files = {}

    def urlopen(request, *args, **kwargs):
        assert socket.getdefaulttimeout() == download.TIMEOUT_SECONDS
        answer = files.get(request.full_url.rsplit("/", 1)[1])
        if not isinstance(answer, bytes):
            raise answer or urllib.error.URLError("host not found")
        response = io.BytesIO(answer)
        response.url, response.length = request.full_url, len(answer)
        return response

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    monkeypatch.setenv("PATH", "")  # no npm either, unless a test brings its own
    yield files
    assert socket.getdefaulttimeout() is None
