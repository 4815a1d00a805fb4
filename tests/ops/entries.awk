# entries.awk: reads the headers of ops (ops.h, net.h, math.h ...) and writes, for every public function of an op, a C function
# that calls it with a catalog row's inputs and arguments, and a row of what its prototype says:
#     { "softmax", false, "x", ", dim: int", NULL, 1, call_hone_softmax },
#     { "topk", false, "x", ", k: int, ...", "values, indices", 2, call_hone_topk },
# Tensors are inputs in their order; other parameters are attributes by their names, and so are the
# fields of an option struct. A result struct's members are the outputs; else the first one is
# meant. hone_<op>_with_indices is another form of <op>.
function trim(s) { sub(/^[ \t]+/, "", s); sub(/[ \t]+$/, "", s); return s }

{ sub(/\/\/.*/, ""); text = text " " $0 }

END {
    gsub(/\/\*[^*]*\*+([^\/*][^*]*\*+)*\//, "", text)
    gsub(/[ \t]+/, " ", text)
    print "/* Made from include/hone by tests/ops/entries.awk. */"
    print "#include \"catalog.h\"\n"
    rest = text
    while (match(rest, /typedef enum \{[^}]*\} hone_[a-z0-9_]+;/)) {
        enumeration(substr(rest, RSTART, RLENGTH))
        rest = substr(rest, RSTART + RLENGTH)
    }
    rest = text
    while (match(rest, /typedef struct \{[^}]*\} hone_[a-z0-9_]+;/)) {
        structure(substr(rest, RSTART, RLENGTH))
        rest = substr(rest, RSTART + RLENGTH)
    }
    while (match(text, /HONE_API hone_[a-z_]+ \*?hone_[a-z0-9_]+\([^)]*\);/)) {
        prototype(substr(text, RSTART, RLENGTH))
        text = substr(text, RSTART + RLENGTH)
    }
    printf "const catalog_entry catalog_entries[] = {\n%s    { 0 },\n};\n", rows
}

# names_of["hone_auto_pad"] = "HONE_PAD_EXPLICIT, HONE_PAD_VALID": the choices of an attribute end so
function enumeration(s,    name) {
    name = s; sub(/.*\} /, "", name); sub(/;$/, "", name)
    sub(/^[^{]*\{/, "", s); sub(/\}.*/, "", s)
    names_of[name] = trim(s)
}

# fields_of["hone_x"] = "int64_t kernel_size[2];bool ceil_mode", one declarator each
function structure(s,    name, n, i, k, m, parts, names, type, all) {
    name = s; sub(/.*\} /, "", name); sub(/;$/, "", name)
    sub(/^[^{]*\{/, "", s); sub(/\}.*/, "", s)
    n = split(s, parts, ";")
    for (i = 1; i <= n; i++) {
        parts[i] = trim(parts[i])
        if (parts[i] == "" || parts[i] ~ /^HONE_RESERVE/) continue
        m = split(parts[i], names, ",")
        type = names[1]; sub(/[ *]+[a-z_0-9\[\]]+$/, "", type)
        sub(/^[a-z_0-9]+ /, "", names[1])
        for (k = 1; k <= m; k++) all = all (all == "" ? "" : ";") type " " trim(names[k])
    }
    fields_of[name] = all
}

# An option struct's fields as attributes; into fill the statements that set them from a row.
function options(name,    n, i, fields, field, type, attributes) {
    n = split(fields_of[name], fields, ";")
    fill = "    " name " o = { 0 };\n"
    for (i = 1; i <= n; i++) {
        type = field = fields[i]
        sub(/ .*/, "", type); sub(/^[^ ]* /, "", field)
        if (type == "int64_t" && sub(/\[2\]$/, "", field)) {
            fill = fill "    catalog_pair(row, \"" field "\", o." field ");\n"; type = "pair"
        } else if (type == "int64_t" && sub(/\[3\]$/, "", field)) {
            fill = fill "    catalog_triple(row, \"" field "\", o." field ");\n"; type = "triple"
        } else if (type == "double" && sub(/\[3\]$/, "", field)) {
            fill = fill "    catalog_floats(row, \"" field "\", o." field ");\n"; type = "floats"
        } else if (type == "int64_t") {
            fill = fill "    o." field " = catalog_int(row, \"" field "\");\n"; type = "int"
        } else if (type == "double") {
            fill = fill "    o." field " = catalog_option(row, \"" field "\");\n"; type = "float"
        } else if (type == "bool") {
            fill = fill "    o." field " = catalog_bool(row, \"" field "\");\n"
        } else if (type in names_of) {
            fill = fill "    o." field " = (" type ")catalog_choice(row, \"" field "\", \"" \
                   names_of[type] "\");\n"; type = "choice"
        } else {
            print "entries.awk: " name ": no kind for " fields[i] > "/dev/stderr"; exit 1
        }
        attributes = attributes ", " field ": " type
    }
    return attributes
}

# The members of a result struct; into pick the expression that chooses the row's.
function members(name,    n, i, fields, field, outputs) {
    n = split(fields_of[name], fields, ";")
    pick = ""
    for (i = 1; i <= n; i++) {
        field = fields[i]; sub(/.*[ *]/, "", field)
        outputs = outputs (i > 1 ? ", " : "") field
        pick = pick (i > 1 ? ", " : "") "r." field
    }
    pick = "((hone_tensor *const[]){ " pick " })[row->output]"
    n_outputs = n
    return outputs
}

function prototype(p,    name, op, in_place, n, i, params, last, type, parameter, arguments, inputs,
                         attributes, k, result, outputs, call) {
    sub(/^HONE_API /, "", p)
    result = p; sub(/ .*/, "", result)
    if (result != "hone_tensor" && !(result in fields_of)) return
    sub(/^[^ ]* \*?/, "", p)
    name = p; sub(/\(.*/, "", name)
    op = name; sub(/^hone_/, "", op)
    sub(/_v$/, "", op)
    sub(/_with_indices$/, "", op)
    in_place = sub(/_$/, "", op)
    sub(/^[^(]*\(/, "", p); sub(/\);$/, "", p)
    n = split(p, params, ",")
    k = 0; arguments = inputs = attributes = fill = ""
    for (i = 1; i <= n; i++) {
        parameter = trim(params[i])
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
        } else if (type ~ /^const hone_[a-z0-9_]+_options \*$/) {
            sub(/^const /, "", type); sub(/ \*$/, "", type)
            arguments = arguments "&o"
            attributes = attributes options(type)
        } else {
            sub(/_(then_)?end$/, "", last)
            if (type == "const int64_t *") {
                arguments = arguments "catalog_dims(row, \"" last "\").at"; type = "dims"
            } else if (type == "int" || type == "int64_t") {
                arguments = arguments "(" type ")catalog_int(row, \"" last "\")"; type = "int"
            } else if (type == "double") {
                arguments = arguments "catalog_float(row, \"" last "\")"; type = "float"
            } else if (type == "bool") {
                arguments = arguments "catalog_bool(row, \"" last "\")"
            } else if (type == "const char *") {
                arguments = arguments "catalog_text(row, \"" last "\").at"; type = "text"
            } else if (type in names_of && type != "hone_dtype") {
                arguments = arguments "(" type ")catalog_choice(row, \"" last "\", \"" names_of[type] "\")"
                type = "choice"
            } else if (type == "hone_dtype") {
                arguments = arguments "row->dtype"; type = "dtype"
            } else {
                return # no op: a list of another kind
            }
            attributes = attributes ", " last ": " type
        }
    }
    if (inputs == "" || op ~ /_like$/) return # creation
    outputs = "NULL"; n_outputs = 1; call = "    return " name "(" arguments ");\n"
    if (result != "hone_tensor") {
        outputs = "\"" members(result) "\""
        call = "    const " result " r = " name "(" arguments ");\n    return " pick ";\n"
    }
    print "static hone_tensor *call_" name "(const catalog_row *row, hone_tensor *const *in, int n_in)"
    print "{\n    (void)row, (void)in, (void)n_in;\n" fill call "}\n"
    rows = rows "    { \"" op "\", " (in_place ? "true" : "false") ", \"" inputs "\", \"" \
           attributes "\", " outputs ", " n_outputs ", call_" name " },\n"
}
