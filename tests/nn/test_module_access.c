/* test_module_access.c: parts of a module by path, freezing, dtypes, and states with other names and
 * shapes. */
#include "files.h"
#include "support.h"

#include <hone/hone.h>

#include <stdlib.h>
#include <string.h>

SUITE_WITH_FILES(module_access);

/* 0: Sequential(0: Linear, 1: BatchNorm1d), 1: ReLU, 2: Linear */
static hone_module *net(void)
{
    return hone_nn_sequential(
        hone_nn_sequential(hone_nn_linear(3, 4), hone_nn_batch_norm1d(4, NULL)), hone_nn_relu(),
        hone_nn_linear(4, 2));
}

/* ---- by path */

Test(module_access, modules_by_path)
{
    hone_module *m = net();
    cr_assert(hone_module_get(m, "") == m);
    cr_assert_str_eq(hone_module_get(m, "0.1")->type->name, "BatchNorm1d");
    cr_assert_str_eq(hone_module_get(m, "1")->type->name, "ReLU");
    cr_assert(hone_module_get(hone_module_get(m, "0"), "1") == hone_module_get(m, "0.1"));
    CHECK_FAILS(hone_module_get(m, "0.2"), HONE_E_INDEX,
                "module_get: none of the 5 modules below Sequential is \"0.2\"");
    CHECK_FAILS(hone_module_get(m, NULL), HONE_E_NULL, "a path");
    CHECK_FAILS(hone_module_get(NULL, "0"), HONE_E_NULL, "module_get");
    hone_module_free(m);
}

Test(module_access, tensors_by_path)
{
    hone_module *m = net();
    const hone_tensor_list p = hone_parameters(m);
    cr_assert(hone_module_tensor(m, "0.0.weight") == p.at[0]);
    cr_assert(hone_module_tensor(m, "2.bias") == p.at[5]);
    CHECK_VALUE0(hone_module_tensor(m, "0.1.num_batches_tracked"), HONE_I64, 0);
    CHECK_FAILS(hone_module_tensor(m, "0.weight"), HONE_E_INDEX,
                "none of the 9 parameters and buffers of Sequential is \"0.weight\"");
    CHECK_FAILS(hone_module_tensor(m, NULL), HONE_E_NULL, "a path");
    CHECK_FAILS(hone_module_tensor(NULL, "0"), HONE_E_NULL, "module_tensor");
    hone_module_free(m);
}

Test(module_access, buffers)
{
    hone_module *m = net();
    const hone_named_list b = hone_named_buffers(m);
    cr_assert(b.n == 3);
    cr_assert_str_eq(b.at[0].name, "0.1.running_mean");
    cr_assert_str_eq(b.at[2].name, "0.1.num_batches_tracked");
    CHECK_FAILS(hone_named_buffers(NULL).at, HONE_E_NULL, "named_buffers");
    hone_module_free(m);
}

/* ---- freezing */

/* 1 a parameter that requires a gradient, 0 a frozen one. */
static const char *free_ones(hone_module *m)
{
    static char text[16];
    const hone_tensor_list p = hone_parameters(m);
    for (int i = 0; i < p.n; i++)
        text[i] = hone_requires_grad(p.at[i]) ? '1' : '0';
    text[p.n] = 0;
    return text;
}

Test(module_access, freezing_by_pattern)
{
    static const struct {
        const char *pattern, *after;
        int n;
    } rows[] = {
        { "0", "000011", 4 },          { "0.1", "110011", 2 }, { "*.bias", "101010", 3 },
        { "0.0.weight", "011111", 1 }, { "*", "000000", 6 },   { "?", "000000", 6 },
        { "0*", "000011", 4 },         { "*1*", "110011", 2 }, { "0.?.bias", "101011", 2 },
        { "*.weight*", "010101", 3 },  { NULL, "000000", 6 },  { "2.w*t", "111101", 1 },
    };
    hone_module *m = net();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_assert(hone_module_requires_grad_(m, NULL, true) == 6);
        cr_assert_str_eq(free_ones(m), "111111");
        const int n = hone_module_requires_grad_(m, rows[i].pattern, false);
        cr_assert(n == rows[i].n && strcmp(free_ones(m), rows[i].after) == 0, "%s: %d, %s",
                  rows[i].pattern ? rows[i].pattern : "NULL", n, free_ones(m));
    }
    cr_assert(hone_module_requires_grad_(m, "encoder", false) == -1);
    CHECK_ERROR(HONE_E_INDEX, "none of the 6 parameters of Sequential fits \"encoder\"");
    cr_assert(hone_module_requires_grad_(m, "0.0.weigh", false) == -1);
    CHECK_ERROR(HONE_E_INDEX, "fits");
    cr_assert(hone_module_requires_grad_(NULL, "0", false) == -1);
    CHECK_ERROR(HONE_E_NULL, "module_requires_grad_");
    hone_module_free(m);
}

/* ---- dtypes */

Test(module_access, to_another_dtype_and_back)
{
    hone_module *m = net();
    hone_tensor *weight = hone_clone(hone_detach(hone_module_tensor(m, "0.0.weight")));
    hone_tensor *x = hone_randn(HONE_F32, 5, 3);
    hone_module_requires_grad_(m, "2", false);
    CHECK_OK(hone_module_to(m, HONE_F64));
    cr_assert_str_eq(free_ones(m), "111100");
    const hone_named_list state = hone_named_state(m);
    for (int i = 0; i < state.n; i++)
        cr_assert(hone_dtype_of(state.at[i].tensor) ==
                      (strstr(state.at[i].name, "num_batches") ? HONE_I64 : HONE_F64),
                  "%s", state.at[i].name);
    hone_tensor *y = hone_forward(m, hone_to(x, HONE_F64));
    cr_assert(y && hone_dtype_of(y) == HONE_F64);
    CHECK_OK(hone_backward(hone_sum(y)));
    cr_assert(hone_dtype_of(hone_grad(hone_module_tensor(m, "0.0.weight"))) == HONE_F64);
    CHECK_OK(hone_module_to(m, HONE_F32));
    cr_assert(hone_equal(hone_detach(hone_module_tensor(m, "0.0.weight")), weight));
    hone_tensor *same = hone_module_tensor(m, "0.0.weight");
    CHECK_OK(hone_module_to(m, HONE_F32)); /* nothing to be done */
    cr_assert(hone_module_tensor(m, "0.0.weight") == same);
    CHECK_FAILS(hone_module_to(m, HONE_I64), HONE_E_DTYPE, "module_to: i64 (a float is wanted)");
    CHECK_FAILS(hone_module_to(NULL, HONE_F64), HONE_E_NULL, "module_to");
    hone_module_free(m);
}

Test(module_access, what_is_shared_stays_shared)
{
    hone_module *l = hone_nn_linear(2, 2);
    hone_module *m = hone_nn_sequential(hone_module_retain(l), hone_nn_relu(), l);
    CHECK_OK(hone_module_to(m, HONE_F64));
    cr_assert(hone_parameters(m).n == 2);
    cr_assert(hone_module_tensor(m, "0.weight") == hone_module_tensor(m, "2.weight"));
    cr_assert(hone_dtype_of(hone_module_tensor(m, "2.weight")) == HONE_F64);
    hone_module_free(m);
}

static bool convert(void)
{
    HONE_SCOPE();
    hone_module *m = net();
    const bool ok = m && hone_module_to(m, HONE_F64) == HONE_OK;
    const hone_tensor_list p = m ? hone_parameters(m) : (hone_tensor_list){ NULL, 0 };
    bool same = true; /* all or none */
    for (int i = 0; i < p.n; i++)
        same &= hone_dtype_of(p.at[i]) == (ok ? HONE_F64 : HONE_F32);
    hone_module_free(m);
    cr_assert(same);
    return ok && p.at;
}

Test(module_access, failed_allocations_leave_nothing)
{
    test_each_allocation_fails(convert);
}

/* ---- many */

/* More parameters than are looked through one by one, some of them twice. */
Test(module_access, many_parameters)
{
    enum { N = 300 };
    hone_module *items[N + 1];
    for (int i = 0; i < N; i++)
        items[i] = hone_nn_linear(1, 1);
    items[N] = hone_module_retain(items[7]);
    hone_module *m = hone_nn_module_list_n(items, N + 1);
    cr_assert(hone_parameters(m).n == 2 * N);
    cr_assert(hone_named_state(m).n == 2 * N + 2);
    const hone_named_list names = hone_named_parameters(m);
    cr_assert_str_eq(names.at[2 * N - 1].name, "299.bias");
    const char *path = test_path("many");
    CHECK_OK(hone_save_state(m, path));
    hone_tensor *before = hone_clone(hone_detach(hone_module_tensor(m, "299.weight")));
    hone_init_zeros_(hone_module_tensor(m, "299.weight"));
    CHECK_OK(hone_load_state_with(m, path, &(hone_state_options){ .layout = HONE_LAYOUT_OUT_IN }));
    cr_assert(hone_equal(hone_detach(hone_module_tensor(m, "299.weight")), before));
    hone_module_free(m);
}

/* ---- states of other names and shapes */

Test(module_access, prefixes_are_mapped)
{
    hone_module *body = hone_nn_sequential(hone_nn_linear(3, 4), hone_nn_batch_norm1d(4, NULL));
    hone_module *all = net();
    const char *path = test_path("body");
    hone_init_constant_(hone_module_tensor(body, "1.weight"), 7);
    CHECK_OK(hone_save_state(body, path));
    hone_state_report report;
    /* a bare body into a net whose part 0 it is */
    CHECK_OK(hone_load_state_with(
        all, path,
        &(hone_state_options){ .module_prefix = "0.", .non_strict = true, .report = &report }));
    cr_assert(report.missing.n == 2 && report.unexpected.n == 0);
    cr_assert_str_eq(report.missing.at[0], "2.weight");
    CHECK_VALUES(hone_detach(hone_module_tensor(all, "0.1.weight")), HONE_F32, (4), 7, 7, 7, 7);
    CHECK_FAILS(hone_load_state_with(all, path, &(hone_state_options){ .module_prefix = "0." }),
                HONE_E_STATE, "missing: 2.weight, 2.bias; unexpected: none");
    /* and back: the net's file into the body */
    hone_init_constant_(hone_module_tensor(all, "0.1.weight"), 8);
    CHECK_OK(hone_save_state(all, path));
    CHECK_FAILS(hone_load_state_with(body, path, &(hone_state_options){ .file_prefix = "0." }),
                HONE_E_STATE, "missing: none; unexpected: 2.weight, 2.bias");
    CHECK_OK(hone_load_state_with(
        body, path, &(hone_state_options){ .file_prefix = "0.", .non_strict = true }));
    CHECK_VALUES(hone_detach(hone_module_tensor(body, "1.weight")), HONE_F32, (4), 8, 8, 8, 8);
    hone_module_free(body);
    hone_module_free(all);
}

Test(module_access, other_shapes_are_listed_and_passed_by)
{
    hone_module *ten = hone_nn_sequential(hone_nn_linear(3, 4), hone_nn_linear(4, 10));
    hone_module *two = hone_nn_sequential(hone_nn_linear(3, 4), hone_nn_linear(4, 2));
    const char *path = test_path("ten");
    hone_name_list other;
    CHECK_OK(hone_save_state(ten, path));
    hone_tensor *head = hone_clone(hone_detach(hone_module_tensor(two, "1.weight")));
    CHECK_FAILS(hone_load_state_with(two, path, &(hone_state_options){ .mismatched = &other }),
                HONE_E_SHAPE, "\"1.weight\" has shape [10, 4] (out, in), the module's [4, 2]");
    cr_assert(other.n == 2);
    cr_assert_str_eq(other.at[0], "1.weight");
    cr_assert_str_eq(other.at[1], "1.bias");
    cr_assert(!hone_equal(hone_detach(hone_module_tensor(two, "0.weight")),
                          hone_detach(hone_module_tensor(ten, "0.weight"))));
    CHECK_OK(hone_load_state_with(
        two, path, &(hone_state_options){ .mismatched = &other, .ignore_mismatched = true }));
    cr_assert(other.n == 2);
    cr_assert(hone_equal(hone_detach(hone_module_tensor(two, "0.weight")),
                         hone_detach(hone_module_tensor(ten, "0.weight"))));
    cr_assert(hone_equal(hone_detach(hone_module_tensor(two, "1.weight")), head));
    CHECK_OK(hone_load_state_with(ten, path, &(hone_state_options){ .mismatched = &other }));
    cr_assert(other.n == 0 && other.at);
    CHECK_FAILS(
        hone_load_state_with(ten, test_path("none"), &(hone_state_options){ .mismatched = &other }),
        HONE_E_IO, "none");
    cr_assert(other.n == 0 && !other.at);
    hone_module_free(ten);
    hone_module_free(two);
}
