#!/bin/bash
# tensors.sh PROGRAM MPIEXEC openmpi|mpich DIR RANKS...: runs tensors.c as so many ranks; the MPI parts are
# in DIR.
source "$(dirname "$0")/common.sh" "$1" "$2" "$3"
export HONE_MPI_DIR=$4
finds_others "$hone"
for n in "${@:5}"; do
  checks=$((checks + 1))
  launch "$n" "$hone" >out 2>err || { fail "$n ranks"; cat out err; }
  grep -qx $'ok\r\\?' out || { fail "$n ranks don't say ok"; cat out err; }
done
finish
