#!/bin/bash
# package.sh CHECK: one check of the installed library, see CMakeLists.txt. CC, CFLAGS, SOURCE,
# BUILD, CMAKE and LIBDIR come from the environment. `install` makes the prefix that the others use.
# shellcheck source=common.sh
source "${0%/*}/common.sh"

check_install() {
  rm -rf "$prefix"
  "$CMAKE" --install "$BUILD" --prefix "$prefix" >install.log || { cat install.log; return 1; }
  test -f "$lib/libhone.a" -a -f "$lib/libhone.so" -a -x "$prefix/bin/hone" -a -f "$prefix/include/hone/hone.h"
  "$prefix/bin/hone" --version
}

# The shared library shows the public names and nothing else.
check_symbols() {
  nm -D --defined-only "$lib/libhone.so" | awk '{print $3}' | grep -v '^_\(init\|fini\)$' >names
  if grep -v '^hone_[a-z0-9]' names; then
    echo "these names should be hidden"
    return 1
  fi
  grep -qx hone_matmul names
}

# What README says of it, by gcc: clang's kernels are of other sizes.
check_size() {
  grep -qi clang <("$CC" --version) && skip "sizes are gcc's"
  [ "$(uname -m)" = x86_64 ] || skip "sizes are those of x86-64"
  "$SOURCE/perf/size.sh" "$lib/libhone.a" | tee sizes
  awk '/bytes loaded$/ { exit !($1 > 1000000 && $1 < 6000000) }' sizes
  awk '/bytes in the archive/ { exit !($1 > 1000000 && $1 < 7500000) }' sizes
}

check_pkg_config() {
  test "$(pkg-config --modversion hone)" = "$("$prefix/bin/hone" --version | cut -d' ' -f2)"
  for example in autograd classes sequential; do
    compile $example "$examples/$example.c"
    ./$example digits 5 2000
  done
}

check_static() {
  local flags lib
  flags=$(pkg-config --static --cflags --libs hone)
  # A static hwloc needs libraries of its own. Where hwloc is a shared one they need not be there.
  for lib in $(pkg-config --static --libs-only-l hwloc zlib); do
    grep -qwe "$lib" <<<"$flags" || { echo "hone.pc: no $lib in $flags"; return 1; }
    "$CC" -shared -o probe.so "$lib" 2>/dev/null || flags=${flags//$lib/}
  done
  # shellcheck disable=SC2086
  "$CC" -std=c11 $CFLAGS -o autograd "$examples/autograd.c" ${flags//-lhone/-l:libhone.a}
  if ldd ./autograd | grep libhone; then
    echo "this should have been linked statically"
    return 1
  fi
  LD_LIBRARY_PATH='' ./autograd
}

# The prefix can be moved: nothing in it may name the place where it was made.
check_find_package() {
  cp -r "$prefix" moved
  "$CMAKE" -S "$SOURCE/tests/package/consumer" -B consumer -DCMAKE_PREFIX_PATH="$PWD/moved" -DCMAKE_C_COMPILER="$CC" \
    -DCMAKE_C_FLAGS="$CFLAGS" -DEXAMPLES="$examples" >cmake.log || { cat cmake.log; return 1; }
  "$CMAKE" --build consumer >build.log || { cat build.log; return 1; }
  consumer/with_hone
  consumer/with_hone_static
  if grep -rlF "$prefix" moved/"$LIBDIR"/cmake moved/"$LIBDIR"/pkgconfig; then
    echo "these files name the prefix"
    return 1
  fi
}

# Without Criterion the tests are left out with a warning and all else can be built.
check_without_criterion() {
  local folder
  mkdir pc
  tr : '\n' <<<"$(pkg-config --variable pc_path pkg-config)" | while read -r folder; do
    find "$folder" -maxdepth 1 -name '*.pc' -exec cp -n {} pc \; 2>/dev/null || true
  done
  rm -f pc/criterion.pc
  env -u PKG_CONFIG_PATH PKG_CONFIG_LIBDIR="$PWD/pc" "$CMAKE" -S "$SOURCE" -B plain -DCMAKE_C_COMPILER="$CC" >cmake.log 2>&1 ||
    { cat cmake.log; return 1; }
  grep -q 'no Criterion' cmake.log || { echo "no warning:"; cat cmake.log; return 1; }
  "$CMAKE" --build plain --target help >targets
  grep -qw hone_shared targets
  if grep -q test_ targets; then
    echo "targets of tests without Criterion"
    return 1
  fi
}

# Programs that must work unchanged, kept beside the checkout.
check_acceptance() {
  local programs=$SOURCE/../shared/acceptance mnist=${HONE_MNIST_DIR:-$SOURCE/../shared/data/mnist} program name
  [ -d "$programs" ] || skip "no acceptance programs beside the checkout"
  [ -d "$mnist" ] || skip "no MNIST; HONE_MNIST_DIR can name its directory"
  for program in "$programs"/*.c; do
    name=$(basename "$program" .c)
    compile "$name" "$program"
    "./$name" "$mnist" 1 >"$name.out" 2>&1 || { cat "$name.out"; return 1; }
    tail -n 1 "$name.out"
    # an exit status alone can be had without doing anything
    case $name in
    lecture_mnist)
      tail -n 1 "$name.out" | grep -qE '^test error 0\.[0-9]{4}  test loss [0-9.]+$' &&
        tail -n 1 "$name.out" | awk '{ exit !($3 < 0.2) }'
      ;;
    *) [ "$(tail -n 1 "$name.out")" = ok ] ;;
    esac || { echo "not the last line of $name that is wanted"; cat "$name.out"; return 1; }
  done
}

"check_$1"
