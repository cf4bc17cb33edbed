"""Reads .safetensors and .pth files with the standard library and NumPy.

Independent of the engine: what the two agree on is not one mistake made once.
Numbers come out as float64, which holds every bf16, fp16 and fp32 exactly.
"""

import collections
import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any, Dict, Tuple

import numpy as np

Weights = Dict[str, np.ndarray]


def widen(data: bytes, dtype: str) -> np.ndarray:
    """The numbers of little-endian bytes as float64."""
    if dtype == "BF16":
        bits = np.frombuffer(data, "<u2").astype(np.uint32) << 16
        return bits.view(np.float32).astype(np.float64)
    return np.frombuffer(data, {"F32": "<f4", "F16": "<f2"}[dtype]).astype(np.float64)


def read_safetensors(path: Path) -> Weights:
    """The tensors of a .safetensors file."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)
    weights = {}
    for name, entry in header.items():
        begin, end = (start + offset for offset in entry["data_offsets"])
        weights[name] = widen(data[begin:end], entry["dtype"]).reshape(entry["shape"])
    return weights


class _Storage:
    """A type of storage: torch.FloatStorage and its like."""

    def __init__(self, dtype: str):
        self.dtype = dtype


_STORAGES = {"FloatStorage": "F32", "HalfStorage": "F16", "BFloat16Storage": "BF16"}


def _rebuild_tensor(
    storage: np.ndarray, offset: int, shape: Tuple[int, ...], strides: Tuple[int, ...], *_: Any
) -> np.ndarray:
    """A view of a storage, as torch._utils._rebuild_tensor_v2."""
    step = storage.itemsize
    view = np.lib.stride_tricks.as_strided(
        storage[offset:], shape, [stride * step for stride in strides]
    )
    return view.copy()


class _TorchUnpickler(pickle.Unpickler):
    """Rebuilds tensors; knows no other name."""

    def __init__(self, archive: zipfile.ZipFile, folder: str):
        super().__init__(io.BytesIO(archive.read(folder + "data.pkl")))
        self._archive = archive
        self._folder = folder

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if module == "torch" and name in _STORAGES:
            return _Storage(_STORAGES[name])
        raise pickle.UnpicklingError(f"{module}.{name}")

    def persistent_load(self, pid: Any) -> np.ndarray:
        _, storage, key, _, _ = pid
        return widen(self._archive.read(f"{self._folder}data/{key}"), storage.dtype)


def read_pth(path: Path) -> Weights:
    """The tensors of a .pth file."""
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
        return dict(_TorchUnpickler(archive, name[: -len("data.pkl")]).load())


def read_weights(path: Path) -> Weights:
    """The tensors of a file; EmbeddingRWKV's "rwkv." and "reranker." are taken off the names."""
    weights = read_pth(path) if path.suffix == ".pth" else read_safetensors(path)
    bare = {}
    for name, numbers in weights.items():
        for prefix in ("rwkv.", "reranker."):
            name = name[len(prefix) :] if name.startswith(prefix) else name
        bare[name] = numbers
    return bare
