#!/usr/bin/env bash
# Whether every negative control still fits the tree; ./dev controls runs them.
# It looks through a runfile's link at the folder the repository comes from.
set -euo pipefail
exec /usr/bin/python3 tests/controls/controls.py check \
  "$(dirname "$(readlink -f LICENSE)")"
