"""Trains the embedder from the generator, or further, by contrast, on one core.

Two steps in three read running streams with scratch probes; the third reads single
passages from the empty state. Each probe must find its query among all queries of
the step, and each query its probe.

Vectors remembered from earlier steps as further negatives were tried and left out:
at these learning rates they are stale, and the model fled from them until all
vectors were alike.
"""

import argparse
import hashlib
import json
import os
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

import time_budget
from embedder import Embedder
from export_models import read_safetensors
from muon import MixedOptimizer
from passage_lanes import PassageLanes
from passages import read_documents
from rwkv7 import Linear
from world_vocabulary import Tokenizer

TEMPERATURE = 0.05
FORGET_CHANCE = 1 / 6
CLIP_NORM = 1.0
WARM_UP_STEPS = 20
SPAN_STEP_EVERY = 3
SPAN_PASSAGES = 40


def read_weights(path: Path, vocabulary: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint, or of a model file made with the same vocabulary."""
    if path.suffix != ".safetensors":
        return torch.load(path)["model"]
    if path.with_suffix(".vocab").read_bytes() != vocabulary.read_bytes():
        raise ValueError(f"{path} was trained with another vocabulary than {vocabulary}")
    return read_safetensors(path)


class EmbedderTraining:
    def __init__(self, args: argparse.Namespace) -> None:
        torch.manual_seed(args.seed)
        self._args = args
        self._model = Embedder()
        self._optimizer = MixedOptimizer(self._model, args.muon_lr, args.adamw_lr)
        vocabulary = args.work / "world.vocab"
        tokenizer = Tokenizer(vocabulary)
        documents = read_documents(args.work / "train.jsonl", tokenizer)
        self._lanes = PassageLanes(documents, tokenizer, args.lanes, args.step_lanes, args.seed)
        self._state = self._model.rwkv.empty_state(args.lanes)
        self._step = self._pairs = self._tokens = 0
        self._path = args.work / f"{args.name}.checkpoint"
        self._log = args.work / f"{args.name}.log.jsonl"
        self._started_from, seconds = "", 0.0
        if args.resume:
            seconds = self._restore()
        else:
            self._log.unlink(missing_ok=True)
            self._start_from(args.start or args.work / "generator.checkpoint", vocabulary)
        self._budget = time_budget.TimeBudget(time_budget.deadline(args), seconds)

    def run(self) -> None:
        args, figures = self._args, []
        saved_at = time.time()
        bar = tqdm(total=100, unit="%", bar_format="{l_bar}{bar}| {elapsed}<{remaining} {postfix}")
        while (progress := self._budget.progress()) < 1.0:
            figures.append(self._train_step(self._budget.rate(self._step, WARM_UP_STEPS)))
            bar.n = round(100 * progress, 1)
            bar.set_postfix_str(f"step {self._step} loss {figures[-1][0]:.3f}", refresh=False)
            bar.update(0)
            if time.time() - saved_at > 60 * args.save_minutes:
                self._report(figures)
                self._save()
                figures, saved_at = [], time.time()
        bar.close()
        if figures:
            self._report(figures)
        self._save()

    def _stream_vectors(self) -> tuple[Tensor, list[np.ndarray]]:
        lanes, block = self._lanes.stream_step()
        forgotten = lanes[torch.rand(len(lanes)) < FORGET_CHANCE]
        for layer in self._state:
            layer.forget(forgotten)
        vectors, after = self._model.embed_probes(
            block.tokens, block.scratch, block.wanted,
            [layer.take(lanes) for layer in self._state])
        for layer, advanced in zip(self._state, after):
            layer.put(lanes, advanced)
        self._tokens += block.tokens.numel()
        return vectors, block.queries

    def _span_vectors(self) -> tuple[Tensor, list[np.ndarray]]:
        passages, queries = self._lanes.span_step(SPAN_PASSAGES)
        self._tokens += sum(map(len, passages))
        return self._model.embed_texts(passages), queries

    def _train_step(self, rate: float) -> tuple[float, float]:
        """One optimiser step; returns the loss and the share of queries found first."""
        spans = self._step % SPAN_STEP_EVERY == SPAN_STEP_EVERY - 1
        probes, queries = self._span_vectors() if spans else self._stream_vectors()
        asked = self._model.embed_texts(queries)
        wanted = torch.arange(len(queries))
        cosines = asked @ probes.t()
        loss = (F.cross_entropy(cosines / TEMPERATURE, wanted)
                + F.cross_entropy(cosines.t() / TEMPERATURE, wanted)) / 2
        self._model.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), CLIP_NORM)
        self._optimizer.step(rate)
        self._step += 1
        self._pairs += len(queries)
        self._tokens += sum(map(len, queries))
        return loss.item(), (cosines.argmax(1) == wanted).float().mean().item()

    def _report(self, figures: list[tuple[float, float]]) -> None:
        losses, found = zip(*figures)
        record = {
            "started_from": self._started_from,
            "minutes": round(self._budget.seconds() / 60, 2),
            "step": self._step,
            "pairs": self._pairs,
            "tokens": self._tokens,
            "loss": round(float(np.mean(losses)), 4),
            "found_first_in_batch": round(float(np.mean(found)), 4),
        }
        with open(self._log, "a", encoding="utf-8") as log:
            log.write(json.dumps(record) + "\n")
        tqdm.write(json.dumps(record))

    def _start_from(self, path: Path, vocabulary: Path) -> None:
        """Takes an embedder as it is, or the trunk of a language model."""
        saved = read_weights(path, vocabulary)
        if saved.pop("head.weight", None) is not None:
            self._model.rwkv.load_state_dict(saved)
        else:
            self._model.load_state_dict(saved)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        self._started_from = f"{path.name} sha256:{digest}"

    def _save(self) -> None:
        part = self._path.with_suffix(".part")
        torch.save({
            "model": self._model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "counts": (self._step, self._pairs, self._tokens),
            "seconds": self._budget.seconds(),
            "started_from": self._started_from,
        }, part)
        os.replace(part, self._path)

    def _restore(self) -> float:
        """Takes up a checkpoint, with empty states; returns the seconds it had trained."""
        saved = torch.load(self._path)
        self._model.load_state_dict(saved["model"])
        self._optimizer.load_state_dict(saved["optimizer"])
        self._step, self._pairs, self._tokens = saved["counts"]
        self._started_from = saved["started_from"]
        return saved["seconds"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="folder of the documents")
    parser.add_argument("--name", default="embedder", help="stem of checkpoint and log")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint")
    parser.add_argument("--from", dest="start", type=Path,
                        help="weights to start from: a .safetensors file of either model, or a "
                             "checkpoint; WORK/generator.checkpoint if not given")
    parser.add_argument("--seed", type=int, default=11,
                        help="of the order of passages: another one for further training")
    parser.add_argument("--lanes", type=int, default=192, help="streams read side by side")
    parser.add_argument("--step-lanes", type=int, default=8, help="streams read in a step")
    parser.add_argument("--muon-lr", type=float, default=0.008, help="peak, hidden matrices")
    parser.add_argument("--adamw-lr", type=float, default=1e-3, help="peak, everything else")
    parser.add_argument("--save-minutes", type=float, default=3.0, help="between checkpoints")
    parser.add_argument("--fp32", action="store_true", help="no bf16 products")
    time_budget.add_flags(parser)
    args = parser.parse_args()
    torch.set_num_threads(1)
    Linear.fast = not args.fp32
    EmbedderTraining(args).run()


if __name__ == "__main__":
    main()
