#!/bin/sh
# Runs clang-tidy and, if it finds nothing, makes the file STAMP. Silent then;
# otherwise paths are as people know them.
#
#   clang_tidy.sh STAMP ARGUMENT...
stamp=$1
shift
report=$(clang-tidy "$@" 2>&1) || {
  printf '%s\n' "$report" |
    sed -e "s|$PWD/||g" -e 's|^\./||' -e '/^[0-9]* warnings\{0,1\} .*generated/d'
  exit 1
}
: >"$stamp"
