#!/bin/bash
# bits.sh DATA HONE...: trains on DATA (digits or a directory) with the command HONE... for 1, 2, 3,
# 4 and 7 threads (1 and $HONE_TEST_THREADS if that is set, 1 and 3 where it is an emulator and a program)
# and for each ISA of this machine, and demands that the saved weights have the same SHA-256; for digits also
# the pinned one.
set -euo pipefail
data=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
unset HONE_ISA HONE_NUM_THREADS HONE_FORCE_THREADS
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
failures=0

# sum_of ARG...: the SHA-256 of the weights after one epoch
sum_of() {
  rm -f weights
  "${hone[@]}" train --data "$data" --epochs 1 --quiet --save weights "$@"
  sha256sum weights | cut -d' ' -f1
}
hone=("$@")
threads=(2 3 4 7) parts=(1 2 3 4 8 16)
# an emulator takes fifty times as long: the other ISA and one other number of threads
if [ ${#hone[@]} -gt 1 ]; then HONE_TEST_THREADS=3; fi
if [ -n "${HONE_TEST_THREADS:-}" ]; then threads=("$HONE_TEST_THREADS") parts=(3); fi
pins=$([ "$data" = digits ] && echo yes || echo no)

# compare NAME WANTED ENVIRONMENT ARG...
compare() {
  local name=$1 wanted=$2 environment=$3 got
  shift 3
  got=$(export "${environment?}" && sum_of "$@")
  if [ "$got" = "$wanted" ]; then
    echo "$name, $environment: same bits"
  else
    echo "$name, $environment: OTHER BITS: $got"
    failures=$((failures + 1))
  fi
}

# What this machine has is asked of the kernel, not of the program under test; an emulator (all of
# them here: ARM) must have one beside scalar.
expected() {
  case $(uname -m) in
  x86_64)
    has avx2 fma && echo avx2
    has avx2 fma avx512f avx512bw avx512dq avx512vl && echo avx512
    ;;
  aarch64) echo neon ;;
  esac
}
has() {
  local flag
  for flag in "$@"; do grep -qw "$flag" <(grep -m 1 '^flags' /proc/cpuinfo) || return 1; done
}
wanted=$(expected || true)
isas=()
for isa in avx2 avx512 neon; do
  if HONE_ISA=$isa "${hone[@]}" info >/dev/null 2>&1; then
    isas+=("$isa")
  elif [ ${#hone[@]} -eq 1 ] && grep -qx $isa <<<"$wanted"; then
    echo "the CPU has $isa, but HONE_ISA=$isa is refused"
    failures=$((failures + 1))
  else
    echo "no $isa here"
  fi
done
if [ ${#hone[@]} -gt 1 ] && [ ${#isas[@]} -eq 0 ]; then
  echo "no ISA but scalar under the emulator"
  failures=$((failures + 1))
fi

# check NAME WITH_SCALAR ARG...
check() {
  local name=$1 with_scalar=$2 reference pinned
  shift 2
  reference=$(HONE_FORCE_THREADS=1 sum_of "$@")
  for n in "${threads[@]}"; do compare "$name" "$reference" "HONE_FORCE_THREADS=$n" "$@"; done
  for isa in "${isas[@]}"; do compare "$name" "$reference" "HONE_ISA=$isa" "$@"; done
  if [ "$with_scalar" = yes ]; then compare "$name" "$reference" HONE_ISA=scalar "$@"; fi
  [ "$pins" = yes ] || return 0
  pinned=$(sed -n "s/^$name //p" "$here/digits.sha256")
  if [ "$reference" != "$pinned" ]; then
    echo "$name: not the bits pinned in digits.sha256; if that is meant, the line there becomes:"
    echo "$name $reference"
    failures=$((failures + 1))
  fi
}

# Products of bf16 have tables of their own, which some machines have beside their ISA's.
tables=()
for table in avx512_bf16 avx512_amx; do
  if HONE_ISA=$table "${hone[@]}" info >/dev/null 2>&1; then tables+=("$table"); fi
done

# check_tables NAME ARG...
check_tables() {
  local name=$1 reference
  shift
  [ ${#tables[@]} -gt 0 ] || return 0
  reference=$(HONE_FORCE_THREADS=1 sum_of "$@")
  for table in "${tables[@]}"; do
    HONE_FORCE_THREADS=1 compare "$name, 1 thread" "$reference" "HONE_ISA=$table" "$@"
    HONE_FORCE_THREADS=3 compare "$name, 3 threads" "$reference" "HONE_ISA=$table" "$@"
  done
}

# In any number of parts a batch gives the same bits, and the same log but for the time it took.
run_of() {
  rm -f weights log
  "${hone[@]}" train --data "$data" --epochs 1 --quiet --save weights --log log "$@"
  { cat weights && sed 's/, "seconds".*//' log; } | sha256sum | cut -d' ' -f1
}

cut_in=(HONE_FORCE_THREADS=1 HONE_FORCE_THREADS=3 "${isas[@]/#/HONE_ISA=}")
if [ ${#hone[@]} -gt 1 ]; then cut_in=(HONE_FORCE_THREADS=3); fi

# check_cuts NAME ARG...
check_cuts() {
  local name=$1 reference got
  shift
  reference=$(run_of "$@")
  for environment in "${cut_in[@]}"; do
    for p in "${parts[@]}"; do
      got=$(export "${environment?}" && run_of --accumulate "$p" "$@")
      [ "$got" = "$reference" ] && continue
      echo "$name, $environment, $p parts: OTHER BITS: $got"
      failures=$((failures + 1))
    done
  done
}

check plain-6000 no --limit 6000
check plain-600 yes --limit 600
# sizes that no vector width divides, a last batch that is smaller, another order
check odd-600 yes --limit 600 --model mlp:784,37,13,10 --batch 47 --shuffle --momentum 0.9 --lr 0.05
# what else changes a step: schedule, warm-up, clipping, smoothed labels, averages, a validation set
extras=(--limit 600 --epochs 2 --schedule cosine --warmup 3 --clip 0.5 --label-smoothing 0.1 --ema 0.9 --val-split 0.2
  --early-stop 1 --optim adam --lr 0.01)
check extras-600 yes "${extras[@]}"
check_cuts extras-600 "${extras[@]}"
check_cuts plain-600 --limit 600
check_cuts odd-600 --limit 600 --model mlp:784,37,13,10 --batch 47 --shuffle --momentum 0.9 --lr 0.05

# networks of tokens, and one with convolutions and norms, on the other built-in data
if [ "$data" = digits ]; then
  data=text:20000
  gpt=(--limit 30 --model gpt:layers=2,heads=2,width=24,context=24 --batch 7 --optim adamw --lr 0.003)
  lstm=(--limit 30 --model lstm:width=12,hidden=20,layers=2,dropout=0.2 --batch 7 --optim adamw --lr 0.003)
  check gpt-30 yes "${gpt[@]}"
  check lstm-30 yes "${lstm[@]}"
  check_cuts gpt-30 "${gpt[@]}"
  check_cuts lstm-30 "${lstm[@]}"
  check gpt-bf16-30 yes "${gpt[@]}" --dtype bf16
  check lstm-bf16-30 yes "${lstm[@]}" --dtype bf16
  check_cuts gpt-bf16-30 "${gpt[@]}" --dtype bf16
  wide=(--limit 30 --model gpt:layers=2,heads=2,width=72,context=32 --batch 7 --optim adamw --lr 0.003)
  tiles=("${wide[@]}" --dtype bf16 --bf16-order tiles)
  check gpt-tiles-30 yes "${tiles[@]}"
  check_cuts gpt-tiles-30 "${tiles[@]}"
  check_tables gpt-tiles-30 "${tiles[@]}"
  rows=(--limit 64 --model lstm:width=32,hidden=64,layers=2,dropout=0.2 --batch 32 --optim adamw --lr 0.003)
  tiles=("${rows[@]}" --dtype bf16 --bf16-order tiles)
  check lstm-tiles-64 no "${tiles[@]}"
  check_tables lstm-tiles-64 "${tiles[@]}"
  data=digits
  lenet=(--limit 30 --epochs 2 --model lenet --batch 10 --optim adam --lr 0.002)
  check lenet-30 yes "${lenet[@]}"
  check_cuts lenet-30 "${lenet[@]}"
  check lenet-bf16-30 yes "${lenet[@]}" --dtype bf16
  check_cuts lenet-bf16-30 "${lenet[@]}" --dtype bf16
  check_tables lenet-bf16-30 "${lenet[@]}" --dtype bf16
  tiles=("${lenet[@]}" --dtype bf16 --bf16-order tiles)
  check lenet-tiles-30 yes "${tiles[@]}"
  check_tables lenet-tiles-30 "${tiles[@]}"
  data=pictures
  check resnet18-30 yes --limit 30 --model resnet18:num_classes=10,width=3,small=True --batch 10 --lr 0.01
  # whole tiles of channels, which lie in pairs; plain C takes a minute for as many
  wide=(--limit 10 --model resnet18:num_classes=10,width=16,small=True --batch 5 --lr 0.01 --dtype bf16)
  check resnet18-tiles-10 no "${wide[@]}" --bf16-order tiles
  check_tables resnet18-tiles-10 "${wide[@]}" --bf16-order tiles
  check_tables resnet18-bf16-10 "${wide[@]}"
fi
[ "$failures" -eq 0 ]
