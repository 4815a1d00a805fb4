# entries.awk: reads include/hone/ops.h and writes, for every public function of an op, a C function
# that calls it with a catalog row's inputs and arguments, and a row of what its prototype says:
#     { "softmax", false, "softmax(x, *, dim: int)", call_softmax },
# Tensors are inputs in their order; other parameters are attributes by their names.
function trim(s) { sub(/^[ \t]+/, "", s); sub(/[ \t]+$/, "", s); return s }

{ sub(/\/\/.*/, ""); text = text " " $0 }

END {
    gsub(/\/\*[^*]*\*+([^\/*][^*]*\*+)*\//, "", text)
    print "/* Made from include/hone/ops.h by tests/ops/entries.awk. */"
    print "#include \"catalog.h\"\n"
    while (match(text, /HONE_API hone_tensor \*hone_[a-z0-9_]+\([^)]*\);/)) {
        prototype(substr(text, RSTART, RLENGTH))
        text = substr(text, RSTART + RLENGTH)
    }
    printf "const catalog_entry catalog_entries[] = {\n%s    { 0 },\n};\n", rows
}

function prototype(p,    name, op, in_place, n, i, params, last, type, parameter, arguments, inputs,
                         attributes, k, vector) {
    sub(/HONE_API hone_tensor \*/, "", p)
    name = p; sub(/\(.*/, "", name)
    op = name; sub(/^hone_/, "", op)
    vector = sub(/_v$/, "", op)
    in_place = sub(/_$/, "", op)
    sub(/^[^(]*\(/, "", p); sub(/\);$/, "", p)
    n = split(p, params, ",")
    k = 0; arguments = inputs = attributes = ""
    for (i = 1; i <= n; i++) {
        parameter = trim(params[i]); gsub(/[ \t]+/, " ", parameter)
        last = parameter; sub(/.*[ *]/, "", last)
        type = trim(substr(parameter, 1, length(parameter) - length(last)))
        if (i > 1) arguments = arguments ", "
        if (type == "hone_tensor *") {
            arguments = arguments "in[" k++ "]"
            inputs = inputs (inputs == "" ? "" : ", ") last
        } else if (type == "hone_tensor_list") {
            arguments = arguments "hone_list_n(in + " k ", n_in - " k ")"
            inputs = inputs (inputs == "" ? "" : ", ") last "..."
        } else if (type == "hone_tensor *const *") {
            sub(/_(then_)?end$/, "", last)
            arguments = arguments "catalog_tensors(in + " k ", n_in - " k ").at"
            inputs = inputs (inputs == "" ? "" : ", ") last "..."
        } else {
            sub(/_(then_)?end$/, "", last)
            if (type == "const int64_t *") {
                arguments = arguments "catalog_dims(row).at"; type = "dims"
            } else if (type == "int" || type == "int64_t") {
                arguments = arguments "(" type ")catalog_int(row, \"" last "\")"; type = "int"
            } else if (type == "double") {
                arguments = arguments "row->s"; type = "float"
            } else if (type == "bool") {
                arguments = arguments "row->flag"
            } else if (type == "hone_dtype") {
                arguments = arguments "row->dtype"; type = "dtype"
            } else {
                return # no op: a list of another kind
            }
            attributes = attributes ", " last ": " type
        }
    }
    if (inputs == "" || op ~ /_like$/) return # creation
    print "static hone_tensor *call_" name "(const catalog_row *row, hone_tensor *const *in, int n_in)"
    print "{\n    (void)row, (void)in, (void)n_in;\n    return " name "(" arguments ");\n}\n"
    rows = rows "    { \"" op "\", " (in_place ? "true" : "false") ", \"" inputs "\", \"" \
           attributes "\", call_" name " },\n"
}
