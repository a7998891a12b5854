"""Spectrograms, and the data set that is made of them."""

import dataclasses
import functools
import io
import wave

import numpy as np
import pytest
from helpers.small_images import tar

from lcs import data
from lcs.data import download, spoken_digits

NAMES = spoken_digits.file_names()


def tone(hertz, samples=6000):
    time = np.arange(samples) / spoken_digits.RATE
    return np.round(8000 * np.sin(2 * np.pi * hertz * time)).astype(np.int16)


def recording(samples):
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(spoken_digits.RATE)
        file.writeframes(samples.astype("<i2").tobytes())
    return buffer.getvalue()


@pytest.fixture
def recordings(monkeypatch, folder):
    """One file by name for each recording, a tone whose pitch is the digit; no hash is known."""
    spectrogram = spoken_digits.spectrogram  # of equal clips once
    once = functools.cache(lambda clip: spectrogram(np.frombuffer(clip, np.int16)))
    monkeypatch.setattr(spoken_digits, "spectrogram", lambda samples: once(samples.tobytes()))
    monkeypatch.setitem(data.SPECS, "fsdd", dataclasses.replace(data.spec("fsdd"), sha256=""))
    return {name: recording(tone(300 + 300 * int(name[0]), 800)) for name in NAMES}


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
    loud, soft = (
        spoken_digits.spectrogram(samples.astype(np.int16)).astype(int)
        for samples in (tone(700), tone(700) // 4)
    )
    np.testing.assert_allclose(loud, soft, atol=3)
    assert not spoken_digits.spectrogram(np.zeros(3000, np.int16)).any()


def test_recordings_and_clips_in_one_file_make_the_same_images(recordings, folder, web):
    web[spoken_digits.URL.rpartition("/")[2]] = tar({f"fsdd/{n}": c for n, c in recordings.items()})
    download.get("fsdd").rename(folder / "first.npz")
    keys = [name.removesuffix(".wav").split("_") for name in NAMES]
    clips = [np.frombuffer(recordings[name][44:], "<i2") for name in NAMES]
    np.savez(
        folder / "clips.npz",
        wave=np.concatenate(clips),
        offsets=np.cumsum([0, *map(len, clips)]),
        label=np.array([int(key[0]) for key in keys], np.uint8),
        speaker=np.array([key[1] for key in keys]),
        index=np.array([int(key[2]) for key in keys], np.uint8),
    )
    content = download.import_npz("fsdd", folder / "clips.npz").read_bytes()
    assert content == (folder / "first.npz").read_bytes()
    images = data.load("fsdd")
    assert not set(spoken_digits.TRAINING_SPEAKERS) & set(spoken_digits.TEST_SPEAKERS)
    loudest = images.train_images[..., 0].sum(2).argmax(1)
    rows = [set(loudest[images.train_labels == digit]) for digit in range(10)]
    assert all(len(one) == 1 for one in rows)
    assert len(set.union(*rows)) == 10
