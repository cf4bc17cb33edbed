#!/bin/bash
# Holds the engine to the float64 reference: random models of many shapes, the
# tiny public model with its known logits, and the models Oxbow ships.
set -euo pipefail

here=tests/reference
make_tiny=tests/testing/make_tiny_model
compare() { /usr/bin/python3 $here/compare.py --dump=$here/dump_model "$@"; }
model() {  # NAME FLAGS..: writes a random model to $TEST_TMPDIR/NAME.
  local name=$1
  shift
  $make_tiny --out="$TEST_TMPDIR/$name" "$@"
}
cd "$TEST_SRCDIR/$TEST_WORKSPACE"

if ! /usr/bin/python3 -c 'import numpy' 2>/dev/null; then
  echo "SKIPPED: no NumPy for /usr/bin/python3 (package python3-numpy)"
  exit 0
fi

model plain.safetensors
model plain.pth
model head8.safetensors --width=72 --head_size=8 --dtype=fp16 \
  --w_rank=3 --a_rank=1 --v_rank=5 --g_rank=7 --ffn_width=101
model head32.pth --width=96 --head_size=32 --dtype=fp32 --first_layer_v
model head64.safetensors --width=192 --head_size=64 --layers=3 --w_rank=64 \
  --a_rank=64 --v_rank=32 --g_rank=128 --ffn_width=512
model head128.pth --width=256 --head_size=128 --dtype=fp32 --first_layer_v
model one_layer.safetensors --layers=1 --dtype=fp16 --vocabulary_size=300
model embedder.pth --no_lm_head --embedding_heads retr sts cls
compare "$TEST_TMPDIR"/*.safetensors "$TEST_TMPDIR"/*.pth

# One row at a time instead of 37.
compare --rows=1 --tokens=60 "$TEST_TMPDIR/head64.safetensors"

# A comparison that cannot fail would prove nothing.
model other.safetensors --seed=2
if compare --engine_reads="$TEST_TMPDIR/other.safetensors" \
  "$TEST_TMPDIR/plain.safetensors"; then
  echo "FAILED: two different models compare as equal"
  exit 1
fi

known=${OXBOW_SHARED:-}/data/tiny-rwkv7
if [[ -f $known.pth ]]; then
  compare --oracle="$known.json" "$known.pth"
else
  echo "SKIPPED: the public tiny model (OXBOW_SHARED is not set)"
fi

# The repository itself: this script is a link into it.
root=$(dirname "$(readlink -f "$here/reference_test.sh")")/../..
shopt -s nullglob
shipped=("$root"/models/*.safetensors)
if ((${#shipped[@]})); then
  compare --tokens=200 "${shipped[@]}"
else
  echo "SKIPPED: no models/*.safetensors"
fi
