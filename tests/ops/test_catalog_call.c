/* test_catalog_call.c: hone_call over every op there is: the same bits as its public function, and bad
 * calls refused by a sentence. */
#include "catalog.h"
#include "../support/support.h"

#include "op/named.h"

#include <hone/call.h>

#include <stdio.h>
#include <string.h>

SUITE(call);

Test(call, gives_the_bits_of_every_public_function)
{
    for (int i = 0; i < catalog_count(); i++) {
        HONE_SCOPE();
        const catalog_row *row = catalog_at(i);
        const bool in_place = !catalog_function(row) || row->call;
        if (in_place && !catalog_entry_of(row->op, true, row->output))
            continue;
        if (!catalog_is_op(row->op) || !hone_op_has_form(row->op, in_place))
            continue;
        catalog_case c;
        const hone_dtype dtype = (hone_dtype)__builtin_ctz(catalog_dtypes(row));
        cr_assert(catalog_make(row, row->cases[0], dtype, false, &c));
        char attributes[1200], name[80];
        catalog_attributes(row, attributes, sizeof attributes);
        snprintf(name, sizeof name, "%s%s", row->op, in_place ? "_" : "");
        hone_tensor *want = in_place ? NULL : catalog_function(row)(row, c.tensor, c.n);
        if (in_place) { /* the first operand is changed, so each has its own */
            hone_tensor *mine[CATALOG_INPUTS];
            memcpy(mine, c.tensor, sizeof mine);
            mine[0] = hone_clone(mine[0]);
            want = catalog_entry_of(row->op, true, row->output)->call(row, mine, c.n);
            c.tensor[0] = hone_clone(c.tensor[0]);
        }
        hone_tensor_list got = hone_call(name, hone_list_n(c.tensor, c.n), attributes);
        cr_assert(got.n > row->output && test_same_bits(got.at[row->output], want), "%s %s(%s): %s",
                  c.text, name, attributes, hone_error_message());
        catalog_free(&c);
    }
}

/* Input i of a signature ("x", "weight?", "indices..."); its length, 0 past the last. */
static int input_of(const char *signature, int i, const char **at)
{
    *at = strchr(signature, '(') + 1;
    for (;; i--) {
        const size_t length = strcspn(*at, ",)");
        if (i == 0)
            return **at == '*' ? 0 : (int)length;
        if ((*at)[length] == ')')
            return 0;
        *at += length + 2;
    }
}

/* The attributes of the op's first row, where they are a text. */
static const char *some_attributes(const char *op)
{
    for (int i = 0; i < catalog_count(); i++)
        if (strcmp(catalog_at(i)->op, op) == 0)
            return catalog_at(i)->attributes;
    return NULL;
}

static void refuses(const catalog_entry *e, int i, hone_tensor *sentinel)
{
    const catalog_row row = { .flag = true,
                              .s = 1,
                              .dtype = HONE_F64,
                              .end = 1,
                              .step = 1,
                              .dims = { 1 },
                              .n_dims = 1,
                              .attributes = some_attributes(e->op) };
    hone_tensor *in[CATALOG_INPUTS];
    for (int k = 0; k < CATALOG_INPUTS; k++)
        in[k] = k == i ? sentinel : hone_ones(HONE_F32, 1);
    int n = 1;
    for (const char *comma = e->inputs; (comma = strchr(comma, ',')); comma++)
        n++;
    cr_expect_null(e->call(&row, in, n), "%s%s", e->op, e->in_place ? "_" : "");
    cr_expect_eq(hone_error_code(), HONE_E_NULL, "%s input %d: %s", e->op, i, hone_error_message());
    cr_expect(strstr(hone_error_message(), sentinel == HONE_NONE ? "HONE_NONE" : "HONE_END_TENSOR"),
              "%s: %s", e->op, hone_error_message());
    hone_error_clear();
}

Test(call, every_public_function_refuses_what_is_no_tensor)
{
    for (const catalog_entry *e = catalog_entries; e->op; e++) {
        char signature[1200] = "f(x)";
        const char *at;
        if (catalog_is_op(e->op))
            hone_op_signature(e->op, signature, sizeof signature);
        for (int i = 0, length; (length = input_of(signature, i, &at)) > 0; i++) {
            HONE_SCOPE();
            const bool list = at[length - 1] == '.';
            if (at[length - 1] != '?' && !(list && i > 0))
                refuses(e, i, HONE_NONE);
            if (!(list && i > 0)) /* which it ends */
                refuses(e, i, HONE_END_TENSOR);
        }
    }
}

Test(call, prototypes_fit_their_declarations)
{
    for (const catalog_entry *e = catalog_entries; e->op; e++) {
        char signature[1200], inputs[200], wanted[400];
        if (!catalog_is_op(e->op)) {
            cr_expect(strcmp(e->op, "flatten") == 0 || strcmp(e->op, "zero") == 0 ||
                          strcmp(e->op, "cartesian_prod") == 0,
                      "%s is not declared", e->op);
            continue;
        }
        hone_op_signature(e->op, signature, sizeof signature);
        cr_expect(hone_op_has_form(e->op, e->in_place), "%s%s", e->op, e->in_place ? "_" : "");
        /* the inputs, less the marks of optional ones */
        const char *from = strchr(signature, '(') + 1, *end = strstr(signature, ") -> ");
        const char *star = strstr(signature, ", *, ");
        size_t n = 0;
        for (const char *at = from; at < (star ? star : end); at++)
            if (*at != '?')
                inputs[n++] = *at;
        inputs[n] = 0;
        cr_expect_str_eq(inputs, e->inputs, "%s: inputs %s in its declaration, %s in ops.h", e->op,
                         inputs, e->inputs);
        if (e->outputs)
            cr_expect_str_eq(end + 5, e->outputs, "%s: outputs %s in its declaration, %s in ops.h",
                             e->op, end + 5, e->outputs);
        /* each attribute of the declaration, in any order, and as many of them */
        int declared = 0, in_header = 0;
        for (const char *at = star ? star + 5 : end; at < end; declared++) {
            size_t length = strcspn(at, ",=)");
            while (length > 0 && at[length - 1] == ' ')
                length--;
            snprintf(wanted, sizeof wanted, ", %.*s", (int)length, at);
            const char *found = strstr(e->attributes, wanted);
            cr_expect(found && strchr(",", found[strlen(wanted)]),
                      "%s: \"%s\" isn't in the prototype's \"%s\"", e->op, wanted + 2,
                      e->attributes);
            const char *next = strstr(at, ", ");
            at = next && next < end ? next + 2 : end;
        }
        for (const char *at = e->attributes; (at = strstr(at, ": ")); at++)
            in_header++;
        cr_expect_eq(declared, in_header, "%s: %d attributes declared, %d in the prototype", e->op,
                     declared, in_header);
    }
}

/* hone_call fails with that status and words in its message. */
static void refused(const char *op, hone_tensor_list inputs, const char *attributes,
                    hone_status status, const char *words)
{
    cr_expect_null(hone_call(op, inputs, attributes).at, "%s(%s)", op, attributes);
    cr_expect_eq(hone_error_code(), status, "%s(%s): %s", op, attributes, hone_error_message());
    cr_expect(strstr(hone_error_message(), words), "%s(%s): \"%s\" has no \"%s\"", op, attributes,
              hone_error_message(), words);
    hone_error_clear();
}

Test(call, every_op_refuses_what_it_does_not_have)
{
    for (int i = 0; i < hone_op_count(); i++) {
        HONE_SCOPE();
        const char *op = hone_op_name(i);
        char name[80];
        if (!hone_op_has_form(op, false) && !hone_op_has_form(op, true)) {
            refused(op, (hone_tensor_list){ NULL, 0 }, NULL, HONE_E_VALUE, "no such form");
            continue;
        }
        snprintf(name, sizeof name, "%s%s", op, hone_op_has_form(op, false) ? "" : "_");
        hone_tensor *x = hone_ones(HONE_F32, 2, 2);
        hone_tensor_list many = hone_list(x, x, x, x, x, x, x, x);
        refused(name, hone_list(x, x, x), "nonsense=1", HONE_E_VALUE, ""); /* count or name */
        char signature[1200];
        hone_op_signature(op, signature, sizeof signature);
        if (!strstr(signature, "..."))
            refused(name, many, NULL, HONE_E_VALUE, "8 tensors were given");
    }
}

/* A node holds them inside of it. */
Test(call, option_structs_fit_their_room)
{
    cr_assert_eq(hone_init(), HONE_OK);
    for (const hone__op *const *op = hone__op_list; *op; op++)
        cr_expect_leq((*op)->options_bytes, HONE__OPTIONS_BYTES, "%s", (*op)->name);
}

Test(call, bad_attributes)
{
    HONE_SCOPE();
    hone_tensor *x = hone_ones(HONE_F32, 2, 2);
    hone_tensor_list one = hone_list(x);
    refused("softmax", one, NULL, HONE_E_VALUE, "attribute dim is missing");
    refused("softmax", one, "dim=1 dim=0", HONE_E_VALUE, "dim is given twice");
    refused("softmax", one, "dim=1.5", HONE_E_VALUE, "\"1.5\", but a whole number");
    refused("softmax", one, "dim", HONE_E_VALUE, "but a whole number is wanted");
    refused("softmax", one, "dim=99999999999999999999", HONE_E_VALUE, "whole number");
    refused("softmax", one, "axis=1", HONE_E_VALUE, "no attribute \"axis\"; it has dim: int");
    refused("softmax", one, "dim=7", HONE_E_SHAPE, "softmax");
    refused("sum_dim", one, "dim=0 keepdim=maybe", HONE_E_VALUE, "true or false");
    refused("to", one, "dtype=f8", HONE_E_VALUE, "f32, f64");
    refused("add_scalar", one, "s=1,5", HONE_E_VALUE, "a number is wanted");
    refused("permute", one, "dims=0,", HONE_E_VALUE, "joined by commas");
    refused("max_pool2d", one, "kernel_size=2,", HONE_E_VALUE, "two joined by a comma");
    refused("max_pool2d", one, "kernel_size=2 stride=1,-1", HONE_E_VALUE, "stride is -1");
    refused("topk", one, "largest=false", HONE_E_VALUE, "attribute k is missing");
    refused("neg", one, "dim=1", HONE_E_VALUE, "no attribute \"dim\"; it has none");
    refused("add", one, NULL, HONE_E_VALUE, "1 tensors were given, 2 are wanted");
    refused("soft", one, NULL, HONE_E_VALUE, "no such op");
    refused("matmul_", hone_list(x, x), NULL, HONE_E_VALUE, "only matmul");
    refused(NULL, one, NULL, HONE_E_NULL, "the name of an op");
    refused("neg", hone_list(HONE_NONE), NULL, HONE_E_NULL, "neg");
}

Test(call, defaults_and_optional_inputs)
{
    HONE_SCOPE();
    hone_tensor *x = hone_reshape(hone_arange(HONE_F32, 0, 6, 1), 2, 3);
    hone_tensor *w = hone_ones(HONE_F32, 3, 2);
    cr_expect(test_same_bits(hone_call("linear", hone_list(x, w), NULL).at[0],
                             hone_linear(x, w, HONE_NONE)));
    cr_expect(test_same_bits(hone_call("sum_dim", hone_list(x), " dim=-1\n").at[0],
                             hone_sum_dim(x, -1, false)));
    cr_expect(test_same_bits(hone_call("slice", hone_list(x), "dim=1 start=1").at[0],
                             hone_slice(x, 1, 1, 3, 1)));
    cr_expect(test_same_bits(hone_call("cat", hone_list(x, x), NULL).at[0],
                             hone_cat(hone_list(x, x), 0)));
}

Test(call, gradients_flow_and_results_go_where_they_are_wanted)
{
    HONE_SCOPE();
    hone_tensor *x = hone_requires_grad_(hone_full(HONE_F32, 3, 4), true);
    hone_tensor *y = hone_call("square", hone_list(x), NULL).at[0];
    cr_assert_eq(hone_backward(hone_sum(y)), HONE_OK);
    cr_expect_eq(hone_at(hone_grad(x), 2), 6.0);

    hone_tensor *out = hone_zeros(HONE_F32, 4), *wide = hone_zeros(HONE_F64, 4);
    cr_expect_eq(hone_call_out("square", hone_list(x), NULL, hone_list(out)), HONE_E_STATE);
    hone_error_clear();
    HONE_NO_GRAD();
    cr_expect_eq(hone_call_out("square", hone_list(x), NULL, hone_list(out)), HONE_OK);
    cr_expect_eq(hone_at(out, 3), 9.0);
    cr_expect_eq(hone_call_out("square", hone_list(x), NULL, hone_list(wide)), HONE_OK);
    cr_expect_eq(hone_at(wide, 3), 9.0);
    /* over its own input: what is read first is not lost */
    hone_tensor *a = hone_arange(HONE_F32, 0, 4, 1);
    cr_expect_eq(hone_call_out("add",
                               hone_list(hone_slice(a, 0, 0, 2, 1), hone_slice(a, 0, 2, 4, 1)),
                               NULL, hone_list(hone_slice(a, 0, 1, 3, 1))),
                 HONE_OK);
    cr_expect_eq(hone_at(a, 1), 2.0);
    cr_expect_eq(hone_at(a, 2), 4.0);
    cr_expect_eq(hone_call_out("square", hone_list(x), NULL, hone_list(hone_zeros(HONE_F32, 5))),
                 HONE_E_SHAPE);
    hone_error_clear();
    cr_expect_eq(hone_call_out("square", hone_list(x), NULL, hone_list(hone_zeros(HONE_I64, 4))),
                 HONE_E_DTYPE);
    hone_error_clear();
    cr_expect_eq(hone_call_out("square", hone_list(x), NULL, hone_list(out, out)), HONE_E_VALUE);
    hone_error_clear();
}

Test(call, what_there_is)
{
    char text[200];
    cr_expect(hone_op_count() > 100);
    cr_expect_null(hone_op_name(-1));
    cr_expect_null(hone_op_name(hone_op_count()));
    cr_expect_gt(hone_op_signature("sum_dim", text, sizeof text), 0);
    cr_expect_str_eq(text, "sum_dim(x, *, dim: int, keepdim: bool = false) -> out");
    char wide[300];
    cr_expect_gt(hone_op_signature("max_pool2d", wide, sizeof wide), 0);
    cr_expect_str_eq(wide,
                     "max_pool2d(x, *, kernel_size: pair, stride: pair = 0, padding: pair = 0, "
                     "dilation: pair = 1, ceil_mode: bool = false) -> values, indices");
    cr_expect_eq(hone_op_signature("sum_dim", text, 8),
                 (int64_t)strlen("sum_dim(x, *, dim: int, keepdim: bool = false) -> out"));
    cr_expect_str_eq(text, "sum_dim");
    const char *why;
    cr_expect_eq(hone_op_gradients("argmax", &why), HONE_GRADIENT_NONE);
    cr_expect_str_neq(why, "");
    cr_expect_eq(hone_op_gradients("matmul", NULL), HONE_GRADIENT_ANY);
    cr_expect_eq(hone_op_signature("nothing", text, sizeof text), -1);
    hone_error_clear();
}
