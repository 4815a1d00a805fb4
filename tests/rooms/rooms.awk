# rooms.awk: reads lines "include FILE FILE", "D FILE SYMBOL", "U FILE SYMBOL" (files without their
# ending) and checks the arrows between them:
#   - none goes upwards between the floors below;
#   - no circle goes through files of different folders, or through files of src/gemm.
# init is the composition root: core/env calls it once, it may call everyone.
BEGIN {
    n = split("src/core src/runtime 0 simd 1 src/gemm 2 src/loops 3 src/op 4 src/ops 5 " \
              "src/autograd 6 src/nn src/data src/io src/profile 7 src/optim 8 src/run src/dist 9 " \
              "src/init 10 src/cli 11", word, " ")
    for (i = 1; i <= n; i++) {
        if (word[i] !~ /^[0-9]+$/) { waiting = waiting " " word[i]; continue }
        m = split(waiting, rooms, " ")
        for (k = 1; k <= m; k++) floor[rooms[k]] = word[i]
        waiting = ""
    }
    allowed["src/core/env src/init"] = 1
}

function room(f) { # its folder, or the first of a folder in it
    if (f ~ /^simd\//) return "simd"
    if (f == "src/init") return f
    sub(/\/[^\/]*$/, "", f)
    return f
}
function edge(a, b, why) {
    if (a == b || ((a " " b) in allowed)) return
    if (!((a, b) in seen)) { seen[a, b] = why; next_of[a] = next_of[a] " " b; from[++edges] = a; to[edges] = b }
}

$1 == "include" { edge($2, $3, "#include"); next }
$1 == "D" { defined_in[$3] = $2; next }
$1 == "U" { uses[++n_uses] = $2 " " $3 }

function reaches(a, b,    queue, head, tail, done, list, n, i) {
    split("", done); head = 1; tail = 1; queue[1] = a; done[a] = 1
    while (head <= tail) {
        n = split(next_of[queue[head++]], list, " ")
        for (i = 1; i <= n; i++) {
            if (list[i] == b) return 1
            if (!(list[i] in done)) { done[list[i]] = 1; queue[++tail] = list[i] }
        }
    }
    return 0
}

END {
    for (i = 1; i <= n_uses; i++) {
        split(uses[i], u, " ")
        if (u[2] in defined_in) edge(u[1], defined_in[u[2]], u[2])
    }
    for (i = 1; i <= edges; i++) {
        a = room(from[i]); b = room(to[i])
        if (!(a in floor) || !(b in floor)) { print "no floor for " from[i] " or " to[i]; bad++; continue }
        if (floor[a] < floor[b]) {
            printf "upwards: %s -> %s (%s)\n", from[i], to[i], seen[from[i], to[i]]; bad++
        }
        if ((a != b || a == "src/gemm") && reaches(to[i], from[i])) {
            printf "circle: %s -> %s (%s)\n", from[i], to[i], seen[from[i], to[i]]; bad++
        }
    }
    printf "%d arrows between %d uses: %d wrong\n", edges, n_uses, bad
    exit (bad > 0 || edges < 300)
}
