# common.sh: for the scripts beside it: source common.sh HONE MPIEXEC LIBRARY. launch N COMMAND... runs
# it as N ranks on this machine, however many cores it has.
set -uo pipefail
hone=$1 mpiexec=$2 library=$3
unset HONE_ISA HONE_NUM_THREADS HONE_FORCE_THREADS HONE_DEBUG HONE_DIST_LINK HONE_DIST_TIMEOUT HONE_MPI_DIR
export TERM=dumb OMP_WAIT_POLICY=passive OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_btl_vader_single_copy_mechanism=none # a container may refuse CMA, with a line to stderr
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place" || exit 1
checks=0 failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
launch() {
  local n=$1
  shift
  case $library in
  openmpi) timeout 300 "$mpiexec" --oversubscribe -n "$n" "$@" ;;
  *) timeout 300 "$mpiexec" -n "$n" "$@" ;;
  esac
}
rank='${OMPI_COMM_WORLD_RANK:-$PMI_RANK}' # for sh -c
# ends PATTERN SECONDS COMMAND...: within that time, with a status that isn't 0, and says PATTERN.
ends() {
  local pattern=$1 most=$2 begin=$SECONDS
  shift 2
  checks=$((checks + 1))
  if "$@" >out 2>err </dev/null; then fail "status 0: $*"; fi
  [ $((SECONDS - begin)) -le "$most" ] || fail "took $((SECONDS - begin)) s: $*"
  grep -qE -- "$pattern" out err || { fail "no /$pattern/: $*"; cat out err; }
}
finish() {
  echo "$checks checks, $failures failures"
  [ "$failures" -eq 0 ] && [ "$checks" -gt 0 ]
}
# finds_others COMMAND...: a launcher whose processes find themselves alone is no use.
finds_others() {
  launch 2 "$@" >out 2>&1 </dev/null
  if grep -q 'is it the launcher of this library' out; then
    echo "skipped: $(grep -m 1 'is it the launcher of this library' out)"
    exit 77
  fi
}
if ! launch 1 true >out 2>&1; then
  echo "skipped: $mpiexec doesn't run here: $(head -n 1 out)"
  exit 77
fi
