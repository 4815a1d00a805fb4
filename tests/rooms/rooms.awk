# rooms.awk: checks what rooms.sh has read, in this order:
#   floor N ROOM...      README.md's list of floors ("How data flows")
#   file FILE            a source
#   include FILE HEADER  a quoted include, which names a file from src/ or simd/, or beside FILE
#   header FILE NAME     a public declaration
#   D FILE NAME, U FILE NAME   what an object defines and uses (files without their ending)
# The rules:
#   - every folder has a floor, and no arrow goes upwards;
#   - no circle goes through files of different folders, or through files of src/gemm;
#   - a public name stands in one header, and what is called hone_x (not hone__x) is public.
# init is the composition root: core/env calls it once, it may call everyone.
BEGIN { allowed["src/core/env src/init"] = 1 }

$1 == "floor" { for (i = 3; i <= NF; i++) floor[$i] = $2; floors++; next }
$1 == "file" { exists[$2] = 1; next }
$1 == "header" { count[$3]++; stands[$3] = stands[$3] " " $2; next }

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

function bare(f) { sub(/\.[ch]$/, "", f); return f }

$1 == "include" {
    folder = $2; sub(/\/[^\/]*$/, "", folder)
    if ((folder "/" $3) in exists) edge(bare($2), bare(folder "/" $3), "#include")
    else if (("src/" $3) in exists) edge(bare($2), bare("src/" $3), "#include")
    else if (("simd/" $3) in exists) edge(bare($2), bare("simd/" $3), "#include")
    next
}
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
        if (!(a in floor) || !(b in floor)) { print "no floor in README.md for " from[i] " or " to[i]; bad++; continue }
        if (floor[a] < floor[b]) {
            printf "upwards: %s -> %s (%s)\n", from[i], to[i], seen[from[i], to[i]]; bad++
        }
        if ((a != b || a == "src/gemm") && reaches(to[i], from[i])) {
            printf "circle: %s -> %s (%s)\n", from[i], to[i], seen[from[i], to[i]]; bad++
        }
    }
    for (name in count) if (count[name] > 1) { print "in several headers: " name stands[name]; bad++ }
    for (name in defined_in)
        # a probe's semaphore has the name that tools look for
        if (name ~ /^hone_[a-z0-9]/ && name !~ /_semaphore$/ && !(name in count) && defined_in[name] !~ /^src\/cli\//) {
            print "no public header declares " name " of " defined_in[name]; bad++
        }
    if (floors == 0) { print "README.md has no list of floors"; bad++ }
    printf "%d arrows between %d uses: %d wrong\n", edges, n_uses, bad
    exit (bad > 0 || edges < 300)
}
