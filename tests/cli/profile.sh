#!/bin/bash
# profile.sh HONE: hone profile: the tables, a trace that importers take whole, a page that a browser
# shows, what two runs differ in, what is refused, files that can't be written to the end.
source "$(dirname "$0")/common.sh" "$1"
profile=("$hone" profile --limit 600 --events none)

# ---- tables
works "${profile[@]}" --model lenet --batch 50 --steps 6 --warmup 2 --no-limits --trace t.json --html p.html --json a.json
says '^lenet, digits, batch 50, .*, [0-9]+ threads?$'
says '^6 steps of .*2 of warm-up left out'
says "^ops' own times: [0-9.]+ % of a step"
says '^recorded: [0-9]+ records, 0 dropped; a record takes [0-9]+ ns'
says '^multiply-adds a step: 56598000, '
says '^process, a step: [0-9.]+ page faults .* context switches .*CPU time'
says '^frequency: [0-9.]+ GHz'
says '^by op '
says '^conv2d .*(compute|memory|overhead|imbalance)$'
says '^conv2d_backward_input, in backward '
says '^sgd_step, update '
says '^by module '
says '^fc1 '
says '^backward '
says '^memory: peak '
works "${profile[@]}" --batch 50 --steps 3 --warmup 0
says '^limits, on 1 thread and on [0-9]+'
says '^  FMA scalar '
says '^  products '
says '^  DRAM '
says '^best places to gain'
says '^  1\. '
# text, an LSTM, parts of a batch
works "$hone" profile --data text:20000 --model lstm:width=16,hidden=16 --batch 4 --steps 2 --no-limits --accumulate 2
says '^recurrent_layer '

# ---- the trace: read as Perfetto's importer does: whole JSON, slices of a thread that nest, times in
# microseconds, a tid a thread, arrows whose both ends lie in slices
checks=$((checks + 1))
if command -v python3 >/dev/null; then
  cat >read.py <<'PY'
import json, sys
from decimal import Decimal as D
trace = json.load(open(sys.argv[1]), parse_float=D, parse_int=D)
events = trace["traceEvents"]
slices = [e for e in events if e["ph"] == "X"]
assert {e["ph"] for e in events} <= {"X", "s", "f", "C", "M"}
steps = int(sys.argv[2])
threads = {}
for e in slices:
    assert e["ts"] >= 0 and e["dur"] >= 0 and e["name"], e
    threads.setdefault(e["tid"], []).append(e)
for tid, own in threads.items():
    own.sort(key=lambda e: (e["ts"], -e["dur"])) # stable: what comes first is the outer one
    around = []
    for e in own:
        while around and around[-1] <= e["ts"]:
            around.pop()
        assert not around or e["ts"] + e["dur"] <= around[-1], ("dropped", e)
        around.append(e["ts"] + e["dur"])
names = {e["tid"] for e in events if e["ph"] == "M" and e["name"] == "thread_name"}
assert names == set(threads), (names, set(threads))
begins = {e["id"]: e for e in events if e["ph"] == "s"}
ends = {e["id"]: e for e in events if e["ph"] == "f"}
assert ends and set(ends) <= set(begins)
for e in list(begins.values()) + list(ends.values()):
    assert any(s["ts"] <= e["ts"] <= s["ts"] + s["dur"] for s in threads[e["tid"]]), e
assert all(begins[i]["ts"] <= ends[i]["ts"] for i in ends)
counters = {e["name"] for e in events if e["ph"] == "C"}
assert {"memory (bytes)", "GFLOP/s", "frequency (GHz)"} <= counters, counters
conv = [e for e in slices if e["name"] == "conv2d" and e["cat"] == "forward"]
assert len(conv) == 2 * steps, len(conv)
assert conv[0]["args"]["module"] == "conv1" and "x" in conv[0]["args"]["shapes"]
whole = max(e["ts"] + e["dur"] for e in slices) - min(e["ts"] for e in slices)
assert whole > 100 * steps and whole < 60e6, whole # a step takes more than 0.1 ms
print(len(slices))
PY
  python3 read.py t.json 6 >/dev/null || fail "the trace"
else
  not_checked "the trace (no python3)"
fi

# ---- the page
alone() {
  checks=$((checks + 1))
  if grep -qiE 'https?:|//[a-z]|<script|<link|@import|url\(|src=' <(sed 's|xmlns="http://www.w3.org/[^"]*"||g' "$1"); then
    fail "$1 needs something else"
  fi
}
alone p.html
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
if [ -n "$browser" ] && timeout 60 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$place/profile" --dump-dom about:blank >/dev/null 2>&1; then
  timeout 120 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$place/profile" --enable-logging=stderr --dump-dom "file://$place/p.html" >dom 2>log.browser ||
    fail "the browser failed"
  if grep -q CONSOLE log.browser; then fail "the browser complains"; grep CONSOLE log.browser; fi
  within() { sed -n "/<svg id=\"$1\"/,/<\/svg>/p" dom | grep -o "class=\"$2\"" | wc -l; }
  [ "$(within roofline op)" -ge 8 ] || fail "the roofline has $(within roofline op) points"
  [ "$(within flames flame)" -ge 12 ] || fail "the flame graph has $(within flames flame) boxes"
  [ "$(within timeline slice)" -ge 20 ] || fail "the timeline has $(within timeline slice) slices"
  [ "$(within memory memory)" -eq 1 ] || fail "no curve of memory"
  [ "$(sed -n '/class="memory"/,/<\/svg>/p' dom | grep -oE '[0-9.]+,[0-9.]+' | wc -l)" -ge 40 ] || fail "memory has few points"
  checks=$((checks + 6))
else
  not_checked "the page in a browser (there is no chromium that runs)"
fi

# ---- two runs
works "${profile[@]}" --model lenet --batch 100 --steps 6 --warmup 2 --no-limits --json b.json
works "$hone" profile --diff a.json b.json
says '^a step: [0-9.]+ us -> [0-9.]+ us \([+-][0-9.]+ %\), (more than|within) their spread'
says '^multiply-adds a step: 56598000 -> 113196000; '
says ' gone +changed +conv1: conv2d, forward  f32 \[50, 1, 28, 28\]'
says ' new +changed +conv1: conv2d, forward  f32 \[100, 1, 28, 28\]'
works "$hone" profile --diff a.json a.json
says 'within their spread'
if grep -q ' changed ' out; then fail "a run differs from itself"; fi

# ---- refused
refuses 2 "^hone profile: --steps takes a whole number from 1 to" "${profile[@]}" --steps 0
refuses 2 "^hone profile: --warmup takes a whole number from 0 to" "${profile[@]}" --warmup -1
refuses 2 "^hone profile: unknown option --save; " "${profile[@]}" --save x
refuses 1 "^hone profile: --trace gone/x: No such file" "${profile[@]}" --trace gone/x
refuses 1 "^hone profile: --html gone/x: No such file" "${profile[@]}" --html gone/x
refuses 1 "^hone profile: --json gone/x: No such file" "${profile[@]}" --json gone/x
refuses 1 '^hone profile: profile: no event "sneezes"; there are cycles, ' "$hone" profile --limit 200 --events sneezes --quiet
refuses 2 "^hone profile: --diff stands alone and takes two files" "$hone" profile --diff a.json
refuses 2 "^hone profile: --diff stands alone" "$hone" profile --steps 3 --diff a.json b.json
refuses 1 "^hone profile: profile: gone: No such file" "$hone" profile --diff gone a.json
refuses 1 "^hone profile: profile: p.html is no profile's JSON" "$hone" profile --diff p.html a.json
head -c 300 a.json >cut.json
refuses 1 "^hone profile: profile: cut.json is no profile's JSON" "$hone" profile --diff a.json cut.json
echo '{"steps":1}' >other.json
refuses 1 "other.json is no profile's JSON: \"hone_profile\" isn't 1" "$hone" profile --diff other.json a.json
refuses 1 "^hone profile: .*nowhere" "$hone" profile --data nowhere

# ---- a disk that is full in the middle: the run goes on, one line says so, the trace is whole
checks=$((checks + 1))
(ulimit -f 200; exec "${profile[@]}" --model lenet --batch 10 --steps 40 --warmup 0 --no-limits --trace full.json) >out 2>err
[ $? -eq 1 ] || fail "a full disk: not status 1"
[ "$(wc -l <err)" -eq 1 ] && grep -q "full.json lacks the later steps: File too large" err || { fail "a full disk"; cat err; }
says '^40 steps of'
[ -s full.json ] && [ "$(stat -c %s full.json)" -le 204800 ] || fail "no trace, or too much of it"
if command -v python3 >/dev/null; then python3 -c 'import json; assert len(json.load(open("full.json"))["traceEvents"]) > 100' || fail "a trace that isn't whole"; fi
refuses 1 "/dev/full lacks the later steps: No space left|/dev/full" "${profile[@]}" --steps 2 --warmup 0 --no-limits --quiet --trace /dev/full

# ---- a run that is interrupted, or killed
for signal in TERM KILL; do
  checks=$((checks + 1))
  "${profile[@]}" --model lenet --batch 10 --steps 1000000 --no-limits --trace $signal.json >out 2>err &
  run=$!
  for _ in $(seq 200); do [ "$(stat -c %s $signal.json 2>/dev/null || echo 0)" -gt 100000 ] && break; sleep 0.1; done
  kill -$signal $run
  wait $run 2>/dev/null
  status=$?
  if [ $signal = TERM ]; then
    [ $status -eq 143 ] || fail "interrupted: status $status"
    says '^[0-9]+ steps of'
  fi
  if command -v python3 >/dev/null; then python3 -c 'import json,sys; assert len(json.load(open(sys.argv[1]))["traceEvents"]) > 500' $signal.json || fail "$signal: a trace that isn't whole"; fi
done

# ---- kernels have names that debuggers show (gdb takes two _ for the dot of Ada)
if command -v gdb >/dev/null && command -v nm >/dev/null; then
  checks=$((checks + 1))
  nm "$hone" 2>/dev/null | sed -n 's/^\([0-9a-f]*\) t hone__f32_gemm_[a-z0-9]*_[0-9]*x[0-9]*$/\1/p' >kernels
  gdb -batch -ex "info symbol 0x$(head -n 1 kernels)" "$hone" >names 2>/dev/null
  grep -qE '^hone(__|\.)f32_gemm_(scalar|avx2|avx512|neon)_[0-9]+x[0-9]+ in section' names || { fail "kernels have no names"; cat names; }
else
  not_checked "kernels' names (no gdb or nm)"
fi

# ---- the probes, where they were built: both names, with the word that says whether somebody listens
if command -v readelf >/dev/null && readelf -n "$hone" >notes 2>/dev/null && grep -q stapsdt notes; then
  checks=$((checks + 1))
  for probe in op__begin op__end; do
    grep -qE 'Semaphore: 0x0*[1-9a-f]' <(grep -A1 "Name: $probe" notes) || fail "no probe $probe"
  done
else
  not_checked "the probes (built without sys/sdt.h, or no readelf)"
fi
finish
