#!/bin/bash
# Holds the engine to the float64 reference of one generation of RWKV: random
# models of many shapes, the tiny public models with their known logits, and
# the models Oxbow ships.
set -euo pipefail

here=tests/reference
make_tiny=tests/testing/make_tiny_model
export OPENBLAS_NUM_THREADS=1  # the matrices are small
compare() { /usr/bin/python3 $here/compare.py --dump=$here/dump_model "$@"; }
model() {  # NAME FLAGS..: writes a random model to $TEST_TMPDIR/NAME.
  local name=$1
  shift
  $make_tiny --out="$TEST_TMPDIR/$name" "$@"
}
compare_all() { compare "$TEST_TMPDIR"/*.safetensors "$TEST_TMPDIR"/*.pth; }
compare_public() {  # NAME: in the folder of shared test data.
  local known=${OXBOW_SHARED:-}/data/$1
  if [[ -f $known.pth ]]; then
    compare --oracle="$known.json" "$known.pth"
  else
    echo "SKIPPED: the public $1 (OXBOW_SHARED is not set)"
  fi
}

check_rwkv4() {
  model plain.pth --version=4 --dtype=fp32
  model odd.safetensors --version=4 --width=40 --head_size=8 --dtype=fp16 \
    --ffn_width=77 --layers=3
  compare_all
  compare_public tiny-rwkv4
}

check_rwkv5() {
  model v0.pth --version=5.0 --time_first
  model v0_head8.safetensors --version=5.0 --width=40 --head_size=8 \
    --dtype=fp32 --layers=3
  model v1.pth --version=5.1 --time_first --dtype=fp16
  model v1_head128.safetensors --version=5.1 --width=256 --head_size=128
  model v2.pth --version=5.2 --time_state
  model v2_head32.pth --version=5.2 --width=96 --head_size=32 \
    --time_first --dtype=fp32 --ffn_width=101
  model v2_head64.pth --version=5.2 --width=128 --head_size=64 --layers=3
  compare_all
}

check_rwkv6() {
  model tuned.pth --version=6 --time_state
  model head8.safetensors --version=6 --width=72 --head_size=8 --dtype=fp16 \
    --mix_rank=3 --w_rank=5 --ffn_width=101
  model head32.pth --version=6 --width=96 --head_size=32 --dtype=fp32
  model head64.safetensors --version=6 --width=192 --head_size=64 --layers=3 \
    --mix_rank=32 --w_rank=64
  model head128.pth --version=6 --width=256 --head_size=128 --dtype=fp32
  compare_all
}

check_rwkv7() {
  model plain.safetensors
  model plain.pth
  model head8.safetensors --width=72 --head_size=8 --dtype=fp16 \
    --w_rank=3 --a_rank=1 --v_rank=5 --g_rank=7 --ffn_width=101
  model head32.pth --width=96 --head_size=32 --dtype=fp32 --first_layer_v
  model head64.safetensors --width=192 --head_size=64 --layers=3 --w_rank=64 \
    --a_rank=64 --v_rank=32 --g_rank=128 --ffn_width=512
  model head128.pth --width=256 --head_size=128 --dtype=fp32 --first_layer_v
  model one_layer.safetensors --layers=1 --dtype=fp16 --vocabulary_size=300
  model tuned.pth --time_state
  model embedder.pth --no_lm_head --embedding_heads retr sts cls
  compare_all
  # One row at a time instead of 37.
  compare --rows=1 --tokens=60 "$TEST_TMPDIR/head64.safetensors"
  # A comparison that cannot fail would prove nothing.
  model other.safetensors --seed=2
  if compare --engine_reads="$TEST_TMPDIR/other.safetensors" \
    "$TEST_TMPDIR/plain.safetensors"; then
    echo "FAILED: two different models compare as equal"
    exit 1
  fi
  compare_public tiny-rwkv7
}

check_shipped() {
  # The repository itself: this script is a link into it.
  local root shipped
  root=$(dirname "$(readlink -f "$here/reference_test.sh")")/../..
  shopt -s nullglob
  shipped=("$root"/models/*.safetensors)
  if ((${#shipped[@]})); then
    compare --tokens=200 "${shipped[@]}"
  else
    echo "SKIPPED: no models/*.safetensors"
  fi
}

cd "$TEST_SRCDIR/$TEST_WORKSPACE"
if /usr/bin/python3 -c 'import numpy' 2>/dev/null; then
  "check_$1"
else
  echo "SKIPPED: no NumPy for /usr/bin/python3 (package python3-numpy)"
fi
