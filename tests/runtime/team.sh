#!/bin/bash
# team.sh PROGRAM HONE: how many threads the team really has, with what the environment asks of
# OpenMP, of the system and of hone; PROGRAM is team.c's. Exit status 77 on one CPU.
source "$(dirname "$0")/../cli/common.sh" "$2"
team=$1
cpus=$(nproc)
[ "$cpus" -ge 2 ] || { echo "skipped: one CPU"; exit 77; }
unset "${!OMP_@}" "${!GOMP_@}" "${!KMP_@}"
grep -q "cgroup's quota" <("$hone" info) && { echo "skipped: a quota of CPUs"; exit 77; }
cores=$("$hone" info | sed -n 's/^threads *\([0-9]*\) .*/\1/p')
[ "$cores" -ge 2 ] || { echo "skipped: $cores core"; exit 77; }
llvm=false
grep -qE '^openmp +libi?omp[0-9]*\.so' <("$hone" info) && llvm=true

# ---- what runs is what is told ------------------------------------------------------------------
works "$team"
says "^$cores threads of $cores, masks $cpus $cpus, "
works "$hone" info
says '^openmp +(lib[a-z]*omp[^ ]* \(/|a runtime linked into )'

# ---- threads bound by the OpenMP runtime: its first thread has one CPU before anybody can look --
for setting in OMP_PROC_BIND=close OMP_PROC_BIND=true OMP_PROC_BIND=spread OMP_PLACES=cores; do
  works env "$setting" "$team"
  says "^([0-9]+) threads of \1, masks [0-9]+ [0-9]+, CPUs in the places of OMP_PROC_BIND$"
  says "^($cores|$cpus) threads"
  works env "$setting" "$hone" info
  says "^allowed +$cpus CPUs by the places of OMP_PROC_BIND"
  works env "$setting" HONE_PIN=1 "$team"
  says "^($cores|$cpus) threads"
done
first=$(taskset -cp $$ | sed 's/.*: *//; s/[-,].*//')
works env OMP_PLACES="{$first}" "$team"
says '^1 threads of 1, masks 1 1, CPUs in the places of OMP_PROC_BIND$'
works env OMP_PROC_BIND=close OMP_PLACES=threads "$team"
says "^$cpus threads of $cpus, masks 1 1, " # each stays where the runtime put it
works env OMP_PROC_BIND=false "$team"
says "^$cores threads of $cores, masks $cpus $cpus, "
if ! $llvm; then
  works env GOMP_CPU_AFFINITY="0-$((cpus - 1))" "$team"
  says "^($cores|$cpus) threads"
fi

# ---- a program that binds its own thread --------------------------------------------------------
works "$team" pinned
says "^$cores threads of $cores, masks 1 $cpus, "
works "$team" late
says "^$cores threads of $cores, masks 1 $cpus, "
works taskset -c "$first" "$team"
says '^1 threads of 1, masks 1 1, CPUs in the affinity mask$'

# ---- what OpenMP's settings leave ---------------------------------------------------------------
works env OMP_MAX_ACTIVE_LEVELS=0 "$team"
says '^1 threads of 1, .*OMP_MAX_ACTIVE_LEVELS=0$'
refuses 1 'set_threads: 2 threads, but OMP_MAX_ACTIVE_LEVELS is 0' \
  env OMP_MAX_ACTIVE_LEVELS=0 "$hone" bench gemm --size 8x8x8 --threads 2
works env OMP_DYNAMIC=true "$hone" info # as many as the load leaves: all, or fewer and why
says '^threads +[0-9]+ \((OpenMP gave [0-9]+ of [0-9]+: OMP_DYNAMIC=true|one a core|all CPUs)'
works env OMP_NUM_THREADS=' 1 , 4' "$team"
says '^1 threads of 1, .*OMP_NUM_THREADS=1$'
if ! $llvm; then # which reads it first, and ends the program
  for list in 4, ,4 4,,2 4,x 4x; do
    said=$(env OMP_NUM_THREADS="$list" "$team" 2>&1) && fail "OMP_NUM_THREADS=$list is taken"
    grep -q "OMP_NUM_THREADS=$list: a whole number from 1" <<<"$said" ||
      fail "OMP_NUM_THREADS=$list: $said"
    checks=$((checks + 2))
  done
fi

# ---- where threads or stacks can't be had -------------------------------------------------------
refuses 2 'OMP_STACKSIZE: a stack of 16 KiB is too small' env OMP_STACKSIZE=16K "$hone" info
refuses 2 'OMP_STACKSIZE: a stack of 64 KiB is too small' env OMP_STACKSIZE=' 65536 B' "$hone" info
works env OMP_STACKSIZE=256K HONE_FORCE_THREADS=3 "$team"
says '^3 threads of 3, '
limited() { (ulimit "$1" "$2"; shift 2; exec "$@"); }
refuses 2 'the calling thread \(ulimit -s\): a stack of [0-9]+ KiB is too small' \
  limited -s 32 "$hone" info
refuses 2 'the calling thread \(ulimit -s\): a stack of [0-9]+ KiB is too small' \
  limited -s 128 "$hone" train
works env OMP_STACKSIZE=100000G "$team"
says '^1 threads of 1, .*the system makes no more threads$'
env OMP_STACKSIZE=100000G HONE_FORCE_THREADS=5 HONE_DEBUG=1 "$team" >out 2>err
[ "$(cat err)" = 'hone: team: 1 of 5 threads: the system makes no more' ] ||
  fail "OMP_STACKSIZE=100000G: $(cat err)"
# As root limits on processes don't count; those of a group do, if one may be made.
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
  chmod 755 "$place"
  cp "$team" "$place/team"
  few() { (ulimit -u "$1"; shift; exec setpriv --reuid 54321 --clear-groups "$@"); }
  if few 100 "$place/team" >/dev/null 2>&1; then
    works few 3 env HONE_FORCE_THREADS=8 "$place/team"
    says '^3 threads of 3, .*the system makes no more threads$'
    works few 1 env HONE_FORCE_THREADS=8 "$place/team"
    says '^1 threads of 1, .*the system makes no more threads$'
  else
    not_checked "limits on processes: no other user can run $place/team"
  fi
else
  not_checked "limits on processes: not root"
fi
finish
