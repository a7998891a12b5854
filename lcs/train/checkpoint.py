"""Checkpoints of unfinished runs, and of sources: a safetensors file each, replaced atomically."""

import dataclasses
import hashlib
import json
import math
import sys
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim import Optimizer

from lcs.config import Config
from lcs.errors import ILL_FORMED, CheckpointError, DiskError, InProgress, Paused
from lcs.files import is_full, own_folder, replacing
from lcs.runs.consistency import check_history


class Checkpoint:
    """The checkpoint of one run for one store, in `$LCS_CHECKPOINTS` or `~/.cache/lcs/checkpoints`.

    `store` is the folder that the run's record will go to; two stores never share a checkpoint.
    """

    def __init__(self, config: Config, store: Path) -> None:
        place = hashlib.sha256(str(store.resolve()).encode()).hexdigest()[:8]
        self.config = config
        self.path = own_folder("LCS_CHECKPOINTS") / f"{config.run_id}-{place}.safetensors"
        self._lock = self.path.with_suffix(".lock")
        self._name = f"run {config.run_id}: checkpoint {self.path}"

    @contextmanager
    def locked(self, wait: float | None = None) -> Iterator[None]:
        """Hold the run, as long as this process lives.

        Where another process holds it, raise InProgress at once or, with `wait`, Paused after so
        many seconds, also inf or below 0; a DiskError where the folder cannot be written.
        """
        # a soft lock, a mere file, would outlive a process that is killed
        lock = FileLock(self._lock, fallback_to_soft=False)
        held = f"run {self.config.run_id} is in progress in another process"
        try:
            self._lock.parent.mkdir(parents=True, exist_ok=True)
            with suppress(Timeout):
                lock.acquire(timeout=0)
            if not lock.is_locked and wait is None:
                raise InProgress(f"{held}; wait for it to end")
            if not lock.is_locked:
                print(f"{held}; waiting for it to end", file=sys.stderr, flush=True)
                # to filelock a time below 0 is for ever
                lock.acquire(timeout=-1 if wait == math.inf else max(wait or 0, 0))
        except Timeout as error:
            raise Paused(f"{held}: the time budget is spent; the same command goes on") from error
        except OSError as error:
            reason = f"cannot be written and locked ({error.strerror})"
            advice = "set LCS_CHECKPOINTS to a folder on a local disk that can"
            raise DiskError(f"{self._lock}: {reason}; {advice}") from error
        try:
            yield
        finally:
            lock.release()

    def save(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Replace the checkpoint, or raise a DiskError; `state` has `epoch` and `history`."""
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        parts = {"config": dataclasses.asdict(self.config), "state": state}
        metadata = {name: json.dumps(part) for name, part in parts.items()}
        metadata["crc32"] = str(_crc(tensors, metadata))
        try:
            with replacing(self.path) as file:
                # `save_file` writes to a temporary file, which nobody finds where it is killed
                file.write(save(tensors, metadata))
        except OSError as error:
            advice = f"{'make room' if is_full(error) else 'mend that'} and run the same again"
            raise DiskError(f"{self._name} cannot be written ({error}); {advice}") from error

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Return (tensors on the CPU, state), or None where there is no checkpoint.

        A CheckpointError says that it cannot be read, is damaged, or of another run.
        """
        if not self.path.exists():
            return None
        with self._opened() as (file, metadata, state):
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if metadata.pop("crc32") != str(_crc(tensors, metadata)):
                raise ValueError("its checksum differs")
            return tensors, state

    def epoch(self) -> int:
        """Return the epochs that are done, 0 without a checkpoint; it raises what `load` does."""
        if not self.path.exists():
            return 0
        with self._opened() as (_, _, state):
            return int(state["epoch"])

    @contextmanager
    def _opened(self) -> Iterator[tuple[Any, dict[str, str], dict[str, Any]]]:
        """Open the file and yield it, its metadata and its state, once they are this run's."""
        try:
            with safe_open(self.path, framework="pt") as file:
                metadata = file.metadata() or {}
                owner = Config.from_dict(json.loads(metadata["config"]))
                if owner != self.config:
                    raise self.refusal(f"is of another run, {owner.run_id}")
                state = json.loads(metadata["state"])
                if not 0 <= state["epoch"] <= self.config.epochs:
                    raise ValueError(f"epoch {state['epoch']} of {self.config.epochs}")
                check_history(self.config, state["history"], state["epoch"])
                yield file, metadata, state
        except OSError as error:  # the checkpoint itself may be whole
            raise CheckpointError(f"{self._name} cannot be read ({error}); mend that") from error
        except (SafetensorError, *ILL_FORMED) as error:
            raise self.refusal(f"is damaged ({error})") from error

    def refusal(self, reason: str) -> CheckpointError:
        """Return the error of a checkpoint from which the run cannot go on."""
        return CheckpointError(f"{self._name} {reason}; delete it to start the run over")

    def remove(self) -> None:
        """Delete the checkpoint and its lock, where there are any."""
        for path in (self.path, self._lock):
            if path.exists():  # else a folder that cannot be written does no harm
                path.unlink(missing_ok=True)  # another process may have deleted it meanwhile


def saved_tensors(
    model: nn.Module, optimizer: Optimizer, masks: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Return the tensors of a run that its checkpoint holds, by name; `masks` are its own."""
    buffers = {
        f"{index}.{key}": value
        for index, state in optimizer.state_dict()["state"].items()
        for key, value in state.items()
        if isinstance(value, Tensor)
    }
    rng = {"cpu": torch.get_rng_state()}
    if (device := next(model.parameters()).device).type == "cuda":
        rng["cuda"] = torch.cuda.get_rng_state(device)
    parts = {"model": model.state_dict(), "optimizer": buffers, "mask": masks, "rng": rng}
    return {f"{part}.{name}": value for part, of in parts.items() for name, value in of.items()}


@torch.no_grad()
def load_tensors(
    tensors: Mapping[str, Tensor], model: nn.Module, optimizer: Optimizer, *, stepped: bool
) -> dict[str, Tensor]:
    """Take over what `saved_tensors` has returned, or raise a ValueError; return the masks' own."""
    if stepped:  # a step makes the optimizer's own tensors, all of which are overwritten
        for param in model.parameters():
            param.grad = torch.zeros_like(param) if param.requires_grad else None
        optimizer.step()
        optimizer.zero_grad()
    own = saved_tensors(model, optimizer, {})
    for name in sorted(tensors.keys() | own.keys()):
        if name.startswith("mask.") or name == "rng.cuda":  # which not every run has
            continue
        if name not in tensors or name not in own or tensors[name].shape != own[name].shape:
            raise ValueError(f"{name}: missing, unknown or of another shape")
        own[name].copy_(tensors[name])
    torch.set_rng_state(tensors["rng.cpu"])
    if (device := next(model.parameters()).device).type == "cuda" and "rng.cuda" in tensors:
        torch.cuda.set_rng_state(tensors["rng.cuda"], device)
    masks = [name for name in tensors if name.startswith("mask.")]
    return {name.removeprefix("mask."): tensors[name] for name in masks}


def _crc(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> int:
    crc = zlib.crc32(json.dumps(metadata, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        head = f"{name} {tensor.dtype} {tuple(tensor.shape)}"
        content = tensor.reshape(-1).view(torch.uint8).numpy().data
        crc = zlib.crc32(content, zlib.crc32(head.encode(), crc))
    return crc
