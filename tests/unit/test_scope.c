#include "support.h"

#include "core/core.h"
#include "runtime/memory.h"

#include <pthread.h>

SUITE(scope);

static int64_t live(void)
{
    return hone__obj_live(HONE__OBJ_TENSOR);
}

static hone_tensor *make(void)
{
    return hone__own(hone__new("make", HONE_F32, 1, (int64_t[]){ 4 }));
}

Test(scope, drops_at_its_end)
{
    {
        HONE_SCOPE();
        make();
        make();
        cr_assert(live() == 2);
    }
    cr_assert(live() == 0);
}

static int leave_by_return(void)
{
    HONE_SCOPE();
    make();
    return 1;
}

Test(scope, is_left_on_every_way_out)
{
    for (int i = 0; i < 3; i++) {
        HONE_SCOPE();
        make();
        if (i == 0)
            continue;
        if (i == 1)
            break;
    }
    cr_assert(live() == 0);
    leave_by_return();
    cr_assert(live() == 0);
    {
        HONE_SCOPE();
        make();
        goto out;
    }
out:
    cr_assert(live() == 0);
}

static hone_tensor *keep_one_of_three(hone_tensor *input)
{
    HONE_SCOPE();
    make();
    hone_tensor *y = make();
    make();
    hone_scope_return(input);
    return hone_scope_return(y);
}

Test(scope, return_hands_to_the_parent)
{
    hone_tensor *x = make(), *y;
    {
        HONE_SCOPE();
        y = keep_one_of_three(x);
        cr_assert(live() == 2);
        cr_assert(atomic_load(&y->refs) == 1); /* the inner scope's own was dropped */
        cr_assert(atomic_load(&x->refs) == 2);
        y = hone_scope_return(y);
    }
    cr_assert(live() == 2 && atomic_load(&x->refs) == 1);
    cr_assert(hone_scope_return(NULL) == NULL);
    cr_assert(hone_scope_return(HONE_NONE) == HONE_NONE);
    cr_assert(hone_error_code() == HONE_OK);
}

Test(scope, retain_and_assign_carry_over)
{
    hone_tensor *h = NULL;
    for (int i = 0; i < 3; i++) {
        HONE_SCOPE();
        CHECK_OK(hone_assign(&h, make()));
        cr_assert(live() == 1);
    }
    cr_assert(live() == 1);
    hone_tensor *before = h;
    CHECK_FAILS(hone_assign(&h, NULL), HONE_E_NULL, "assign");
    cr_assert(h == before);
    CHECK_OK(hone_assign(&h, h)); /* to itself */
    cr_assert(live() == 1 && atomic_load(&h->refs) == 1);
    hone_retain(h);
    hone_release(h);
    hone_release(h);
    cr_assert(live() == 0);
    hone_release(NULL);
    hone_release(hone_retain(HONE_NONE));
}

Test(scope, one_left_twice_or_by_another_thread_is_an_error)
{
    const hone_scope outer = hone_scope_enter();
    const hone_scope inner = hone_scope_enter();
    hone_scope_leave(inner);
    hone_scope_leave(inner);
    CHECK_ERROR(HONE_E_STATE, "scope_leave");
    make();
    hone_scope_leave(outer);
    hone_scope_leave((hone_scope){ 0 });
    CHECK_ERROR(HONE_E_STATE, "scope_leave");
    cr_assert(live() == 0);
}

Test(scope, leaving_an_outer_one_ends_the_inner_ones)
{
    const hone_scope outer = hone_scope_enter();
    hone_scope_enter();
    make();
    hone_scope_enter();
    make();
    hone_scope_leave(outer);
    cr_assert(live() == 0);
}

Test(scope, grows_and_keeps_order)
{
    HONE_SCOPE();
    hone_tensor *kept[50];
    {
        HONE_SCOPE();
        for (int i = 0; i < 3000; i++) {
            hone_tensor *t = make();
            if (i % 60 == 0)
                kept[i / 60] = hone_scope_return(t);
        }
        cr_assert(live() == 3000);
    }
    cr_assert(live() == 50);
    for (int i = 0; i < 50; i++)
        cr_assert(atomic_load(&kept[i]->refs) == 1);
}

static void *use_root(void *failed)
{
    for (int i = 0; i < 1000; i++)
        if (!make() || !hone_list(make(), make()).at)
            *(bool *)failed = true;
    return NULL;
}

Test(scope, a_threads_root_is_emptied_at_its_end)
{
    bool failed = false;
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        cr_assert(pthread_create(&thread, NULL, use_root, &failed) == 0);
        pthread_join(thread, NULL);
        cr_assert(live() == 0 && !failed);
    }
    hone_memory stats;
    hone_memory_stats(&stats);
    cr_assert(stats.in_use_bytes == 0);
}

static void *release_here(void *t)
{
    hone_release(t);
    return NULL;
}

Test(scope, another_thread_may_drop_the_last_reference)
{
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        hone_tensor *t = hone__new("make", HONE_F32, 1, (int64_t[]){ 1000 + i * 10000 });
        cr_assert(pthread_create(&thread, NULL, release_here, t) == 0);
        pthread_join(thread, NULL);
    }
    cr_assert(live() == 0);
}

/* A callback that runs while a scope is dropped may use scopes itself. */
static void use_scopes(void *user, void *data)
{
    (void)user, (void)data;
    make();
    HONE_SCOPE();
    make();
}

Test(scope, release_callbacks_may_make_tensors)
{
    static float memory[1];
    {
        HONE_SCOPE();
        make();
        hone__own(hone__wrap("x", HONE_F32, 0, NULL, memory, use_scopes, NULL));
        make();
    }
    cr_assert(live() == 0);
}

/* ---- lists -------------------------------------------------------------------------------- */

Test(scope, lists_own_array_and_tensors)
{
    {
        HONE_SCOPE();
        hone_tensor *a = make();
        hone_tensor_list list = hone_list(a, make(), HONE_NONE);
        cr_assert(list.n == 3 && list.at[0] == a && list.at[2] == HONE_NONE);
        cr_assert(atomic_load(&a->refs) == 2);
        cr_assert(hone_list_n(NULL, 0).at && hone_list_n(NULL, 0).n == 0);
    }
    cr_assert(live() == 0);
    cr_assert(hone_list(make(), NULL).at == NULL);
    CHECK_ERROR(HONE_E_NULL, "list");
    cr_assert(hone__list_new(-1).at == NULL);
    CHECK_ERROR(HONE_E_VALUE, "list");
}

static bool nest_with_lists(void)
{
    HONE_SCOPE();
    hone_tensor *a = make();
    hone_tensor_list list = hone_list(a, make());
    if (!a || !list.at)
        return false;
    hone_tensor *y = keep_one_of_three(a);
    hone_tensor *h = NULL;
    if (!y || hone_assign(&h, y) != HONE_OK)
        return false;
    hone_release(h);
    return hone_error_code() == HONE_OK;
}

Test(scope, each_allocation_may_fail)
{
    test_each_allocation_fails(nest_with_lists);
}
