"""Trains the language model on one core, by the clock, resumable at any time.

Each lane carries its state from step to step (truncated backpropagation) and now
and then starts over from the empty state, so that both long streams and fresh
ones are known to the model.
"""

import argparse
import json
import math
import os
import time
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

import time_budget
from bits_per_byte import bits_per_byte, document_nats, split_documents
from muon import MixedOptimizer
from rwkv7 import Generator, Linear
from token_lanes import TokenLanes
from world_vocabulary import Tokenizer

FORGET_CHANCE = 1 / 8
CLIP_NORM = 1.0
WARM_UP_STEPS = 100
EVALUATED_EVERY_NTH_DOCUMENT = 3
SEED = 7


class HeldOutSample:
    """A third of the held-out documents: quick to measure, always the same."""

    def __init__(self, work: Path) -> None:
        tokens = np.fromfile(work / "heldout.tokens", dtype=np.uint16)
        self._documents = split_documents(tokens)[::EVALUATED_EVERY_NTH_DOCUMENT]
        tokenizer = Tokenizer(work / "world.vocab")
        self._bytes = sum(len(tokenizer.decode(d)) for d in self._documents)

    def measure(self, model: Generator) -> float:
        return bits_per_byte(document_nats(model, self._documents), self._bytes)


class GeneratorTraining:
    def __init__(self, args: argparse.Namespace) -> None:
        torch.manual_seed(SEED)
        self._args = args
        self._model = Generator()
        self._optimizer = MixedOptimizer(self._model, args.muon_lr, args.adamw_lr)
        self._lanes = TokenLanes(
            args.work / "train.tokens", args.lanes, args.step_lanes, args.step_tokens, SEED)
        self._state = self._model.empty_state(args.lanes)
        self._step = 0
        self._sample = HeldOutSample(args.work)
        self._path = args.work / f"{args.name}.checkpoint"
        self._log = args.work / f"{args.name}.log.jsonl"
        seconds = 0.0
        if args.resume:
            seconds = self._restore()
        else:
            self._log.unlink(missing_ok=True)
        self._budget = time_budget.TimeBudget(time_budget.deadline(args), seconds)

    def run(self) -> None:
        """Steps until the deadline, then measures and saves a last time."""
        args, losses = self._args, []
        saved_at = time.time()
        bar = tqdm(total=100, unit="%", bar_format="{l_bar}{bar}| {elapsed}<{remaining} {postfix}")
        while (progress := self._budget.progress()) < 1.0:
            rate = self._budget.rate(self._step, WARM_UP_STEPS)
            losses.append(self._train_step(rate))
            bar.n = round(100 * progress, 1)
            bar.set_postfix_str(f"step {self._step} {losses[-1]:.3f} bits/token", refresh=False)
            bar.update(0)
            if time.time() - saved_at > 60 * args.save_minutes:
                self._report(losses, rate)
                self._save()
                losses, saved_at = [], time.time()
        bar.close()
        self._report(losses, 0.0)
        self._save()

    def _train_step(self, rate: float) -> float:
        """One optimiser step; returns its loss in bits a token."""
        if self._step % self._lanes.steps_per_epoch == 0:
            self._state = self._model.empty_state(self._args.lanes)
        lanes, tokens = self._lanes.batch(self._step)
        forgotten = lanes[torch.rand(len(lanes)) < FORGET_CHANCE]
        for layer in self._state:
            layer.forget(forgotten)
        loss, after = self._model.loss_sum(tokens, [layer.take(lanes) for layer in self._state])
        for layer, advanced in zip(self._state, after):
            layer.put(lanes, advanced)
        loss = loss / tokens[:, 1:].numel()
        self._model.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), CLIP_NORM)
        self._optimizer.step(rate)
        self._step += 1
        return loss.item() / math.log(2)

    def _report(self, losses: list[float], rate: float) -> None:
        tokens = self._step * self._args.step_lanes * self._args.step_tokens
        record = {
            "minutes": round(self._budget.seconds() / 60, 2),
            "step": self._step,
            "tokens": tokens,
            "epochs": round(self._step / self._lanes.steps_per_epoch, 3),
            "tokens_per_second": round(tokens / self._budget.seconds()),
            "rate": round(rate, 4),
            "train_bits_per_token": round(float(np.mean(losses)), 4) if losses else None,
            "heldout_sample_bits_per_byte": round(self._sample.measure(self._model), 4),
        }
        with open(self._log, "a", encoding="utf-8") as log:
            log.write(json.dumps(record) + "\n")
        tqdm.write(json.dumps(record))

    def _save(self) -> None:
        """Replaces the checkpoint in one move, so that a kill never leaves half a file."""
        part = self._path.with_suffix(".part")
        torch.save({
            "model": self._model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "step": self._step,
            "seconds": self._budget.seconds(),
            "random": torch.get_rng_state(),
        }, part)
        os.replace(part, self._path)

    def _restore(self) -> float:
        """Takes up a checkpoint, with empty states; returns the seconds it had trained."""
        saved = torch.load(self._path)
        self._model.load_state_dict(saved["model"])
        self._optimizer.load_state_dict(saved["optimizer"])
        self._step = saved["step"]
        torch.set_rng_state(saved["random"])
        return saved["seconds"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="folder of the tokens")
    parser.add_argument("--name", default="generator", help="stem of checkpoint and log")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint")
    parser.add_argument("--lanes", type=int, default=512, help="texts read side by side")
    parser.add_argument("--step-lanes", type=int, default=8, help="lanes read in a step")
    parser.add_argument("--step-tokens", type=int, default=256, help="tokens a lane and step")
    parser.add_argument("--muon-lr", type=float, default=0.02, help="peak, hidden matrices")
    parser.add_argument("--adamw-lr", type=float, default=3e-3, help="peak, everything else")
    parser.add_argument("--save-minutes", type=float, default=3.0, help="between checkpoints")
    parser.add_argument("--fp32", action="store_true", help="no bf16 products")
    time_budget.add_flags(parser)
    args = parser.parse_args()
    torch.set_num_threads(1)
    Linear.fast = not args.fp32
    GeneratorTraining(args).run()


if __name__ == "__main__":
    main()
