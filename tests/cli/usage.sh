#!/bin/bash
# usage.sh HONE: wrong calls are refused in one line that helps, with exit status 2.
source "$(dirname "$0")/common.sh" "$1"
small=(--limit 200 --epochs 1)

refuses 2 'command is missing' "$hone"
refuses 2 "unknown command 'trian'; did you mean train" "$hone" trian
refuses 2 "unknown command 'frobnicate'; see hone --help" "$hone" frobnicate
refuses 2 "unknown option '--frobnicate'" "$hone" --frobnicate
refuses 2 'hone train: unknown option --epoch; did you mean --epochs' "$hone" train --epoch 3
refuses 2 'hone train: unknown option --frobnicate; see hone train --help' "$hone" train --frobnicate
refuses 2 'hone eval: unknown option --laod; did you mean --load' "$hone" eval --laod x
refuses 2 'hone info: unknown option --fast' "$hone" info --fast
refuses 2 "'digits' is no option" "$hone" train digits
refuses 2 "'-x' is no option" "$hone" train -x
refuses 2 '--epochs needs a value' "$hone" train --epochs
refuses 2 '--quiet takes no value' "$hone" train --quiet=yes

for bad in 0 -1 1.5 1e2 banana '' ' 5' 5x 0x10 99999999999999999999; do
  refuses 2 '--batch takes a whole number from 1' "$hone" train "${small[@]}" --batch "$bad"
  refuses 2 '--batch takes a whole number from 1' "$hone" train "${small[@]}" "--batch=$bad"
done
refuses 2 "--accumulate takes a whole number from 1.*'0'" "$hone" train "${small[@]}" --accumulate 0
refuses 2 "--threads takes a whole number from 1 to 1024, not '0'" "$hone" train "${small[@]}" --threads 0
refuses 2 '--threads takes a whole number from 1' "$hone" train "${small[@]}" --threads 1025
refuses 2 '--threads takes a whole number from 1' "$hone" eval --load x --threads 0
refuses 2 "--epochs takes a whole number from 0.*'-3'" "$hone" train --limit 200 --epochs -3
refuses 2 '--limit takes a whole number from 1' "$hone" train --limit 0
for bad in -1 18446744073709551616 1.0 +1 ' 1' ''; do
  refuses 2 '--seed takes a whole number from 0 to 18446744073709551615, not' "$hone" train "${small[@]}" --seed "$bad"
done
refuses 2 '--epochs takes a whole number from 0 to 1000000000, not' "$hone" train --epochs 1000000001
refuses 2 '--limit takes a whole number from 1 to 1000000000000, not' "$hone" train --limit 0
for bad in nan inf -inf -0.5 1e400 0x1p-1 0,5 '0.5 ' '' half; do
  refuses 2 '--lr takes a number from 0' "$hone" train "${small[@]}" --lr "$bad"
done
refuses 2 '--momentum takes a number from 0 to 1' "$hone" train "${small[@]}" --momentum 1.5
refuses 2 '--data: the SOURCE is empty' "$hone" train --data ''

refuses 2 "--optim: there is no 'fast'; see" "$hone" train "${small[@]}" --optim fast
refuses 2 "--optim: there is no 'adamm'; did you mean adam?" "$hone" train "${small[@]}" --optim adamm
refuses 2 '--momentum: adam has none' "$hone" train "${small[@]}" --optim adam --momentum 0.9
refuses 2 '--weight-decay takes a number from 0' "$hone" train "${small[@]}" --weight-decay -1
refuses 2 'muon: parameter 1 is f32 .*2 dims are wanted' "$hone" train "${small[@]}" --optim muon
for bad in mlp cnn:3 784,100,10 mlp: mlp:784 mlp:784, mlp:784,,10 mlp:784,0,10 mlp:784,-5,10 mlp:784,1e2,10 \
  mlp:99999999999999999999,10; do
  refuses 2 '--model' "$hone" train "${small[@]}" --model "$bad"
done
refuses 2 '--load FILE is missing' "$hone" eval
refuses 2 '--load-partly is about the FILE of --load' "$hone" train "${small[@]}" --load-partly

# the environment: every subcommand that computes says what is wrong with it
refuses 2 'HONE_ISA.*sse9' env HONE_ISA=sse9 "$hone" train "${small[@]}"
refuses 2 'HONE_ISA.*sse9' env HONE_ISA=sse9 "$hone" info
refuses 2 'HONE_ISA' env HONE_ISA=sse9 "$hone" eval --load x
refuses 2 'HONE_NUM_THREADS.*banana' env HONE_NUM_THREADS=banana "$hone" train "${small[@]}"
refuses 2 'HONE_NUM_THREADS' env HONE_NUM_THREADS=0 "$hone" info
refuses 2 'HONE_FORCE_THREADS' env HONE_FORCE_THREADS=-2 "$hone" info
refuses 1 'set_threads: 3 threads, but OMP_THREAD_LIMIT is 2' env OMP_THREAD_LIMIT=2 "$hone" train "${small[@]}" --threads 3
refuses 2 'HONE_DEBUG' env HONE_DEBUG=loud "$hone" info

# what of the machine a command may use
for bad in 0 -1 much 3X 3MB 99999999999999999999 9999999999T; do
  refuses 2 "--memory-limit takes bytes such as 800M or 12G, not '$bad'" "$hone" train "${small[@]}" --memory-limit "$bad"
done
refuses 1 'out of memory: .* the limit is 307200' "$hone" train "${small[@]}" --memory-limit 300K
works "$hone" train "${small[@]}" --quiet --memory-limit 1G --numa interleave
works "$hone" train "${small[@]}" --quiet --numa 0
refuses 2 "--numa takes local, partition, interleave or a node's number, not 'far'" "$hone" eval --load x --numa far
refuses 2 '--numa 4000: set_placement: ' "$hone" train "${small[@]}" --numa 4000

# two jobs that weren't told otherwise may run wherever they may; --pin gives each thread a core of its own
if [ -r /proc/self/status ] && [ "$(nproc)" -gt 1 ]; then
  all=$(sed -n 's/^Cpus_allowed_list:\s*//p' /proc/self/status)
  for pin in "" --pin; do
    "$hone" train --epochs 1000000 --threads 2 --quiet $pin >/dev/null &
    pid=$!
    for _ in $(seq 100); do
      lists=$(cat /proc/$pid/task/*/status 2>/dev/null | sed -n 's/^Cpus_allowed_list:\s*//p' | sort -u)
      [ "$(ls /proc/$pid/task | wc -l)" -gt 1 ] && { [ -z "$pin" ] || [ "$lists" != "$all" ]; } && break
      sleep 0.1
    done
    kill -9 $pid
    wait $pid 2>/dev/null
    checks=$((checks + 1))
    if [ -z "$pin" ]; then
      [ "$lists" = "$all" ] || fail "threads are bound without --pin: $lists"
    else
      ! grep -qxF "$all" <<<"$lists" && [ "$(wc -l <<<"$lists")" -gt 1 ] || fail "--pin: not each thread on a core of its own: $lists"
    fi
  done
else
  not_checked "--pin on one core"
fi

# an ISA of another kind of machine is an error, not a crash
case $(uname -m) in
aarch64) refuses 2 'HONE_ISA.*avx2' env HONE_ISA=avx2 "$hone" info ;;
x86_64) refuses 2 'HONE_ISA.*neon' env HONE_ISA=neon "$hone" info ;;
esac

# help goes to stdout, and needs no working environment
works "$hone" --help
says 'hone COMMAND'
cp out help
works "$hone" help
cmp -s out help || fail "hone help differs from hone --help"
works env HONE_ISA=sse9 "$hone" train --help
for option in data transform model optim lr momentum schedule warmup clip label-smoothing ema top-k nan val-split early-stop epochs \
  batch seed workers stratify threads shuffle limit save load log plot report quiet help; do
  says "^  --$option"
done
says 'default: mlp:784,100,10'
cp out help
works "$hone" help train
cmp -s out help || fail "hone help train differs from hone train --help"
refuses 2 "unknown command 'trian'; did you mean train" "$hone" help trian
works "$hone" eval --help
says '^  --load FILE'
works "$hone" --version
says '^hone [0-9]+\.[0-9]+\.[0-9]+$'
works "$hone" info
for row in version isa cpu cores caches 'numa nodes' threads cost stalls; do says "^$row "; done
works env HONE_NUM_THREADS=1 "$hone" info
says '^threads +1 \('
finish
