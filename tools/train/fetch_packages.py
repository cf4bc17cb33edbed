"""Downloads the corpus packages and unpacks them into a private folder.

Nothing is installed: `apt-get download` fetches each package and `dpkg -x`
unpacks it under WORK/unpacked/NAME. What was fetched (version, sum) is written
to WORK/packages.json, and printed as the table that models/NOTICE.md holds.

Every package here is permissive, public domain or MPL. The manuals that the
demo reads (debian-reference and its neighbours) are left out on purpose.
"""

import argparse
import hashlib
import json
import subprocess
from pathlib import Path

PACKAGES = {
    "wordnet-base": "WordNet-3.0",
    "python3.11-doc": "PSF-2.0",
    "postgresql-doc-15": "PostgreSQL",
    "perl-doc": "Artistic or GPL-1+ (used under Artistic)",
    "sqlite3-doc": "public domain",
    "python-django-doc": "BSD-3-Clause",
    "apache2-doc": "Apache-2.0",
    "rust-doc": "MIT or Apache-2.0",
    "libreoffice-help-en-us": "MPL-2.0",
    "jargon-text": "public domain",
    "dict-devil": "public domain",
    "bible-kjv-text": "public domain (the text)",
}

# Prints the text of bible-kjv-text, whose file is packed; trains nothing.
READER_PACKAGES = {"bible-kjv": "GPL-2+ (a program, used as a tool only)"}


def deb_field(deb: Path, field: str) -> str:
    """Returns one control field of a .deb."""
    done = subprocess.run(
        ["dpkg-deb", "--field", str(deb), field],
        check=True, capture_output=True, text=True)
    return done.stdout.strip()


def fetch(work: Path) -> list[dict[str, str]]:
    """Downloads and unpacks what is missing; returns one record a package."""
    debs, unpacked = work / "debs", work / "unpacked"
    debs.mkdir(parents=True, exist_ok=True)
    unpacked.mkdir(exist_ok=True)
    licences = PACKAGES | READER_PACKAGES
    missing = [name for name in licences if not list(debs.glob(f"{name}_*.deb"))]
    if missing:
        subprocess.run(["apt-get", "download", *missing], cwd=debs, check=True)
    records = []
    for name, licence in licences.items():
        (deb,) = debs.glob(f"{name}_*.deb")
        if not (unpacked / name).exists():
            subprocess.run(["dpkg", "-x", deb, unpacked / name], check=True)
        records.append({
            "package": name,
            "version": deb_field(deb, "Version"),
            "sha256": hashlib.sha256(deb.read_bytes()).hexdigest(),
            "licence": licence,
        })
    return records


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--work", type=Path, required=True,
                        help="private folder for everything that is not committed")
    args = parser.parse_args()
    records = fetch(args.work)
    (args.work / "packages.json").write_text(json.dumps(records, indent=1) + "\n")
    print("| package | version | licence | sha256 of the .deb |\n|---|---|---|---|")
    for record in records:
        print(f"| {record['package']} | {record['version']} | {record['licence']} "
              f"| `{record['sha256']}` |")


if __name__ == "__main__":
    main()
