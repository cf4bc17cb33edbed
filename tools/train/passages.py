"""Cuts documents into passages and finds a question for each kind of search.

A passage is what one probe of the stream stands for: at most PASSAGE_TOKENS_MAX
tokens of whole paragraphs (long ones are cut at sentences). Headings are left out
of the text, because they are the questions.
"""

import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from world_vocabulary import Tokenizer

PASSAGE_TOKENS_MAX = 120
PASSAGE_TOKENS_MIN = 8
SENTENCE_CHARS = range(30, 300)
SENTENCES_MIN = 3
WORDS_ASKED = (2, 5)
WORD_LETTERS_MIN = 4
FREQUENT_WORDS = 300

SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"“])")
NUMBERING = re.compile(r"^(?:(?:Chapter|Appendix|Part) )?(?:[A-Z]|\d+|[IVX]+)(?:\.\d+)*\.\s+")
WORD = re.compile(r"[A-Za-z]{%d,}" % WORD_LETTERS_MIN)
LETTER = re.compile(r"[A-Za-z]")


@dataclass(frozen=True)
class Passage:
    """`heading` is "" for all but the first passage below a heading."""

    source: str
    title: str
    heading: str
    text: str


@dataclass(frozen=True)
class Question:
    """A question and the passage text that answers it, without the question's words
    where those were taken out of it."""

    kind: str
    query: str
    text: str


def is_prose(text: str) -> bool:
    letters = len(LETTER.findall(text))
    return len(text) >= 60 and letters > 0.7 * len(text) and text.count(" ") >= 8


class PassageCutter:
    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    def _tokens(self, text: str) -> int:
        return len(self._tokenizer.encode(text.encode()))

    def _pieces(self, paragraphs: list[str]) -> Iterator[str]:
        """Paragraphs, and the sentences or lines of those that are too long."""
        for paragraph in paragraphs:
            if self._tokens(paragraph) <= PASSAGE_TOKENS_MAX:
                yield paragraph
                continue
            lines = paragraph.split("\n") if "\n" in paragraph else SENTENCE_END.split(paragraph)
            for line in lines:
                if self._tokens(line) <= PASSAGE_TOKENS_MAX:
                    yield line

    def _texts(self, paragraphs: list[str]) -> Iterator[str]:
        gathered, size = [], 0
        for piece in self._pieces(paragraphs):
            tokens = self._tokens(piece) + 1
            if gathered and size + tokens > PASSAGE_TOKENS_MAX:
                yield "\n".join(gathered)
                gathered, size = [], 0
            gathered.append(piece)
            size += tokens
        if gathered:
            yield "\n".join(gathered)

    def cut(self, document: dict[str, Any]) -> list[Passage]:
        source, passages = document["source"], []
        title = NUMBERING.sub("", document["title"])
        for heading, paragraphs in document["sections"]:
            heading = NUMBERING.sub("", heading)
            for text in self._texts(paragraphs):
                if self._tokens(text) >= PASSAGE_TOKENS_MIN:
                    passages.append(Passage(source, title, heading, text))
                heading = ""
        return passages


class QuestionMaker:
    """Makes questions; the frequent words of the passages given are not asked for."""

    def __init__(self, passages: list[Passage]) -> None:
        counts = Counter(w.lower() for p in passages for w in WORD.findall(p.text))
        self._frequent = {word for word, _ in counts.most_common(FREQUENT_WORDS)}

    def questions(self, passage: Passage, rng: random.Random) -> list[Question]:
        """All questions the passage can answer, at most one of each kind."""
        makers = (self._heading, self._sentence, self._words)
        return [q for make in makers if (q := make(passage, rng)) is not None]

    @staticmethod
    def _heading(passage: Passage, rng: random.Random) -> Question | None:
        heading, text = passage.heading, passage.text
        if not heading:
            return None
        if passage.source == "wordnet":
            return Question("gloss", re.sub(r" \(\w+\.\)$", "", heading), text.split('; "')[0])
        if passage.source == "jargon":
            return Question("entry", re.sub(r"\s+(?:/.*|\w{1,4}\.)$", "", heading), text)
        if not is_prose(text):
            return None
        named = passage.title in heading or heading in passage.title or not passage.title
        return Question("heading", heading if named else f"{passage.title}: {heading}", text)

    @staticmethod
    def _sentence(passage: Passage, rng: random.Random) -> Question | None:
        if passage.source == "wordnet" or not is_prose(passage.text):
            return None
        sentences = SENTENCE_END.split(passage.text)
        if len(sentences) < SENTENCES_MIN:
            return None
        index = rng.randrange(len(sentences))
        if len(sentences[index]) not in SENTENCE_CHARS:
            return None
        rest = sentences[:index] + sentences[index + 1:]
        return Question("sentence", sentences[index], " ".join(rest))

    def _words(self, passage: Passage, rng: random.Random) -> Question | None:
        words = dict.fromkeys(w.lower() for w in WORD.findall(passage.text))
        words = [word for word in words if word not in self._frequent]
        if len(words) < 2 * WORDS_ASKED[0]:
            return None
        count = min(rng.randint(*WORDS_ASKED), len(words) // 2)
        chosen = set(rng.sample(words, count))
        return Question("words", " ".join(w for w in words if w in chosen), passage.text)


def read_documents(path: Path, tokenizer: Tokenizer) -> list[list[Passage]]:
    """The passages of each document of a .jsonl file, empty documents left out."""
    cutter = PassageCutter(tokenizer)
    with open(path, encoding="utf-8") as lines:
        documents = [cutter.cut(json.loads(line)) for line in lines]
    return [passages for passages in documents if passages]
