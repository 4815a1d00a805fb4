#!/bin/bash
# debian.sh: cpack's Debian packages say what they need, install into a fresh root, and what they
# install is the program, its page, and all that a program is made with. CC, CFLAGS, SOURCE, BUILD,
# CPACK and VERSION come from the environment; of a cross build ARCHITECTURE and the EMULATOR, and
# what it would take the other machine's libraries to try isn't tried.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
skip() { echo "skipped: $*"; exit 77; }
wrong() { echo "$*"; exit 1; }
for tool in dpkg dpkg-deb dpkg-shlibdeps; do
  command -v $tool >/dev/null || skip "no $tool"
done

"$CPACK" -G DEB --config "$BUILD/CPackConfig.cmake" -B "$place" >cpack.log 2>&1 || { cat cpack.log; exit 1; }
architecture=${ARCHITECTURE:-$(dpkg --print-architecture)}
run=hone_${VERSION}_$architecture.deb dev=libhone-dev_${VERSION}_$architecture.deb
[ -f "$run" ] && [ -f "$dev" ] || wrong "no $run or $dev: $(ls)"

[ "$(dpkg-deb -f "$run" Architecture)" = "$architecture" ] || wrong "$run is of another machine"
depends=$(dpkg-deb -f "$run" Depends)
for library in libc6 libhwloc15 zlib1g; do
  grep -q "$library" <<<"$depends" || wrong "$run doesn't depend on $library: $depends"
done
# and of optional libraries those that the build has found
[[ "$(dpkg-deb -f "$dev" Depends)" = "hone (= $VERSION), libhwloc-dev, zlib1g-dev"* ]] ||
  wrong "$dev depends on $(dpkg-deb -f "$dev" Depends)"
grep -q ldconfig <<<"$(dpkg-deb -I "$run" triggers)" || wrong "$run doesn't tell ldconfig"
for package in "$run" "$dev"; do
  dpkg-deb -c "$package" | awk '{ print $2 }' | grep -vx root/root && wrong "$package: files of somebody"
  dpkg-deb -c "$package" | awk '{ print $6 }' | grep -v '^\./usr/' | grep -vx './' &&
    wrong "$package: files outside of /usr"
  dpkg-deb -x "$package" root
done

# dpkg, too, if it may: neither package has a file of the other's
if [ "$(id -u)" = 0 ] && [ -z "${EMULATOR:-}" ]; then
  mkdir -p fresh/var/lib/dpkg/{info,updates,triggers}
  touch fresh/var/lib/dpkg/{status,available}
  dpkg --root="$place/fresh" --force-depends -i "$run" "$dev" >dpkg.log 2>&1 || { cat dpkg.log; exit 1; }
  grep -qx 'Status: install ok installed' <<<"$(dpkg --root="$place/fresh" -s libhone-dev)" || wrong "not installed"
  diff -r root/usr fresh/usr
  dpkg --root="$place/fresh" -r libhone-dev hone >dpkg.log 2>&1 || { cat dpkg.log; exit 1; }
  [ -z "$(find fresh/usr -type f 2>/dev/null)" ] || wrong "files are left"
fi

# shellcheck disable=SC2086 # a command
[ "$(${EMULATOR:-} root/usr/bin/hone --version)" = "hone $VERSION" ] || wrong "another hone"
page=$(find root/usr/share/man -name 'hone.1*')
grep -q '^\.TH HONE 1' "$page" || wrong "no page: $page"
[ -z "${EMULATOR:-}" ] || exit 0
lib=$(dirname "$(find root/usr/lib -name libhone.a)")
export PKG_CONFIG_PATH=$place/$lib/pkgconfig
[ "$(pkg-config --modversion hone)" = "$VERSION" ] || wrong "another hone.pc"
# shellcheck disable=SC2046,SC2086 # lists of flags
"$CC" -std=c11 $CFLAGS -o regression "$SOURCE/tests/examples/regression.c" $(pkg-config --cflags --libs hone) -lm
[ "$(LD_LIBRARY_PATH=$place/$lib ./regression | tail -n 1)" = ok ] || wrong "the program failed"
grep -q "$place/$lib/libhone.so.0" <<<"$(LD_LIBRARY_PATH=$place/$lib ldd ./regression)" || wrong "another library"
# the static library has kept its symbols
# shellcheck disable=SC2046,SC2086
"$CC" -std=c11 $CFLAGS -fopenmp -o still "$SOURCE/tests/examples/regression.c" -I root/usr/include "$lib/libhone.a" \
  $(pkg-config --libs hwloc zlib) -lm -ldl
[ "$(./still | tail -n 1)" = ok ] || wrong "the program failed when linked with libhone.a"

# The same state gives the same packages.
mkdir again
SOURCE_DATE_EPOCH=1000000000 "$CPACK" -G DEB --config "$BUILD/CPackConfig.cmake" -B "$place/again" >/dev/null 2>&1
mv again/"$run" first.deb
SOURCE_DATE_EPOCH=1000000000 "$CPACK" -G DEB --config "$BUILD/CPackConfig.cmake" -B "$place/again" >/dev/null 2>&1
cmp first.deb again/"$run"
