"""Checkpoints of unfinished runs, and of sources: a safetensors file each, replaced atomically.

`lcs.train.run.Run.resume` takes up what a checkpoint holds, `lcs.train.loop` removes it when the
record is written. None is ever pickled.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
import sys
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from lcs.config import Config
from lcs.errors import ILL_FORMED, CheckpointError, DiskError, InProgress, Paused
from lcs.files import is_full, own_folder, remove_abandoned, replacing
from lcs.runs.consistency import check_history


class Checkpoint:
    """The checkpoint of one run for one store, in `$LCS_CHECKPOINTS` or `~/.cache/lcs/checkpoints`.

    It holds the run's configuration and is refused where that is another's.

    Args:
        config: the run.
        store: folder that its record will go to; two stores never share a checkpoint.
    """

    def __init__(self, config: Config, store: Path) -> None:
        place = hashlib.sha256(str(store.resolve()).encode()).hexdigest()[:8]
        self.config = config
        self.run_id = config.run_id
        self.path = own_folder("LCS_CHECKPOINTS") / f"{config.run_id}-{place}.safetensors"
        self._lock = self.path.with_suffix(".lock")

    @classmethod
    def of_source(cls, config: Config, store: Path) -> Checkpoint:
        """Return where the trained network of a run is kept for those that start from it."""
        return cls(config, store / "sources")

    @contextmanager
    def locked(self, wait: float | None = None) -> Iterator[None]:
        """Hold the run: a second process that wants it is refused.

        A lock ends with its process.

        Args:
            wait: seconds of the time budget in which the other process may end, also infinite or
                below 0; None: the run is not waited for.

        Raises:
            InProgress: another process holds it, and there is no wait.
            Paused: another process still holds it after the wait.
            DiskError: the folder cannot be written, or knows no locks.
        """
        # a soft lock, a mere file, would outlive a process that is killed
        lock = FileLock(self._lock, fallback_to_soft=False)
        held = f"run {self.run_id} is in progress in another process"
        try:
            self._lock.parent.mkdir(parents=True, exist_ok=True)
            remove_abandoned(self._lock.parent)  # of any run that was killed while it was saved
            try:
                lock.acquire(timeout=0)
            except Timeout:
                if wait is None or wait <= 0:
                    raise
                print(f"{held}; waiting for it to end", file=sys.stderr, flush=True)
                # to filelock a time below 0 is for ever
                lock.acquire(timeout=-1 if wait == math.inf else wait)
        except Timeout as error:
            if wait is None:
                raise InProgress(f"{held}; wait for it to end") from error
            raise Paused(f"{held}: the time budget is spent; the same command goes on") from error
        except OSError as error:
            raise DiskError(
                f"{self._lock}: cannot be written and locked ({error.strerror}); set "
                "LCS_CHECKPOINTS to a folder on a local disk that can"
            ) from error
        try:
            yield
        finally:
            lock.release()

    def save(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Replace the checkpoint.

        Args:
            tensors: by name, on any device.
            state: JSON-ready, with the `epoch` that is done and the `history` up to it.

        Raises:
            DiskError: it cannot be written; the one before is still there.
        """
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        parts = {"config": dataclasses.asdict(self.config), "state": state}
        metadata = {name: json.dumps(part) for name, part in parts.items()}
        metadata["crc32"] = str(_crc(tensors, metadata))
        try:
            with replacing(self.path) as file:
                # `save_file` writes to a temporary file, which nobody finds where it is killed
                file.write(save(tensors, metadata))
        except OSError as error:
            advice = "make room" if is_full(error) else "mend that"
            raise DiskError(
                f"run {self.run_id}: checkpoint {self.path} cannot be written ({error}); {advice} "
                "and run the same again, it goes on from the checkpoint before"
            ) from error

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Return (tensors on the CPU, state), or None where there is no checkpoint.

        Raises:
            CheckpointError: it cannot be read, is damaged, of another run or of another lcs.
        """
        if not os.path.lexists(self.path):
            return None
        with self._opened() as (file, metadata, state):
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if metadata.pop("crc32") != str(_crc(tensors, metadata)):
                raise ValueError("its checksum differs")
            return tensors, state

    def epoch(self) -> int:
        """Return the epochs that are done, 0 where there is no checkpoint; tensors are not read.

        It raises what `load` does.
        """
        if not os.path.lexists(self.path):
            return 0
        with self._opened() as (_, _, state):
            return int(state["epoch"])

    @contextmanager
    def _opened(self) -> Iterator[tuple[Any, dict[str, str], dict[str, Any]]]:
        """Open the file and yield it, its metadata and its state, once they are this run's."""
        try:
            self.path.open("rb").close()
            with safe_open(self.path, framework="pt") as file:
                metadata = file.metadata() or {}
                owner = Config.from_dict(json.loads(metadata["config"]))
                if owner != self.config:
                    raise self.refusal(f"is of another run, {owner.run_id}")
                state = json.loads(metadata["state"])
                epoch = state["epoch"]
                if type(epoch) is not int or not 0 <= epoch <= self.config.epochs:
                    raise ValueError(f"epoch {epoch} of {self.config.epochs}")
                check_history(self.config, state["history"], epoch)
                yield file, metadata, state
        except OSError as error:  # the checkpoint itself may be whole
            raise CheckpointError(
                f"run {self.run_id}: checkpoint {self.path} cannot be read "
                f"({error.strerror or error}); mend that and run the same again"
            ) from error
        except (SafetensorError, *ILL_FORMED) as error:
            raise self.refusal(f"is damaged ({error})") from error

    def refusal(self, reason: str) -> CheckpointError:
        """Return the error of a checkpoint from which the run cannot go on."""
        return CheckpointError(
            f"run {self.run_id}: checkpoint {self.path} {reason}; delete it to start the run over"
        )

    def remove(self) -> None:
        """Delete the checkpoint and its lock, where there are any, once the record is written.

        Raises:
            CheckpointError: they cannot be deleted.
        """
        try:
            for path in (self.path, self._lock):
                # without a file, a folder that is missing or cannot be written does no harm
                if os.path.lexists(path):
                    path.unlink(missing_ok=True)  # another process may have deleted it meanwhile
        except OSError as error:
            raise CheckpointError(
                f"{error.filename}: cannot be deleted ({error.strerror}); the run is done, delete "
                "it by hand"
            ) from error


def _crc(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> int:
    crc = zlib.crc32(json.dumps(metadata, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        head = f"{name} {tensor.dtype} {tuple(tensor.shape)}"
        crc = zlib.crc32(_bytes(tensor), zlib.crc32(head.encode(), crc))
    return crc


def _bytes(tensor: Tensor) -> memoryview:
    return tensor.reshape(-1).view(torch.uint8).numpy().data
