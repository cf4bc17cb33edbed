#!/usr/bin/env bash
# The demo, on a random model and a made-up document: what people are shown
# first must never be broken.
set -euo pipefail
export OXBOW_BIN=$PWD
folder=$TEST_TMPDIR
tests/testing/make_tiny_model --out "$folder/m.safetensors" --layers 2 \
  --width 64 --head_size 16 --vocabulary_size 257
for paragraph in $(seq 400); do
  printf 'entry %d\n\n   A language for teaching %d children.\n\n' \
    "$paragraph" $((paragraph * 7919 % 1000))
done >"$folder/text.txt"
# The vocabulary: every single byte.
for byte in $(seq 0 255); do
  printf "%d b'\\\\x%02x' 1\n" $((byte + 1)) "$byte"
done >"$folder/m.vocab"
exec /usr/bin/python3 tests/demo/demo.py --model="$folder/m.safetensors" \
  --embedder= --document="$folder/text.txt" --bytes=20000
