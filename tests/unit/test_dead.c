/* test_dead.c: tensors that are used after their end, with HONE_DEBUG_TENSORS=1; and how many of them
 * a scope holds. */
#include "support.h"

#include "runtime/memory.h"
#include <hone/hone.h>

#include <stdlib.h>
#include <string.h>

SUITE(dead);

/* Before the first block is asked for. */
__attribute__((constructor)) static void switch_on(void)
{
    setenv("HONE_DEBUG_TENSORS", "1", 1);
}

static hone_tensor *made_in_a_scope(void)
{
    HONE_SCOPE();
    return hone_add(hone_ones(HONE_F32, 2, 3), hone_ones(HONE_F32, 3));
}

Test(dead, names_op_shape_and_scope)
{
    hone_tensor *t = made_in_a_scope(), *x = hone_ones(HONE_F32, 2, 3);
    CHECK_FAILS(hone_mul(x, t), HONE_E_STATE, "mul: its b: a tensor was used after its end");
    CHECK_FAILS(hone_mul(t, x), HONE_E_STATE, "f32 [2, 3], made by add");
    CHECK_FAILS(hone_data(t), HONE_E_STATE,
                "dropped at the end of the scope that made_in_a_scope opened (test_dead.c:");
    CHECK_FAILS(hone_list(x, t).at, HONE_E_STATE, "list");
    CHECK_FAILS(hone_retain(t), HONE_E_STATE, "retain");
    CHECK_FAILS(hone_scope_return(t), HONE_E_STATE, "scope_return");
    CHECK_FAILS(hone_print(t), HONE_E_STATE, "print");
}

Test(dead, a_view_is_named_too)
{
    hone_scope scope = hone_scope_enter();
    hone_tensor *t = hone_transpose(hone_ones(HONE_F64, 4, 5), 0, 1);
    hone_scope_leave(scope);
    CHECK_FAILS(hone_sum(t), HONE_E_STATE, "f64 [5, 4], made by transpose");
}

Test(dead, a_second_release_is_told)
{
    hone_tensor *t;
    {
        HONE_SCOPE();
        t = hone_retain(hone_ones(HONE_I64, 7));
    }
    hone_release(t);
    hone_release(t);
    CHECK_ERROR(HONE_E_STATE,
                "release: a tensor was used after its end (i64 [7], made by ones; its last "
                "reference was released)");
}

Test(dead, a_scope_tells_that_its_tensor_was_released)
{
    {
        HONE_SCOPE();
        hone_release(hone_ones(HONE_F32, 1));
    }
    CHECK_ERROR(HONE_E_STATE, "release: a tensor was used after its end");
}

Test(dead, handles_wait_long)
{
    hone_tensor *t = made_in_a_scope();
    for (int i = 0; i < 10000; i++) {
        HONE_SCOPE();
        hone_neg(hone_ones(HONE_F32, 2, 3));
    }
    CHECK_FAILS(hone_neg(t), HONE_E_STATE, "made by add");
    for (int i = 0; i < 70000; i++) { /* more than wait */
        HONE_SCOPE();
        hone_ones(HONE_F32, 2, 3);
    }
}

/* ---- fields of modules */

typedef struct {
    hone_module base;
    hone_tensor *scale, *shift, **rest;
    int n;
} scaler;

static const hone_field fields[] = { HONE_PARAM(scaler, scale), HONE_BUFFER(scaler, shift),
                                     HONE_PARAMS(scaler, rest, n), HONE_FIELDS_END };

static hone_tensor *scaler_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    (void)n_in;
    return hone_mul(in[0], ((scaler *)self)->scale);
}

static const hone_module_class scaler_class = {
    .name = "Scaler", .size = sizeof(scaler), .fields = fields, .forward = scaler_forward
};

static hone_module *wrong_scaler(void)
{
    scaler *s = hone_module_new(&scaler_class);
    s->scale = hone_requires_grad_(hone_ones(HONE_F32, 3), true);
    return &s->base;
}

Test(dead, a_field_that_a_scope_owns_is_refused)
{
    hone_module *m = wrong_scaler();
    const char *text = "its field scale (f32 [3]) belongs to a scope";
    CHECK_FAILS(hone_forward(m, hone_ones(HONE_F32, 3)), HONE_E_STATE, text);
    CHECK_FAILS(hone_sgd(m, NULL), HONE_E_STATE, text);
    CHECK_FAILS(hone_parameters(m).at, HONE_E_STATE, text);
    hone_module_free(m); /* and leaves it to the scope */
    CHECK_OK(hone_error_code());
}

Test(dead, a_field_that_a_scope_dropped_is_refused)
{
    hone_module *m;
    {
        HONE_SCOPE();
        m = wrong_scaler();
    }
    CHECK_FAILS(hone_forward(m, hone_ones(HONE_F32, 3)), HONE_E_STATE,
                "Scaler: its field scale: a tensor was used after its end (f32 [3], made by ones");
    CHECK_FAILS(hone_sgd(m, NULL), HONE_E_STATE, "its field scale");
    hone_module_free(m);
    CHECK_ERROR(HONE_E_STATE, "release");
}

Test(dead, buffers_and_arrays_are_looked_at_too)
{
    hone_module *m = wrong_scaler();
    scaler *s = (scaler *)m;
    s->scale = hone_parameter(s->scale);
    s->shift = hone_ones(HONE_F32, 3);
    CHECK_FAILS(hone_forward(m, hone_ones(HONE_F32, 3)), HONE_E_STATE, "its field shift");
    hone_retain(s->shift);
    cr_assert(hone_forward(m, hone_ones(HONE_F32, 3)));
    s->rest = hone_module_array(2);
    s->n = 2;
    s->rest[1] = hone_ones(HONE_F32, 1);
    CHECK_FAILS(hone_forward(m, hone_ones(HONE_F32, 3)), HONE_E_STATE, "its field rest.1");
    s->rest[1] = hone_parameter(s->rest[1]);
    s->rest[0] = HONE_NONE;
    CHECK_FAILS(hone_forward(m, hone_ones(HONE_F32, 3)), HONE_E_NULL,
                "its field rest.0: HONE_NONE");
    s->rest[0] = NULL;
    cr_assert(hone_forward(m, hone_ones(HONE_F32, 3)));
    hone_module_free(m);
}

/* ---- how many there are */

Test(dead, memory_stats_count_what_scopes_hold)
{
    hone_memory before, now;
    hone_memory_stats(&before);
    HONE_SCOPE();
    for (int i = 0; i < 5; i++)
        hone_ones(HONE_F32, 1);
    hone_memory_stats(&now);
    cr_assert(now.scope_tensors == 5 && now.thread_tensors == before.thread_tensors + 5);
    {
        HONE_SCOPE();
        hone_list(hone_ones(HONE_F32, 1));
        hone_memory_stats(&now);
        cr_assert(now.scope_tensors == 2, "%lld", (long long)now.scope_tensors);
    }
}

Test(dead, out_of_memory_tells_which_scope_is_full)
{
    HONE_SCOPE();
    for (int i = 0; i < 2000; i++)
        hone_ones(HONE_F32, 1);
    HONE_SCOPE();
    hone__fail_allocation(0);
    CHECK_FAILS(hone_ones(HONE_F32, 1), HONE_E_NOMEM, "; 2000 tensors in the scope that ");
}
