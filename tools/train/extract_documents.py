"""Turns the unpacked packages into plain documents, one JSON object a line.

A document is {"source", "title", "sections": [[heading, [paragraph, ...]]]}.
Menus, breadcrumbs and page furniture go; a paragraph seen before goes; short
fragments (table cells, list items) are joined to their neighbour.
"""

import argparse
import gzip
import hashlib
import html
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

Section = tuple[str, list[str]]

BLOCK_TAGS = frozenset(
    "p li dd dt td th tr div br blockquote ul ol dl table section article main "
    "body hr figure figcaption details summary".split())
HEADING_TAGS = frozenset(["h1", "h2", "h3", "h4", "h5", "h6"])
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)[^>]*>")
SPACE = re.compile(r"\s+")
WORD = re.compile(r"\w{2}")
FURNITURE = re.compile(
    r"<!--.*?-->|<!DOCTYPE[^>]*>"
    r"|<(script|style|head|nav|form|svg|footer|header|aside|button)\b.*?</\1\s*>",
    re.DOTALL | re.IGNORECASE)
MARKS = str.maketrans("", "", "\u00b6\uf0c1\u00a7\x00")
FRAGMENT_CHARS = 40
JOINED_CHARS_MAX = 400
PARAGRAPH_CHARS_DEDUPLICATED = 80
DOCUMENT_BYTES_MIN = 80
FILE_BYTES_MAX = 700_000


@dataclass
class Document:
    source: str
    title: str
    sections: list[Section]

    def bytes_count(self) -> int:
        return sum(len(heading) + sum(len(p.encode()) + 2 for p in paragraphs)
                   for heading, paragraphs in self.sections)


def squeeze(text: str) -> str:
    """Unescapes and collapses white space to single blanks."""
    return SPACE.sub(" ", html.unescape(text).translate(MARKS)).strip()


@dataclass
class SectionBuilder:
    """Collects the text between tags into headed sections."""

    sections: list[Section] = field(default_factory=lambda: [("", [])])
    pieces: list[str] = field(default_factory=list)
    preformatted: bool = False

    def take(self) -> str:
        text = "".join(self.pieces)
        self.pieces.clear()
        return text

    def end_paragraph(self) -> None:
        text = self.take()
        if self.preformatted:
            text = html.unescape(text).translate(MARKS).strip("\n").rstrip()
        else:
            text = squeeze(text)
        if text.strip():
            self.sections[-1][1].append(text)

    def end_heading(self) -> None:
        heading = squeeze(self.take()).strip(" #")
        if heading:
            self.sections.append((heading, []))


def sections_of_html(markup: str) -> list[Section]:
    """Splits page markup at its headings."""
    builder = SectionBuilder()
    markup = FURNITURE.sub(" ", markup)
    position, in_heading = 0, False
    for tag in TAG.finditer(markup):
        builder.pieces.append(markup[position:tag.start()])
        position = tag.end()
        closes, name = bool(tag.group(1)), tag.group(2).lower()
        if name in HEADING_TAGS:
            builder.end_heading() if closes and in_heading else builder.end_paragraph()
            in_heading = not closes
        elif in_heading:
            continue
        elif name == "pre":
            builder.end_paragraph()
            builder.preformatted = not closes
        elif name in BLOCK_TAGS:
            if not builder.preformatted:
                builder.end_paragraph()
            elif name in ("br", "div", "li"):
                builder.pieces.append("\n")
    builder.pieces.append(markup[position:])
    builder.end_paragraph()
    return builder.sections


def balanced_divs(markup: str, opening: str) -> list[tuple[int, int]]:
    """Spans of the outermost <div> elements whose opening tag matches."""
    spans = []
    position = 0
    starts = re.compile(opening)
    edge = re.compile(r"<(/?)div\b", re.IGNORECASE)
    while start := starts.search(markup, position):
        depth, position = 0, len(markup)
        for tag in edge.finditer(markup, start.start()):
            depth += -1 if tag.group(1) else 1
            if depth == 0:
                position = tag.end()
                break
        spans.append((start.start(), position))
    return spans


def keep_divs(markup: str, opening: str) -> str:
    return "\n".join(markup[a:b] + "</div>" for a, b in balanced_divs(markup, opening))


def drop_divs(markup: str, opening: str) -> str:
    kept, position = [], 0
    for start, end in balanced_divs(markup, opening):
        kept.append(markup[position:start])
        position = end
    return " ".join(kept) + markup[position:]


def read_text(path: Path) -> str:
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    return data.decode("utf-8", "replace")


@dataclass(frozen=True)
class HtmlSource:
    """One manual: which pages, which part of a page, which title suffix goes."""

    name: str
    package: str
    pattern: str
    skip: str = "$^"
    keep: str = ""
    drop: str = ""
    title_suffix: str = ""
    title_heads_text: bool = False

    def pages(self, unpacked: Path) -> Iterator[Path]:
        for path in sorted((unpacked / self.package).glob(self.pattern)):
            if path.is_symlink() or not path.is_file():
                continue
            if path.stat().st_size <= FILE_BYTES_MAX and not re.search(self.skip, str(path)):
                yield path

    def document(self, path: Path) -> Document:
        markup = read_text(path)
        title = re.search(r"<title[^>]*>(.*?)</title>", markup, re.DOTALL | re.IGNORECASE)
        name = re.sub(self.title_suffix, "", squeeze(title.group(1))) if title else ""
        if self.keep == "main":
            body = re.search(r"<main\b.*?</main>", markup, re.DOTALL)
            markup = body.group(0) if body else ""
        elif self.keep:
            markup = keep_divs(markup, self.keep)
        if self.drop:
            markup = drop_divs(markup, self.drop)
        sections = sections_of_html(markup)
        if self.title_heads_text and sections and not sections[0][0]:
            sections[0] = (name, sections[0][1])
        return Document(self.name, name, sections)


HTML_SOURCES = [
    HtmlSource("python", "python3.11-doc", "usr/share/doc/python3.11/html/**/*.html",
               skip=r"genindex|contents\.html|modindex|search\.html|/license\.html|copyright",
               keep=r'<div class="body" role="main">',
               title_suffix=r" — Python [0-9.]+ documentation$"),
    HtmlSource("postgresql", "postgresql-doc-15", "**/*.html", skip="bookindex|release-",
               drop=r'<div class="(?:navheader|navfooter|toc)"'),
    HtmlSource("apache", "apache2-doc", "**/en/**/*.html", skip="quickreference|sitemap",
               drop=r'<div (?:id="(?:page-header|path|quickview|footer|comments_thread)"'
                    r'|class="(?:toplang|bottomlang|up|top|menu)")',
               title_suffix=r" - Apache HTTP Server Version [0-9.]+$"),
    HtmlSource("django", "python-django-doc", "**/*.html",
               skip=r"genindex|modindex|/releases/|_modules", keep=r'<div class="yui-g"',
               title_suffix=r" — Django [0-9.]+ documentation$"),
    HtmlSource("sqlite", "sqlite3-doc", "**/*.html",
               skip=r"requirements|/c3ref/.*list|changes|search|matrix|releaselog",
               drop=r'<div class="?(?:nosearch|fancy_toc|menu|searchmenu)'),
    HtmlSource("libreoffice", "libreoffice-help-en-us", "**/text/**/*.html",
               keep=r'<div id="DisplayArea"'),
    HtmlSource("rust", "rust-doc",
               "usr/share/doc/rust-doc/html/*book*/**/*.html", skip=r"print\.html",
               keep="main", title_suffix=r" - [^-]*$"),
    *(HtmlSource("rust", "rust-doc", f"usr/share/doc/rust-doc/html/{book}/**/*.html",
                 skip=r"print\.html", keep="main", title_suffix=r" - [^-]*$")
      for book in ("reference", "nomicon", "rust-by-example", "rustc", "rustdoc",
                   "edition-guide")),
    HtmlSource("rust", "rust-doc", "usr/share/doc/rust-doc/html/std/**/*.html",
               keep=r'<div class="docblock">', title_suffix=r" - Rust$",
               title_heads_text=True),
]

PARTS_OF_SPEECH = {"noun": "n.", "verb": "v.", "adj": "adj.", "adv": "adv."}
SYNSETS_PER_DOCUMENT = 40


def wordnet(unpacked: Path) -> Iterator[Document]:
    """Forty neighbouring synsets a document; heading = words, paragraph = gloss."""
    sections: list[Section] = []
    for part, abbreviation in PARTS_OF_SPEECH.items():
        path = unpacked / "wordnet-base/usr/share/wordnet" / f"data.{part}"
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith(" "):
                continue
            data, gloss = line.split("|", 1)
            fields = data.split()
            words_count = int(fields[3], 16)
            words = [re.sub(r"\(.*\)", "", w).replace("_", " ")
                     for w in fields[4:4 + 2 * words_count:2]]
            sections.append((f"{', '.join(words)} ({abbreviation})", [gloss.strip()]))
    for start in range(0, len(sections), SYNSETS_PER_DOCUMENT):
        yield Document("wordnet", f"synsets {start}", sections[start:start + SYNSETS_PER_DOCUMENT])


PERL_TABLES = re.compile(r"perltoc|perluniprops|perlapi\.pod|perlintern")
POD_ESCAPES = {"lt": "<", "gt": ">", "verbar": "|", "sol": "/"}


def plain_pod(text: str) -> str:
    """Removes POD's inline markup, innermost first."""
    inline = re.compile(r"[BCFISLXZ]<(?:<+ )?([^<>]*?)(?: >+)?>")
    text = re.sub(r"E<(\w+)>", lambda m: "\0" + m.group(1) + "\0", text)
    for _ in range(3):
        text = inline.sub(lambda m: m.group(1).split("|")[0], text)
    return re.sub("\0(\\w+)\0", lambda m: POD_ESCAPES.get(m.group(1), ""), text)


def perl(unpacked: Path) -> Iterator[Document]:
    """The .pod manuals."""
    for path in sorted((unpacked / "perl-doc").glob("**/*.pod")):
        if path.is_symlink() or PERL_TABLES.search(path.name):
            continue
        sections: list[Section] = [("", [])]
        for block in re.split(r"\n\s*\n", plain_pod(read_text(path))):
            command = re.match(r"=(\w+)\s*(.*)", block, re.DOTALL)
            if command is None:
                verbatim = block[:1] in (" ", "\t")
                sections[-1][1].append(block.strip("\n").rstrip() if verbatim else squeeze(block))
            elif command.group(1).startswith("head"):
                sections.append((squeeze(command.group(2)), []))
            elif command.group(1) == "item" and command.group(2).strip("*0123456789. \n"):
                sections[-1][1].append(squeeze(command.group(2)))
        yield Document("perl", path.stem, sections)


def jargon(unpacked: Path) -> Iterator[Document]:
    """Ten entries of the jargon file a document."""
    text = read_text(unpacked / "jargon-text/usr/share/doc/jargon-text/jargon.txt.gz")
    entries: list[Section] = []
    for block in re.split(r"\n\s*\n", re.sub(r"[{}]", "", text)):
        block = squeeze(block)
        if re.match(r":[^:]+:", block):
            entries.append((block.strip(": ").replace(":", ""), []))
        elif entries:
            entries[-1][1].append(block)
    for start in range(0, len(entries), 10):
        yield Document("jargon", entries[start][0], entries[start:start + 10])


def devil(unpacked: Path) -> Iterator[Document]:
    """The Devil's Dictionary, twenty paragraphs a document."""
    text = read_text(unpacked / "dict-devil/usr/share/dictd/devil.dict.dz")
    paragraphs = [squeeze(p) for p in re.split(r"\n\s*\n", re.sub(r"[{}]", "", text))]
    for start in range(0, len(paragraphs), 20):
        yield Document("devil", f"part {start}", [("", paragraphs[start:start + 20])])


def king_james(unpacked: Path) -> Iterator[Document]:
    """The King James Version, one chapter a document."""
    done = subprocess.run(
        [unpacked / "bible-kjv/usr/bin/bible", "-l9999", "-p",
         f"{unpacked}/bible-kjv-text/usr/lib/", "gen1:1-rev22:21"],
        check=True, capture_output=True, text=True)
    for chapter in re.split(r"\n(?=[1-3]?\s?[A-Z][A-Za-z ]+ \d+\n)", "\n" + done.stdout):
        heading, _, verses = chapter.strip().partition("\n")
        numbered = re.split(r"\n\s*\d+ ", "\n" + verses)
        yield Document("bible", heading, [(heading, [squeeze(" ".join(numbered))])])


class Cleaner:
    """Drops repeated paragraphs and joins fragments."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def _is_new(self, paragraph: str) -> bool:
        if len(paragraph) <= PARAGRAPH_CHARS_DEDUPLICATED:
            return True
        digest = hashlib.blake2b(paragraph.encode(), digest_size=8).digest()
        is_new = digest not in self._seen
        self._seen.add(digest)
        return is_new

    def clean(self, document: Document) -> Document:
        sections = []
        for heading, paragraphs in document.sections:
            joined: list[str] = []
            for paragraph in paragraphs:
                if not WORD.search(paragraph) or not self._is_new(paragraph):
                    continue
                fragment = len(paragraph) < FRAGMENT_CHARS and "\n" not in paragraph
                if fragment and joined and len(joined[-1]) < JOINED_CHARS_MAX:
                    joined[-1] += " " + paragraph
                else:
                    joined.append(paragraph)
            if joined:
                sections.append((heading, joined))
        return Document(document.source, document.title, sections)


def documents(unpacked: Path) -> Iterator[Document]:
    for read in (wordnet, perl, jargon, devil, king_james):
        yield from read(unpacked)
    for source in HTML_SOURCES:
        for page in source.pages(unpacked):
            yield source.document(page)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--work", type=Path, required=True, help="folder of the fetched packages")
    args = parser.parse_args()
    cleaner = Cleaner()
    totals: dict[str, list[int]] = {}
    with open(args.work / "documents.jsonl", "w", encoding="utf-8") as out:
        for raw in tqdm(documents(args.work / "unpacked"), unit=" documents"):
            document = cleaner.clean(raw)
            size = document.bytes_count()
            if size < DOCUMENT_BYTES_MIN:
                continue
            out.write(json.dumps(vars(document), ensure_ascii=False) + "\n")
            total = totals.setdefault(document.source, [0, 0])
            total[0] += 1
            total[1] += size
    for source, (count, size) in sorted(totals.items(), key=lambda item: -item[1][1]):
        print(f"{source:12} {count:6} documents {size / 1e6:7.2f} MB")


if __name__ == "__main__":
    main()
