"""Writes the two models as bf16 safetensors, each with its vocabulary beside it."""

import argparse
import json
import shutil
from pathlib import Path

import torch
from torch import Tensor

GENERATOR = "oxbow-tiny-generator"
EMBEDDER = "oxbow-tiny-embedder"
HEADER_ALIGNMENT = 8


def write_safetensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Eight bytes of header length, a JSON header, the tensors in its order."""
    header: dict[str, dict] = {"__metadata__": {"format": "pt"}}
    position, blobs = 0, []
    for name, tensor in tensors.items():
        blob = tensor.detach().bfloat16().contiguous().view(torch.int16).numpy().tobytes()
        header[name] = {"dtype": "BF16", "shape": list(tensor.shape),
                        "data_offsets": [position, position + len(blob)]}
        position += len(blob)
        blobs.append(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % HEADER_ALIGNMENT)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(blobs))


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a bf16 file, as fp32: what a server would compute with."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    tensors = {}
    for name, entry in json.loads(data[8:start]).items():
        if name == "__metadata__":
            continue
        if entry["dtype"] != "BF16":
            raise ValueError(f"{path}: {name} is {entry['dtype']}, not BF16")
        first, last = (start + offset for offset in entry["data_offsets"])
        halves = torch.frombuffer(bytearray(data[first:last]), dtype=torch.bfloat16)
        tensors[name] = halves.view(entry["shape"]).float()
    return tensors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="folder of the checkpoints")
    parser.add_argument("--models", type=Path, required=True, help="folder to write into")
    parser.add_argument("--only", choices=["generator", "embedder"], help="write one model")
    args = parser.parse_args()
    for stem, name in ((GENERATOR, "generator"), (EMBEDDER, "embedder")):
        if args.only not in (None, name):
            continue
        path = args.models / f"{stem}.safetensors"
        write_safetensors(path, torch.load(args.work / f"{name}.checkpoint")["model"])
        shutil.copyfile(args.work / "world.vocab", path.with_suffix(".vocab"))
        print(f"{path.name} {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
