/* test_catalog_refusals.c: what no op can do is refused by one sentence that begins with the op's name: every
 * row with a wrong rank, another dtype, extents that can't be broadcast, and a dim or an index out of range. A
 * change that an op can live with (a dtype that it promotes, a rank that it broadcasts) is no error; but every
 * dim and index of every op is tried, and every op of several inputs refuses some that don't fit. */
#include "rows.h"

#include <hone/call.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static hone_dtype first_dtype(const catalog_row *row)
{
    return (hone_dtype)__builtin_ctz(catalog_dtypes(row));
}

/* "squeeze: ..." of squeeze; of mean_dim a message may name mean. */
static bool begins_with_name(const char *message, const char *op)
{
    const char *colon = strstr(message, ": ");
    const size_t length = colon ? (size_t)(colon - message) : 0;
    return length > 0 && strlen(op) == length && strncmp(message, op, length) == 0;
}

/* What has been refused. */
enum { INPUT = 1, DIM = 2, INDEX = 4 };

/* The call with what has been changed: `kind` if it is refused, 0 if it works, unless that is said to be
 * impossible. */
static int refused(int kind, const catalog_row *row, const catalog_case *c, hone_tensor *const *in,
                   const char *attributes, bool impossible, const char *what)
{
    HONE_SCOPE();
    hone_tensor_list y = hone_call(row->op, hone_list_n(in, c->n), attributes);
    if (y.at) {
        cr_expect(!impossible, "%s (%s) works with %s", c->text, attributes, what);
        return 0;
    }
    const char *message = hone_error_message();
    const hone_status code = hone_error_code();
    cr_expect(code == HONE_E_SHAPE || code == HONE_E_DTYPE || code == HONE_E_VALUE ||
                  code == HONE_E_INDEX || code == HONE_E_STATE,
              "%s with %s: %s, \"%s\"", c->text, what, hone_status_name(code), message);
    cr_expect(begins_with_name(message, row->op), "%s with %s: \"%s\" doesn't begin with %s",
              c->text, what, message, row->op);
    cr_expect(strlen(message) < 400 && !strchr(message, '\n'), "%s with %s: \"%s\"", c->text, what,
              message);
    hone_error_clear();
    return kind;
}

/* One input after the other in a form that few calls can take. */
static int other_inputs(const catalog_row *row, const catalog_case *c, const char *attributes)
{
    int done = 0;
    for (int i = 0; i < c->n; i++) {
        hone_tensor *x = c->tensor[i], *in[CATALOG_INPUTS];
        if (x == HONE_NONE)
            continue;
        HONE_SCOPE();
        int64_t shape[HONE_MAX_DIMS + 1] = { 2, 1, 3, 1, 2, 1, 2, 3 }, longer[HONE_MAX_DIMS + 1];
        shape[HONE_MAX_DIMS] = HONE_END_DIM;
        for (int d = 0; d < hone_dim(x); d++)
            longer[d] = hone_size(x, d) + 5 + 2 * d;
        longer[hone_dim(x)] = HONE_END_DIM;
        const struct {
            const char *what;
            hone_tensor *t;
        } changes[] = {
            { "eight dims",
              hone_expand_v(hone_zeros_v((int64_t[]){ hone_dtype_of(x), HONE_END_DIM }), shape) },
            { "no dim", hone_zeros_v((int64_t[]){ hone_dtype_of(x), HONE_END_DIM }) },
            { "other extents",
              hone_expand_v(hone_zeros_v((int64_t[]){ hone_dtype_of(x), HONE_END_DIM }), longer) },
            { "bool", hone_to(x, HONE_BOOL) },
            { "u8", hone_to(x, HONE_U8) },
            { "i64", hone_to(x, HONE_I64) },
            { "f64", hone_to(x, HONE_F64) },
        };
        memcpy(in, c->tensor, sizeof in);
        for (size_t k = 0; k < sizeof changes / sizeof *changes; k++) {
            char what[80];
            snprintf(what, sizeof what, "%s as input %d", changes[k].what, i);
            cr_assert(changes[k].t, "%s", hone_error_message());
            in[i] = changes[k].t;
            done |= refused(INPUT, row, c, in, attributes, false, what);
        }
    }
    return done;
}

/* The attributes with another number after "name=". */
static bool with_number(const char *attributes, const char *name, const char *number, char *to,
                        size_t size)
{
    const char *at = attributes;
    const size_t length = strlen(name);
    while ((at = strstr(at, name)) && !((at == attributes || at[-1] == ' ') && at[length] == '='))
        at += length;
    if (!at)
        return false;
    const char *end = at + strcspn(at, " ");
    snprintf(to, size, "%.*s%s=%s%s", (int)(at - attributes), attributes, name, number, end);
    return true;
}

static int other_dims(const catalog_row *row, const catalog_case *c, const char *attributes)
{
    int done = 0;
    static const char *const names[] = { "dim", "dim0", "dim1", "dim2", "dims", "index" };
    static const char *const numbers[] = { "99", "-99" };
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        for (int n = 0; n < 2; n++) {
            char changed[1400], what[80];
            if (!with_number(attributes, names[k], numbers[n], changed, sizeof changed))
                continue;
            snprintf(what, sizeof what, "%s=%s", names[k], numbers[n]);
            done |= refused(strcmp(names[k], "index") ? DIM : INDEX, row, c, c->tensor, changed,
                            true, what);
        }
    return done;
}

/* Inputs that the op calls indices. */
static int other_indices(const catalog_row *row, const catalog_case *c, const char *attributes)
{
    int done = 0;
    char signature[1200];
    hone_op_signature(row->op, signature, sizeof signature);
    const char *at = strchr(signature, '(') + 1;
    for (int i = 0; i < c->n; i++) {
        const size_t length = strcspn(at, ",)?.");
        const bool is_index = (length == 5 && strncmp(at, "index", 5) == 0) ||
                              (length == 7 && strncmp(at, "indices", 7) == 0);
        hone_tensor *x = c->tensor[i], *in[CATALOG_INPUTS];
        if (is_index && x != HONE_NONE && hone_dtype_of(x) == HONE_I64 && hone_numel(x) > 0 &&
            strcmp(row->op, "one_hot") != 0) {
            HONE_SCOPE();
            memcpy(in, c->tensor, sizeof in);
            in[i] = hone_add_scalar(hone_mul_scalar(x, 0), 1e6);
            done |= refused(INDEX, row, c, in, attributes, true, "indices of 1000000");
        }
        if (at[length] == '.') /* a list to its end */
            continue;
        at += strcspn(at, ",)");
        at += strspn(at, ", ");
        if (*at == '*' || *at == ')' || !*at)
            break;
    }
    return done;
}

/* All that is wrong, of one row; what was refused. */
static int all_refused(const catalog_row *row)
{
    char attributes[1200];
    if (!catalog_is_op(row->op) || !hone_op_has_form(row->op, false))
        return 0;
    HONE_SCOPE();
    catalog_case c;
    make_case(row, row->cases[0], first_dtype(row), false, &c);
    catalog_attributes(row, attributes, sizeof attributes);
    const int done = other_inputs(row, &c, attributes) | other_dims(row, &c, attributes) |
                     other_indices(row, &c, attributes);
    catalog_free(&c);
    return done;
}

TEST_ROWS(refusals)
{
    all_refused(row);
}

/* What the signature "op(x, index, *, dim, ...) -> out" promises to be refused: extents that don't fit, if
 * there are several inputs, dims and indices. An op of one input may take every shape and dtype. */
static int promised(const char *op)
{
    char signature[1200];
    hone_op_signature(op, signature, sizeof signature);
    int kinds = 0;
    const char *at = strchr(signature, '(') + 1;
    for (int i = 0; *at && *at != ')'; i++, at += strspn(at, ", ")) {
        const size_t n = strcspn(at, ",:)?.= ");
        if (*at == '*') /* options follow */
            i = INT_MIN;
        kinds |= i > 0 && at[n] != '?' ? INPUT : 0;
        kinds |= (n == 3 || n == 4) && strncmp(at, "dims", n) == 0 ? DIM : 0;
        kinds |= n == 5 && strncmp(at, "index", n) == 0 ? INDEX : 0;
        at += strcspn(at, ",)");
    }
    return kinds;
}

Test(refusals, every_op_has_them)
{
    for (int i = 0; i < hone_op_count(); i++) {
        const char *op = hone_op_name(i);
        int done = 0;
        if (!hone_op_has_form(op, false)) /* hone's own */
            continue;
        for (int r = 0; r < catalog_count(); r++)
            done |= strcmp(catalog_at(r)->op, op) == 0 ? all_refused(catalog_at(r)) : 0;
        const int missing = promised(op) & ~done;
        cr_expect(!missing, "%s is never refused:%s%s%s", op, missing & INPUT ? " an input" : "",
                  missing & DIM ? " a dim" : "", missing & INDEX ? " an index" : "");
    }
}
