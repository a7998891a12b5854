"""Spectrograms, and the data set that is made of them."""

import dataclasses
import functools
import io
import wave

import numpy as np
import pytest

from lcs import data
from lcs.data import download, spoken_digits
from lcs.errors import DataError

NAMES = spoken_digits.file_names()


def tone(hertz, samples=6000):
    time = np.arange(samples) / spoken_digits.RATE
    return np.round(8000 * np.sin(2 * np.pi * hertz * time)).astype(np.int16)


def recording(samples, rate=spoken_digits.RATE):
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return buffer.getvalue()


def recordings():
    """One file by name for each recording: a tone whose pitch is the digit."""
    return {name: recording(tone(300 + 300 * int(name[0]), 800)) for name in NAMES}


@pytest.fixture
def unpinned(monkeypatch, tmp_path):
    spectrogram = spoken_digits.spectrogram  # of equal clips once
    once = functools.cache(lambda clip: spectrogram(np.frombuffer(clip, np.int16)))
    monkeypatch.setattr(spoken_digits, "spectrogram", lambda samples: once(samples.tobytes()))
    monkeypatch.setenv("LCS_DATA", str(tmp_path))
    spec = dataclasses.replace(data.spec("fsdd"), sha256={})
    monkeypatch.setitem(data.SPECS, "fsdd", spec)
    return tmp_path


def test_a_higher_tone_is_in_a_higher_row():
    loudest = [int(spoken_digits.spectrogram(tone(h)).sum(1).argmax()) for h in (200, 1000, 3500)]
    assert loudest == sorted(set(loudest))
    # bands are equal steps of mel up to 4 kHz: 1 kHz is 1000 of 2146 mel
    assert loudest[1] == pytest.approx(33 * 1000 / 2146 - 1, abs=1)


def test_a_short_clip_is_in_the_middle_and_a_long_one_is_cut_to_it():
    short = spoken_digits.spectrogram(tone(1000, 1600)).max(0)
    heard = np.flatnonzero(short)
    assert 9 <= len(heard) <= 12
    assert abs(heard.mean() - 15.5) <= 1
    assert short[:8].max() == short[-8:].max() == 0
    long = np.concatenate([np.zeros(4000, np.int16), tone(1000), np.zeros(4000, np.int16)])
    assert (spoken_digits.spectrogram(long).max(0) > 250).all()


def test_loudness_does_not_matter_and_silence_is_black():
    samples = tone(700)
    np.testing.assert_allclose(
        spoken_digits.spectrogram(samples).astype(int),
        spoken_digits.spectrogram((samples // 4).astype(np.int16)).astype(int),
        atol=3,
    )
    assert not spoken_digits.spectrogram(np.zeros(3000, np.int16)).any()


def test_the_speakers_of_the_test_images_are_not_in_training():
    arrays = spoken_digits.from_files(recordings())
    assert arrays["train_images"].shape == data.spec("fsdd").shape("train_images")
    assert arrays["test_images"].shape == data.spec("fsdd").shape("test_images")
    assert not set(spoken_digits.TRAINING_SPEAKERS) & set(spoken_digits.TEST_SPEAKERS)
    loudest = arrays["train_images"][..., 0].sum(2).argmax(1)
    rows = [set(loudest[arrays["train_labels"] == digit]) for digit in range(10)]
    assert all(len(one) == 1 for one in rows)
    assert len(set.union(*rows)) == 10


def clips_file(path, files, save=np.savez):
    keys = [name.removesuffix(".wav").split("_") for name in NAMES]
    clips = [np.frombuffer(files[name][44:], "<i2") for name in NAMES]
    save(
        path,
        wave=np.concatenate(clips),
        offsets=np.cumsum([0, *map(len, clips)]),
        label=np.array([int(key[0]) for key in keys], np.uint8),
        speaker=np.array([key[1] for key in keys]),
        index=np.array([int(key[2]) for key in keys], np.uint8),
    )
    return path


def test_clips_in_one_file_make_the_same_images(unpinned):
    files = recordings()
    path = clips_file(unpinned / "clips.npz", files)
    download.import_npz("fsdd", path)
    expected = spoken_digits.from_files(files)
    images = data.load("fsdd")
    assert all(np.array_equal(getattr(images, key), expected[key]) for key in data.KEYS)


def test_other_clips_are_refused(unpinned):
    path = unpinned / "clips.npz"
    np.savez(path, wave=tone(300), offsets=np.array([0, 100]), label=np.zeros(2, np.uint8))
    with pytest.raises(DataError, match="no clips of spoken digits"):
        download.import_npz("fsdd", path)
    assert not (unpinned / "fsdd.npz").exists()


def test_a_damaged_file_of_clips_is_refused(unpinned):
    path = clips_file(unpinned / "clips.npz", recordings(), np.savez_compressed)
    content = bytearray(path.read_bytes())
    content[200:240] = bytes(40)  # of the compressed waves
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"^{path}: no clips of spoken digits \("):
        download.import_npz("fsdd", path)


def test_clips_with_other_samples_are_refused_with_their_file_and_a_remedy(unpinned, monkeypatch):
    path = clips_file(unpinned / "clips.npz", recordings())
    pinned = dataclasses.replace(data.spec("fsdd"), sha256={"train_images": "0" * 64})
    monkeypatch.setitem(data.SPECS, "fsdd", pinned)
    reason = rf"^{path}: train_images is altered: .*; give an npz"
    with pytest.raises(DataError, match=reason):
        download.import_npz("fsdd", path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [(None, "missing"), (b"RIFF", "no recording"), (recording(tone(300), rate=16000), "8000 Hz")],
)
def test_a_bad_recording_is_refused(change, reason):
    files = recordings()
    files[NAMES[7]] = change or b""
    if change is None:
        del files[NAMES[7]]
    with pytest.raises(DataError, match=reason):
        spoken_digits.from_files(files)


def test_the_stored_data_set_is_the_one_that_is_pinned():
    if not data.dataset_path("fsdd").exists():
        pytest.skip("fsdd is not here: `lcs data get fsdd`")
    data.verify("fsdd")
