#!/usr/bin/env bash
# Holds the whole repository, not one target, to the rules of tidy.py: it looks
# through a runfile's link at the folder it comes from.
set -euo pipefail
exec /usr/bin/python3 tests/tidy.py "$(dirname "$(readlink -f LICENSE)")"
