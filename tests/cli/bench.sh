#!/bin/bash
# bench.sh HONE: the suites' rows, the keys of their JSON, wrong calls. Speed is not judged.
source "$(dirname "$0")/common.sh" "$1"

# keys_are KEYS: every line of rows.json is an object with these keys in this order, and there is a
# line.
keys_are() {
  checks=$((checks + 1))
  [ -s rows.json ] || fail "no rows"
  local keys
  keys=$(sed -E 's/"([a-z_]+)":("[^"]*"|null|-?[0-9][0-9.e+-]*)/\1/g; s/^\{//; s/\}$//' rows.json | sort -u)
  [ "$keys" = "$1" ] || fail "keys are $keys, not $1"
}
head=suite,name,dtype,isa,threads
tail=percent_of_peak,best_peer,best_peer_rate,ratio,ns_per_call

works "$hone" bench gemm --size 24x16x8 --seconds 0.01 --json rows.json
says '^matmul +f32 NN +L1 +24x16x8 '
keys_are "$head,m,n,k,level,variant,gflops,$tail"
works "$hone" bench gemm --size 24x16x8:TN --seconds 0.01 --threads 1,2 --isa scalar --peers --json rows.json
says '^hone bench gemm, scalar, 1 thread:'
says '^hone bench gemm, scalar, 2 threads:'
keys_are "$head,m,n,k,level,variant,gflops,$tail"
checks=$((checks + 1))
grep -cE '"threads":[12],"m":24,"n":16,"k":8,.*"variant":"TN"' rows.json | grep -qx 2 || fail "not two rows of TN"

works "$hone" bench gemm --size 24x16x8:TT --dtype f64 --seconds 0.01
says '^matmul +f64 TT +L1 +24x16x8 '
works "$hone" bench gemm --size 1x512x64 --seconds 0.01 --json rows.json # its peak is reading B
says '^matmul +f32 NN +L[12] +1x512x64 '
keys_are "$head,m,n,k,level,variant,gflops,$tail"
works "$hone" bench reduce --only sum --size 5000 --dtype f64 --seconds 0.01
says '^sum +f64 contiguous L[12] +5000 '
for suite in elementwise:exp elementwise:add elementwise:copy reduce:sum reduce:argmax reduce:logsumexp; do
  works "$hone" bench ${suite%:*} --only ${suite#*:} --seconds 0.001 --size 5000 --peers --json rows.json
  says "^${suite#*:} +f32 contiguous L[12] +5000 "
  keys_are "$head,elements,level,variant,gbps,$tail"
done
# peers that can't be loaded are none, and --peers says why there are none
mkdir broken
for library in libsleef libopenblas libblis libdnnl libmkl_rt; do
  for version in "" .0 .1 .2 .3 .4 .5; do echo "no library" >broken/$library.so$version; done
done
works env LD_LIBRARY_PATH="$PWD/broken" "$hone" bench gemm --size 8x8x8 --seconds 0.001 --peers --json rows.json
says "^no peers: OpenBLAS, BLIS, oneDNN, MKL can't be opened here$"
keys_are "$head,m,n,k,level,variant,gflops,$tail"
works env LD_LIBRARY_PATH="$PWD/broken" "$hone" bench elementwise --only exp --size 5000 --seconds 0.001 --peers
says "^no peers: SLEEF can't be opened here$"
works "$hone" bench reduce --only sum --size 5000 --seconds 0.001 --peers
says '^no peers: perf/compare/bench.py runs reduce beside PyTorch$'

works "$hone" bench elementwise --only add --seconds 0.001 --threads 2
for variant in contiguous broadcast strided; do says "^add +f32 $variant "; done
works "$hone" bench reduce --only softmax --seconds 0.001
for variant in contiguous strided; do says "^softmax +f32 $variant "; done

for op in add transpose cross_entropy where sum_dim gather topk max_pool2d batch_norm; do
  works "$hone" bench ops --only $op --seconds 0.001 --size 100 --json rows.json
  says "^$op +f32 contiguous L[12] +100 "
  keys_are "$head,elements,level,variant,gbps,$tail"
done
for op in linear conv2d conv2d_backward_input; do
  works "$hone" bench ops --only $op --seconds 0.001 --size 100 --json rows.json
  keys_are "$head,elements,level,variant,gflops,$tail"
done
works "$hone" bench train --only mlp:784,100,10 --size 5 --seconds 0.001 --json rows.json
says '^mlp:784,100,10 +f32 contiguous L[23] +5 '
keys_are "$head,elements,level,variant,gflops,$tail"

refuses 2 'a suite is missing' "$hone" bench
refuses 2 "unknown suite 'gem'; did you mean gemm" "$hone" bench gem
refuses 2 "unknown suite 'nope'; there are gemm" "$hone" bench nope
refuses 2 "unknown suite 'frobnicate'; there are gemm, skinny, elementwise, reduce, ops, train" "$hone" bench frobnicate
refuses 2 "gemm has no op 'frobnicate'" "$hone" bench gemm --only frobnicate
for bad in 0 -1 1025 1.5 banana , 1, ,1 1,,2 '1 2' 99999999999999999999; do
  refuses 2 '--threads takes up to' "$hone" bench gemm --threads "$bad"
done
# a call that is refused costs no file
echo keep >keep.json
refuses 2 "gemm has no op 'frobnicate'" "$hone" bench gemm --only frobnicate --json keep.json
refuses 2 "ops has no op 'any' in f64" "$hone" bench ops --dtype f64 --json keep.json
refuses 1 'OMP_THREAD_LIMIT is 2' env OMP_THREAD_LIMIT=2 "$hone" bench gemm --size 8x8x8 --threads 1,3 --json keep.json
[ "$(cat keep.json)" = keep ] || fail "a refused call emptied the file of --json"

# more threads than CPUs: the peak is that of the threads that run
works "$hone" bench gemm --size 8x8x8 --seconds 0.01 --threads 1024 --json rows.json
says "^hone bench gemm, [a-z0-9]+, 1024 threads, of which [0-9]+ run:"
grep -q '"threads":1024,' rows.json || fail "not the threads that were asked for"
refuses 2 "--dtype takes f32, f64 or bf16, not 'f16'" "$hone" bench gemm --dtype f16
refuses 2 "reduce has no op 'any' in bf16" "$hone" bench reduce --dtype bf16
works "$hone" bench gemm --size 24x16x8:TT --dtype bf16 --seconds 0.01
says '^matmul +bf16 TT +L1 +24x16x8 .*[0-9]\.[0-9] +[0-9.]+$' # the peak of FMAs, too
refuses 2 "ops has no op 'add' in f64" "$hone" bench ops --only add --dtype f64
refuses 2 'HONE_ISA=sse9 is unknown' "$hone" bench gemm --isa sse9
case $(uname -m) in
aarch64) refuses 2 'HONE_ISA=avx2 is not available' "$hone" bench gemm --isa avx2 ;;
x86_64) refuses 2 'HONE_ISA=neon is not available' "$hone" bench gemm --isa neon ;;
esac
for bad in 5 5x5 0x5x5 -1x5x5 5x5x5x5 axbxc 5x5x5: 5x5x5:XX x 99999999999999999999x1x1; do
  refuses 2 '--size takes MxNxK' "$hone" bench gemm --size "$bad"
done
refuses 2 'overflow' "$hone" bench gemm --size 4294967296x4294967296x1
refuses 2 'overflow' "$hone" bench gemm --size 1x9223372036854775807x1
for bad in 0 5x5x5 x 1:NN 99999999999999999999; do
  refuses 2 '--size takes a number of elements' "$hone" bench reduce --size "$bad"
done
refuses 2 'overflow' "$hone" bench elementwise --size 4611686018427387904
refuses 1 'out of memory' "$hone" bench elementwise --only add --size 1000000000000
refuses 2 '--seconds takes a number' "$hone" bench gemm --seconds 0
refuses 2 '--json needs a value' "$hone" bench gemm --json
refuses 1 'no/such/rows.json' "$hone" bench gemm --size 8x8x8 --seconds 0.01 --json no/such/rows.json
refuses 1 'out of memory' "$hone" bench gemm --size 100000000x100000000x1
works "$hone" bench --help
says 'hone bench SUITE \[options\]'
finish
