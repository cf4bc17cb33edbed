"""The C++ parts of training, called through ctypes.

`tools/train/run` compiles the .cc files beside this one into one shared library
and names it in OXBOW_TRAINING_LIBRARY. No torch headers are needed: tensors are
passed as pointers.
"""

import ctypes
import os

import torch


def load() -> ctypes.CDLL:
    """Opens the library. Raises RuntimeError when `run build` was not done."""
    path = os.environ.get("OXBOW_TRAINING_LIBRARY")
    if not path or not os.path.exists(path):
        raise RuntimeError(
            "OXBOW_TRAINING_LIBRARY does not name a library: start scripts through "
            "tools/train/run, or compile with `tools/train/run build`")
    library = ctypes.CDLL(path)
    library.LearnPieces.restype = ctypes.c_size_t
    library.LearnPieces.argtypes = [
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_char_p]
    library.TrieNew.restype = ctypes.c_void_p
    library.TrieDelete.argtypes = [ctypes.c_void_p]
    library.TrieAdd.argtypes = [
        ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int32]
    library.TrieEncode.restype = ctypes.c_size_t
    library.TrieEncode.argtypes = [
        ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p]
    return library


def pointer(tensor: torch.Tensor | None) -> ctypes.c_void_p | None:
    """The address of a contiguous tensor's data; null for None."""
    if tensor is None:
        return None
    if not tensor.is_contiguous():
        raise ValueError("native code needs a contiguous tensor")
    return ctypes.c_void_p(tensor.data_ptr())
