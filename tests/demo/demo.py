#!/usr/bin/env python3
"""Oxbow's main job, shown end to end on this machine.

A real document of more than a megabyte streams into a server; the server is
killed with `kill -9` half way and started again; the client goes on by itself;
the final state is the same, bit for bit, as that of a run nobody disturbed.
Then the stream is searched, continued, and forked.
"""
from __future__ import annotations

import argparse
import gzip
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("OXBOW_BIN", ROOT / "bazel-bin"))
FOLDOC = Path("/usr/share/dictd/foldoc.dict.dz")
QUERIES = [
    "a language for teaching children to program",
    "two processes each wait for the other for ever",
    "compressing images without losing detail",
]
FORKS = {
    "optimist": "\n\nbright future\n\n   A time in which every program",
    "pessimist": "\n\ndark future\n\n   A time in which no computer",
}


class DemoError(Exception):
    """What went wrong, in one sentence."""


def heading(text: str) -> None:
    """Prints what comes next."""
    print(f"\n\033[1m{text}\033[0m", flush=True)


def say(text: str) -> None:
    """Prints an indented line."""
    print(f"  {text}", flush=True)


class Server:
    """An oxbowd process on a store; can be killed and started again."""

    def __init__(self, options: argparse.Namespace, store: Path) -> None:
        self.command = [
            str(BIN / "service" / "oxbowd"),
            f"--model={options.model}",
            f"--store={store}",
            # A small window: the client stays close to the model, so that a
            # kill half way is one for both.
            "--append-window-bytes=65536",
        ]
        if options.embedder:
            self.command.append(f"--embedder={options.embedder}")
        self.address = "127.0.0.1:0"
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Starts, on the port of the first start, and waits until ready."""
        self.process = subprocess.Popen(
            [*self.command, f"--listen={self.address}"],
            stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        if not line.startswith("listening on "):
            raise DemoError("the server did not start; its own words are above")
        self.address = line.removeprefix("listening on ")

    def kill(self) -> None:
        """kill -9: no warning, no goodbye."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM: a drain; returns the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait()


class Client:
    """The `oxbow` command line, speaking JSON."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def command(self, *words: str) -> list[str]:
        """The words of a call."""
        return [str(BIN / "clients" / "cli" / "oxbow"),
                f"--server={self.server.address}", *words]

    def lines(self, *words: str) -> list[dict]:
        """The JSON lines of a call; raises if it fails."""
        done = subprocess.run(self.command("--json", *words),
                              stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise DemoError(f"`oxbow {words[0]}` failed with exit code "
                            f"{done.returncode}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def one(self, *words: str) -> dict:
        """The last JSON line of a call."""
        return self.lines(*words)[-1]

    def durable(self, stream: str) -> int:
        """The stream's durable bytes; 0 while it or the server is not there."""
        done = subprocess.run(self.command("--json", "show", stream),
                              stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, check=False)
        return json.loads(done.stdout)["durable"] if done.returncode == 0 else 0


def write_document(source: Path, path: Path, size: int) -> None:
    """The first `size` bytes of a text, cut at the end of an entry."""
    if not source.exists():
        raise DemoError(f"{source} is missing: run ./dev demo, which installs "
                        "Debian's dict-foldoc")
    # Debian packs dictionaries with dictzip, which gzip reads.
    packed = source.suffix in (".dz", ".gz")
    with (gzip.open(source) if packed else source.open("rb")) as file:
        text = file.read(size)
    path.write_bytes(text[:text.rfind(b"\n\n") + 2])


def kill_half_way(server: Server, client: Client, half: int,
                  report: list[str]) -> None:
    """Waits until `half` bytes are durable, kills, waits a moment, restarts."""
    while client.durable("foldoc") < half:
        if report:  # The ingest ended before: nothing to kill.
            return
        time.sleep(0.05)
    server.kill()
    begin = time.monotonic()
    time.sleep(1)
    server.start()
    report.append(f"killed with more than {half:,} bytes durable, down for "
                  f"{time.monotonic() - begin:.1f} s")


def ingest(server: Server, document: Path) -> dict:
    """Streams the document in, losing the server half way."""
    client = Client(server)
    report: list[str] = []
    killer = threading.Thread(
        target=kill_half_way,
        args=(server, client, document.stat().st_size // 2, report))
    killer.start()
    # A call for people: its progress bar is for you.
    done = subprocess.run(
        client.command("append", "foldoc", str(document), "--embed-every=128",
                       "--resume", "--retry-for=60"), check=False)
    if done.returncode != 0:
        report.append("")
        raise DemoError("the ingest failed")
    killer.join()
    say(report[0] if report else "the document was too short to be caught")
    return client.one("show", "foldoc")


def undisturbed(options: argparse.Namespace, folder: Path,
                document: Path) -> dict:
    """The same document, another server, nobody killed."""
    server = Server(options, folder / "undisturbed")
    server.start()
    client = Client(server)
    begin = time.monotonic()
    end = client.one("append", "foldoc", str(document), "--embed-every=128")
    seconds = time.monotonic() - begin
    say(f"{end['token_offset']:,} tokens in {seconds:.0f} s "
        f"({end['token_offset'] / seconds:,.0f} tokens/s)")
    server.stop()
    return end


def one_line(text: str, width: int = 100) -> str:
    """The beginning of a text, blanks and newlines folded."""
    folded = " ".join(text.split())
    return folded if len(folded) <= width else folded[:width - 3] + "..."


def show_search(client: Client) -> None:
    """Three queries over the embeddings made on the way in."""
    for query in QUERIES:
        say(f"? {query}")
        for hit in client.lines("search", "foldoc", query, "--top=3"):
            say(f"    {hit['score']:6.2f}  byte {hit['byte_offset']:>9,}  "
                f"{one_line(hit['text'], 84)}")


def continuation(client: Client, stream: str, *words: str) -> str:
    """What the model says next."""
    lines = client.lines("generate", stream, "--max-tokens=40", "--seed=7",
                         "--temperature=1", "--top-p=0.8", *words)
    return one_line(lines[-1]["text"])


def show_forks(client: Client, middle: int) -> None:
    """Two streams that share half a megabyte and go on separately."""
    for name, text in FORKS.items():
        begin = time.monotonic()
        client.one("fork", "foldoc", name, f"--at-byte={middle}")
        milliseconds = (time.monotonic() - begin) * 1000
        done = subprocess.run(client.command("--json", "append", name, "-"),
                              input=text.encode(), stdout=subprocess.PIPE,
                              check=False)
        if done.returncode != 0:
            raise DemoError("appending to a fork failed")
        say(f"{name}: forked at byte {middle:,} in {milliseconds:.0f} ms "
            f"(process start included)")
        say(f"    ...{one_line(text)}|{continuation(client, name)}")


def run(options: argparse.Namespace, folder: Path) -> None:
    """The whole demo."""
    document = folder / "document.txt"
    write_document(options.document, document, options.bytes)
    size = document.stat().st_size

    heading(f"1. Streaming {size:,} bytes of {options.document.name} into "
            "a stream")
    say("Every acknowledged byte is in a synced log; states follow it. Half way "
        "the server is")
    say("killed with kill -9 and started again. The client notices, asks where "
        "the stream ends,")
    say("and goes on there.")
    server = Server(options, folder / "store")
    server.start()
    client = Client(server)
    resumed = ingest(server, document)

    heading("2. The same document into another server, undisturbed")
    whole = undisturbed(options, folder, document)
    say(f"killed and resumed: {resumed['state_digest']}")
    say(f"undisturbed:        {whole['state_digest']}")
    if resumed["state_digest"] != whole["state_digest"]:
        raise DemoError("the states differ: that must never happen")
    say("Equal, bit for bit: a crash leaves no trace.")

    heading("3. Searching the stream")
    say("An embedding was made every 128 tokens as the text went by; search "
        "fuses them with words.")
    show_search(client)

    heading("4. Continuing: at the head, and from the middle of the past")
    middle = size // 2
    say(f"at the head:      |{continuation(client, 'foldoc')}")
    say(f"at byte {middle:>9,}:|"
        f"{continuation(client, 'foldoc', f'--at-byte={middle}')}")

    heading("5. Forking: two futures of one past")
    show_forks(client, middle)
    after = client.one("show", "foldoc")
    if after["state_digest"] != resumed["state_digest"]:
        raise DemoError("a fork changed its parent: that must never happen")
    say("The stream they left is untouched.")

    heading("6. Draining the server")
    say(f"SIGTERM: exit code {server.stop()}")


def main() -> int:
    """Parses the command line and runs the demo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=str(
        ROOT / "models" / "oxbow-tiny-generator.safetensors"),
        help="the generator (default: Oxbow's own)")
    own = ROOT / "models" / "oxbow-tiny-embedder.safetensors"
    parser.add_argument("--embedder", default=str(own) if own.exists() else "",
                        help="the embedder; empty: none (default: Oxbow's own, "
                        "if this release has one)")
    parser.add_argument("--document", type=Path, default=FOLDOC,
                        help="the text to read (default: the Free On-line "
                        "Dictionary of Computing, Debian's dict-foldoc)")
    parser.add_argument("--bytes", type=int, default=1_200_000,
                        help="how much of it to read (default: %(default)s)")
    options = parser.parse_args()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="oxbow-demo-") as folder:
        try:
            run(options, Path(folder))
        except DemoError as error:
            print(f"demo: {error}", file=sys.stderr)
            return 1
    heading(f"Done in {time.monotonic() - begin:.0f} s. Next: ./dev run, and "
            "README.md.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
