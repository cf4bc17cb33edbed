"""Continues prompts with the exported generator, to see what it can and cannot do."""

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from evaluate_models import load_generator
from export_models import GENERATOR
from rwkv7 import Generator, Linear
from world_vocabulary import END_OF_DOCUMENT, Tokenizer


@torch.no_grad()
def continuation(model: Generator, prompt: np.ndarray, tokens_max: int, temperature: float,
                 top_p: float) -> list[int]:
    """Token ids drawn one by one from the state; ends at END_OF_DOCUMENT."""
    state = model.empty_state(1)
    tokens = torch.tensor([[END_OF_DOCUMENT, *prompt.tolist()]])
    drawn: list[int] = []
    while len(drawn) < tokens_max:
        hidden, state = model(tokens, state)
        likely, ids = F.softmax(model.head(hidden[0, -1]) / temperature, -1).sort(descending=True)
        likely[likely.cumsum(0) - likely >= top_p] = 0.0
        token = int(ids[torch.multinomial(likely, 1)])
        if token == END_OF_DOCUMENT:
            break
        drawn.append(token)
        tokens = torch.tensor([[token]])
    return drawn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", type=Path, required=True, help="folder of the model files")
    parser.add_argument("--tokens", type=int, default=60, help="tokens to draw at most")
    parser.add_argument("--temperature", type=float, default=0.8)
    parser.add_argument("--top-p", type=float, default=0.6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("prompt", nargs="+")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    Linear.fast = False
    tokenizer = Tokenizer(args.models / f"{GENERATOR}.vocab")
    model = load_generator(args.models)
    for prompt in args.prompt:
        drawn = continuation(model, tokenizer.encode(prompt.encode()), args.tokens,
                             args.temperature, args.top_p)
        print(prompt + "|" + tokenizer.decode(np.array(drawn)).decode("utf-8", "replace") + "\n")


if __name__ == "__main__":
    main()
