#!/bin/bash
# A real server's Rerank and Embed against EmbeddingRWKV's procedure in float64:
# a random embedder, and random rerankers over all and over some of its layers.
set -euo pipefail

here=tests/reference
export OPENBLAS_NUM_THREADS=1  # the matrices are small
model() {  # NAME FLAGS..: writes a random model to $TEST_TMPDIR/NAME.
  local name=$1
  shift
  tests/testing/make_tiny_model --out="$TEST_TMPDIR/$name" --dtype=fp32 "$@"
}

cd "$TEST_SRCDIR/$TEST_WORKSPACE"
if ! /usr/bin/python3 -c 'import numpy' 2>/dev/null; then
  echo "SKIPPED: no NumPy for /usr/bin/python3 (package python3-numpy)"
  exit 0
fi
model embedder.pth --layers=3 --embedding_heads retr
model generator.pth --seed=9
model all.pth --layers=3 --reranker --seed=3 --ffn_width=100 --w_rank=5
model some.pth --layers=2 --reranker --seed=4 --reranker_layers 0 2
/usr/bin/python3 $here/rerank.py --oxbowd=service/oxbowd \
  --oxbow=clients/cli/oxbow --folder="$TEST_TMPDIR" \
  --embedder="$TEST_TMPDIR/embedder.pth" \
  --generator="$TEST_TMPDIR/generator.pth" \
  "$TEST_TMPDIR/all.pth" "$TEST_TMPDIR/some.pth"
