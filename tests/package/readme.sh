#!/bin/bash
# readme.sh CHECK: what the README shows is compiled and run with the installed library, see
# package.sh.
# shellcheck source=common.sh
source "${0%/*}/common.sh"
readme=$PWD/README.md
# but for the sources that are to be added, see tests/examples/adding.sh
sed '/^### To add an op$/,/^### To add an option/d' "$SOURCE/README.md" >"$readme"

# blocks LANGUAGE: each fenced block of that language into a file of its own, block.0, block.1 ...
blocks() {
  rm -f block.*
  awk -v language="$1" '
    /^```/ { open = !open; inside = open && $0 == "```" language; n += inside; next }
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

# The other C blocks: functions, which recipes.c calls.
check_recipes() {
  program >readme.c
  rm "$(cat programs)"
  cat block.* >recipes.h
  compile recipes -I. "$SOURCE/tests/package/recipes.c" -lpthread
  ./recipes
}

# The table's right column: each `call` compiles.
check_table() {
  sed -n '/^## From PyTorch$/,/^## /s/^| .* | \(.*\) |$/\1/p' "$readme" | grep -o '`[^`]*(.*)[^`]*`' |
    sed 's/`[^`]*`/\n&\n/g' | sed -n 's/^`\(.*(.*\)`$/\1/p' >calls
  [ "$(wc -l <calls)" -gt 40 ] || { echo "few calls found:"; cat calls; return 1; }
  {
    cat <<'C'
#include <hone/hone.h>
void table(hone_tensor *x, hone_tensor *z, hone_tensor *w, hone_tensor *c, hone_tensor *y, hone_tensor *index,
           hone_tensor *logits, hone_tensor *loss, hone_module *model, hone_optim *optim, hone_dataset set,
           hone_function function, hone_generator *generator, const char *f, const float *data, const char *dir,
           hone_dataset *parts, hone_checkable fn, void *user, hone_tensor_list inputs, hone_tensor_list parameters,
           hone_grad_hook hook, hone_post_accumulate_grad_hook after, int64_t handle);
void table(hone_tensor *x, hone_tensor *z, hone_tensor *w, hone_tensor *c, hone_tensor *y, hone_tensor *index,
           hone_tensor *logits, hone_tensor *loss, hone_module *model, hone_optim *optim, hone_dataset set,
           hone_function function, hone_generator *generator, const char *f, const float *data, const char *dir,
           hone_dataset *parts, hone_checkable fn, void *user, hone_tensor_list inputs, hone_tensor_list parameters,
           hone_grad_hook hook, hone_post_accumulate_grad_hook after, int64_t handle)
{
C
    sed 's/;*$/;/; s/^/{ /; s/$/ }/' calls
    echo '}'
  } >table.c
  check table.c
}

# Names that the README says: of the interface, the environment or the build.
check_names() {
  local name
  grep -ow 'hone_[a-z0-9_]*[a-z0-9]_\?\|HONE_[A-Z0-9_]*[A-Z0-9]' "$readme" | sort -u >names
  [ "$(wc -l <names)" -gt 80 ]
  while read -r name; do
    grep -rqw --include='*.h' --include='*.c' --include=CMakeLists.txt --include='*.cmake' --include='*.sh' "$name" \
      "$SOURCE"/{include,src,simd,tests,CMakeLists.txt} || { echo "README.md says $name, which is nowhere"; return 1; }
  done <names
}

# The commands that begin with build/hone (and an environment), on few images.
check_commands() {
  local command
  blocks ''
  cat block.* | grep -E '^([A-Z_]+=[^ ]+ )*build/hone ' >commands
  [ "$(wc -l <commands)" -ge 6 ]
  mkdir build
  ln -s "$prefix/bin/hone" build/hone
  while read -r command; do
    command=${command/--data DIR/--data digits --limit 300}
    bash -c "$command" >out 2>&1 </dev/null || { echo "$command fails:"; tail -n 5 out; return 1; }
    echo "$command: $(wc -l <out) lines"
  done <commands
}

"check_$1"
