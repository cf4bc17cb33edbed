#!/usr/bin/env bash
# Guards the speed of a decode step without a clock: callgrind counts its
# instructions (on AVX2: it knows no AVX-512), and they stay within 3 % of
# tests/bench/step_cost.txt. Slower: find out why. Faster: well done; write the
# new figure there.
set -euo pipefail

steps=10
failed=0
while read -r weights wanted; do
  [[ $weights == \#* ]] && continue
  out="$TEST_TMPDIR/$weights.callgrind"
  valgrind --quiet --tool=callgrind --callgrind-out-file="$out" \
    --toggle-collect=DecodeSteps \
    tests/bench/decode_steps --weights="$weights" --steps="$steps"
  counted=$(awk '$1 == "summary:" {print $2}' "$out")
  echo "$weights: $((counted / steps)) instructions a step, wanted $wanted"
  if ((counted * 100 > wanted * steps * 103 || counted * 100 < wanted * steps * 97)); then
    echo "$weights: not within 3 % of tests/bench/step_cost.txt" >&2
    failed=1
  fi
done <tests/bench/step_cost.txt
exit $failed
