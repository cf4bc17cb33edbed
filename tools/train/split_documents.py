"""Splits the documents into training and held-out text, by hash of the document.

The split is made before anything is learnt (vocabulary, model, n-gram), and by
whole documents, so that no held-out paragraph has a neighbour in training.
Writes train.jsonl and heldout.jsonl (documents) and train.txt and heldout.txt
(their texts, each ended by a zero byte, in the same order).
"""

import argparse
import hashlib
import json
import random
from pathlib import Path
from typing import Any

Document = dict[str, Any]

HELD_OUT_PER_MILLE = 10
# Sources whose style is peculiar: the part of their documents that is kept.
KEPT_PER_MILLE = {"bible": 300}
ORDER_SEED = 20


def draw(document: Document, purpose: str) -> int:
    """A number in 0..999 that depends on nothing but the document's name."""
    name = f"{purpose}\0{document['source']}\0{document['title']}\0{document['sections'][0][0]}"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % 1000


def text_of(document: Document) -> str:
    """The document as a reader would see it: headings and paragraphs."""
    if document["source"] == "wordnet":
        return "\n\n".join(f"{words}: {' '.join(gloss)}" for words, gloss in document["sections"])
    blocks = []
    for heading, paragraphs in document["sections"]:
        blocks += [heading] if heading else []
        blocks += paragraphs
    return "\n\n".join(blocks)


def write_part(work: Path, name: str, documents: list[Document]) -> int:
    """Writes NAME.jsonl and NAME.txt; returns the bytes of text."""
    with open(work / f"{name}.jsonl", "w", encoding="utf-8") as lines:
        for document in documents:
            lines.write(json.dumps(document, ensure_ascii=False) + "\n")
    data = b"".join(text_of(d).encode() + b"\0" for d in documents)
    (work / f"{name}.txt").write_bytes(data)
    return len(data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="folder with documents.jsonl")
    args = parser.parse_args()
    train: list[Document] = []
    heldout: list[Document] = []
    with open(args.work / "documents.jsonl", encoding="utf-8") as lines:
        for line in lines:
            document = json.loads(line)
            if draw(document, "keep") >= KEPT_PER_MILLE.get(document["source"], 1000):
                continue
            part = heldout if draw(document, "split") < HELD_OUT_PER_MILLE else train
            part.append(document)
    random.Random(ORDER_SEED).shuffle(train)
    for name, documents in (("train", train), ("heldout", heldout)):
        size = write_part(args.work, name, documents)
        print(f"{name:8} {len(documents):6} documents {size / 1e6:7.2f} MB")


if __name__ == "__main__":
    main()
