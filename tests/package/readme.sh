#!/bin/bash
# readme.sh CHECK: what the README shows is compiled and run with the installed library, see
# package.sh.
# shellcheck source=common.sh
source "${0%/*}/common.sh"
readme=$SOURCE/README.md

# blocks LANGUAGE: each fenced block of that language into a file of its own, block.0, block.1 ...
blocks() {
  rm -f block.*
  awk -v language="$1" '
    /^```/ { inside = !inside && $0 == "```" language; was = !was; if (inside) n++; next }
    inside { print > ("block." n - 1) }' "$readme"
}

# program: the one C block that is a whole program
program() {
  blocks c
  grep -l '^int main(' block.* >programs
  [ "$(wc -l <programs)" -eq 1 ] || { echo "one C block of README.md should be a program"; return 1; }
  cat "$(cat programs)"
}

# stops NAME SOURCE WANTED [COMMAND...]: what goes wrong is said once, at once: nothing is printed
# before, no epoch goes on
stops() {
  local name=$1 source=$2 wanted=$3
  shift 3
  compile "$name" "$source"
  if "$@" "./$name" >out 2>err; then
    echo "$name should fail"
    return 1
  fi
  if [ -s out ] || [ "$(wc -l <err)" -ne 1 ] || ! grep -q "$wanted" err; then
    echo "$name should say '$wanted' and nothing else:"
    cat out err
    return 1
  fi
}

check_program() {
  program >readme.c
  compile readme readme.c
  ./readme >out
  [ "$(grep -c '^epoch [1-5]  loss [0-9.]*$' out)" -eq 5 ] || { cat out; return 1; }
  stops isa readme.c "HONE_ISA" env HONE_ISA=nonesuch
  sed 's/hone_nn_linear(100, 10)/hone_nn_linear(99, 10)/' readme.c >layer.c
  stops layer layer.c "inner dimensions differ"
  sed 's/{ \.lr = 0.1 }/{ .lr = -1 }/' readme.c >rate.c
  stops rate rate.c "lr"
  sed 's/^    hone_seed(0);/    hone_error_policy(HONE_ABORT);\n&/' layer.c >abort.c
  stops abort abort.c "inner dimensions differ" bash -c 'ulimit -c 0; exec "$0"'
  ! cmp -s readme.c rate.c && ! cmp -s readme.c layer.c && ! cmp -s layer.c abort.c
}

"check_$1"
