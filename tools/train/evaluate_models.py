"""Measures the two exported files on held-out documents; writes evaluation.json.

The files are read back, so the rounding of the weights is part of every figure.
Bits per byte are computed in fp32, as a server would; search with bf16 products,
because it reads the held-out text eight times.
"""

import argparse
import gzip
import hashlib
import json
import lzma
from pathlib import Path
from typing import Any

import numpy as np
import torch

import byte_ngram
from bits_per_byte import bits_per_byte, document_nats, split_documents
from embedder import Embedder
from export_models import EMBEDDER, GENERATOR, read_safetensors
from passages import QuestionMaker, read_documents
from retrieval import (KINDS, Search, bm25_scores, both_pools, embedding_scores, make_search,
                       make_stream, pooling_scores, reciprocal_ranks, z_sum)
from rwkv7 import Generator, Linear
from world_vocabulary import END_OF_DOCUMENT, Tokenizer

TRAINING_FACTS = ("started_from", "step", "pairs", "tokens", "epochs", "minutes")


def load_generator(models: Path) -> Generator:
    model = Generator()
    model.load_state_dict(read_safetensors(models / f"{GENERATOR}.safetensors"))
    return model.eval()


def load_embedder(models: Path) -> Embedder:
    model = Embedder()
    model.load_state_dict(read_safetensors(models / f"{EMBEDDER}.safetensors"))
    return model.eval()


def measure_generator(work: Path, model: Generator, tokenizer: Tokenizer) -> dict[str, Any]:
    """Bits per byte: each document afresh, by source, and all as one stream."""
    tokens = np.fromfile(work / "heldout.tokens", dtype=np.uint16)
    documents = split_documents(tokens)
    sizes = np.array([len(tokenizer.decode(d)) for d in documents])
    nats = document_nats(model, documents, quiet=False)
    with open(work / "heldout.jsonl", encoding="utf-8") as lines:
        sources = np.array([json.loads(line)["source"] for line in lines])
    stream = document_nats(model, [tokens], quiet=False)
    text_bytes = int(sizes.sum())
    return {
        "heldout_bytes": text_bytes,
        "heldout_documents": len(documents),
        "heldout_tokens": int((tokens != END_OF_DOCUMENT).sum()),
        "bits_per_byte": round(bits_per_byte(nats, text_bytes), 4),
        "bits_per_byte_as_one_stream": round(
            bits_per_byte(stream, text_bytes + len(documents)), 4),
        "bits_per_byte_by_source": {
            source: round(bits_per_byte(nats[sources == source],
                                        int(sizes[sources == source].sum())), 4)
            for source in sorted(set(sources))},
    }


def measure_compressors(work: Path) -> dict[str, float]:
    text = (work / "heldout.txt").read_bytes()
    packed = {
        "gzip -9": gzip.compress(text, 9),
        "xz -9e": lzma.compress(text, preset=9 | lzma.PRESET_EXTREME),
    }
    figures = {name: round(8 * len(data) / len(text), 4) for name, data in packed.items()}
    figures[f"byte {byte_ngram.ORDER}-gram"] = round(byte_ngram.heldout_bits_per_byte(work), 4)
    return figures


def measure_pooling(searches: list[Search], generator: Generator,
                    tokenizer: Tokenizer) -> dict[str, Any]:
    """BM25 and raw pooling of the language model."""
    results = {}
    for search, ways in zip(searches, pooling_scores(generator, tokenizer, searches)):
        ways = {"bm25": bm25_scores(search)} | ways
        results[search.kind] = {
            "questions": len(search.queries), "passages": len(search.texts),
            "stream_tokens": len(make_stream(search, tokenizer, probes=False).tokens),
            "ways": {name: both_pools(scores, search) for name, scores in ways.items()}}
    return results


def measure_head(searches: list[Search], embedder: Embedder,
                 tokenizer: Tokenizer) -> dict[str, dict[str, Any]]:
    """The trained head, alone and fused with BM25."""
    results = {}
    for search, contexts in zip(searches, embedding_scores(embedder, tokenizer, searches)):
        words, ways = bm25_scores(search), {}
        for context, scores in contexts.items():
            ways[f"head {context}"] = scores
            ways[f"bm25 + head {context}, z-sum"] = z_sum(words, scores)
            ways[f"bm25 + head {context}, reciprocal ranks"] = reciprocal_ranks(words, scores)
        results[search.kind] = {name: both_pools(s, search) for name, s in ways.items()}
    return results


def training_facts(work: Path, name: str) -> dict[str, Any]:
    """The last line of a training log."""
    lines = (work / f"{name}.log.jsonl").read_text(encoding="utf-8").splitlines()
    return {key: value for key, value in json.loads(lines[-1]).items() if key in TRAINING_FACTS}


def file_facts(models: Path) -> dict[str, Any]:
    return {path.name: {"bytes": path.stat().st_size,
                        "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
            for stem in (GENERATOR, EMBEDDER)
            for path in (models / f"{stem}.safetensors", models / f"{stem}.vocab")
            if path.exists()}


def print_recall(results: dict[str, Any], pool: str) -> None:
    """A markdown table, recall@1 / recall@10."""
    names = [f"{kind} ({results[kind]['questions']})" for kind in results]
    print("| " + " | ".join(["way", *names]) + " |\n" + "|---" * (len(names) + 1) + "|")
    for way in next(iter(results.values()))["ways"]:
        cells = [results[kind]["ways"][way][pool] for kind in results]
        row = [f"{c['recall@1']:.3f} / {c['recall@10']:.3f}" for c in cells]
        print("| " + " | ".join([way, *row]) + " |")


def evaluate_generator(work: Path, models: Path, searches: list[Search],
                       tokenizer: Tokenizer) -> dict[str, Any]:
    generator = load_generator(models)
    bits = measure_generator(work, generator, tokenizer)
    Linear.fast = True
    return {
        "generator_training": training_facts(work, "generator"),
        "generator": bits,
        "yardsticks_bits_per_byte": measure_compressors(work),
        "search": measure_pooling(searches, generator, tokenizer),
    }


def add_embedder(results: dict[str, Any], work: Path, models: Path, searches: list[Search],
                 tokenizer: Tokenizer) -> None:
    Linear.fast = True
    results["embedder_training"] = training_facts(work, "embedder")
    for kind, ways in measure_head(searches, load_embedder(models), tokenizer).items():
        results["search"][kind]["ways"].update(ways)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="folder of the documents")
    parser.add_argument("--models", type=Path, required=True, help="folder of the model files")
    parser.add_argument("--only", choices=["generator", "embedder"],
                        help="measure one model; `embedder` completes an evaluation.json")
    args = parser.parse_args()
    torch.set_num_threads(1)
    Linear.fast = False
    path = args.models / "evaluation.json"
    tokenizer = Tokenizer(args.models / f"{GENERATOR}.vocab")
    documents = read_documents(args.work / "heldout.jsonl", tokenizer)
    maker = QuestionMaker([p for passages in documents for p in passages])
    searches = [make_search(kind, documents, maker) for kind in KINDS]
    if args.only == "embedder":
        results = json.loads(path.read_text(encoding="utf-8"))
    else:
        results = evaluate_generator(args.work, args.models, searches, tokenizer)
    if args.only != "generator":
        add_embedder(results, args.work, args.models, searches, tokenizer)
    results["files"] = file_facts(args.models)
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({key: value for key, value in results.items() if key != "search"}, indent=1))
    for pool in ("answers", "all"):
        print(f"\nPool: {pool} (recall@1 / recall@10)\n")
        print_recall(results["search"], pool)


if __name__ == "__main__":
    main()
