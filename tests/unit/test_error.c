#include "support.h"

#include "core/core.h"
#include "runtime/memory.h"
#include <hone/hone.h>

#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

SUITE(error);

Test(error, begins_empty)
{
    cr_assert(hone_error_code() == HONE_OK);
    cr_assert_str_eq(hone_error_message(), "");
}

Test(error, keeps_the_first_until_cleared)
{
    const uint64_t before = hone__error_count();
    cr_assert(hone_error_set(HONE_E_SHAPE, "first %d", 1) == HONE_E_SHAPE);
    cr_assert(hone_error_set(HONE_E_DTYPE, "second") == HONE_E_DTYPE);
    cr_assert(hone_error_code() == HONE_E_SHAPE);
    cr_assert_str_eq(hone_error_message(), "first 1");
    cr_assert(hone__error_count() == before + 2);
    hone_error_clear();
    cr_assert(hone_error_code() == HONE_OK);
    cr_assert_str_eq(hone_error_message(), "");
    hone_error_set(HONE_E_DTYPE, "second");
    CHECK_ERROR(HONE_E_DTYPE, "second");
}

Test(error, null_keeps_a_pending_error)
{
    cr_assert(hone_item(NULL) != hone_item(NULL)); /* NaN */
    CHECK_ERROR(HONE_E_NULL, "item");
    hone_error_set(HONE_E_IO, "reason");
    const uint64_t before = hone__error_count();
    cr_assert(hone__error_null("relu") == HONE_E_IO);
    cr_assert(hone__error_count() > before);
    CHECK_ERROR(HONE_E_IO, "reason");
}

Test(error, every_status_has_a_name_and_a_text)
{
    for (int s = HONE_OK; s <= HONE_E_INTERNAL; s++) {
        cr_assert(strlen(hone_status_name((hone_status)s)) > 1);
        cr_assert(strlen(hone_status_text((hone_status)s)) > 1);
    }
    cr_assert_str_eq(hone_status_name(HONE_E_SHAPE), "shape");
    cr_assert_str_eq(hone_status_name((hone_status)99), "?");
    cr_assert_str_eq(hone_status_name((hone_status)-1), "?");
    cr_assert_str_eq(hone_status_text((hone_status)99), "not a status");
}

static void *in_thread(void *code_before)
{
    *(hone_status *)code_before = hone_error_code();
    hone_error_set(HONE_E_VALUE, "of the thread");
    return NULL;
}

Test(error, is_per_thread)
{
    hone_error_set(HONE_E_IO, "of the main thread");
    pthread_t thread;
    hone_status before = HONE_E_INTERNAL;
    cr_assert(pthread_create(&thread, NULL, in_thread, &before) == 0);
    pthread_join(thread, NULL);
    cr_assert(before == HONE_OK);
    CHECK_ERROR(HONE_E_IO, "of the main thread");
}

Test(error, long_messages_are_cut)
{
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    hone_error_set(HONE_E_VALUE, "%s", text);
    const size_t n = strlen(hone_error_message());
    cr_assert(n > 100 && n < 2000);
    hone_error_clear();
}

Test(error, the_abort_policy_aborts, .signal = SIGABRT)
{
    hone_error_policy(HONE_ABORT);
    hone_error_set(HONE_E_SHAPE, "expected by this test");
}

Test(error, a_failed_assert_aborts, .signal = SIGABRT)
{
    HONE_ASSERT(1 == 2);
}

Test(error, debug_1_prints_errors_as_they_happen)
{
    setenv("HONE_DEBUG", "1", 1);
    FILE *file = tmpfile();
    cr_assert(file);
    const int keep = dup(2);
    dup2(fileno(file), 2);
    hone_error_set(HONE_E_SHAPE, "one");
    hone_error_set(HONE_E_DTYPE, "two");
    fflush(stderr);
    dup2(keep, 2);
    char text[400] = "";
    rewind(file);
    cr_assert(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    cr_assert(strstr(text, "hone: error (shape): one\n"));
    cr_assert(strstr(text, "hone: error (dtype): two\n"));
    hone_error_clear();
}

static hone_tensor *no_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    (void)self, (void)in, (void)n_in;
    return NULL;
}

/* An action says what became of itself, also when an older error is the one that is kept. */
Test(error, actions_return_their_own_status)
{
    static const hone_module_class class = { .name = "none",
                                             .size = sizeof(hone_module),
                                             .forward = no_forward };
    HONE_SCOPE();
    hone_tensor *x = hone_ones(HONE_F32, 2), *y = hone_ones(HONE_F32, 3);
    hone_tensor *p = hone_requires_grad_(hone_ones(HONE_F32, 2), true);
    hone_dataset set;
    hone_error_set(HONE_E_FORMAT, "an older error");
    cr_assert(hone_dataset_from(x, y, &set) == HONE_E_SHAPE);
    cr_assert(hone_backward(x) == HONE_E_STATE);
    cr_assert(hone_backward(hone_mul(p, x)) == HONE_E_SHAPE);
    cr_assert(hone_print(HONE_NONE) == HONE_E_NULL);
    cr_assert(hone_copy_in(HONE_NONE, NULL, 0) == HONE_E_NULL);
    cr_assert(hone_set_grad(HONE_NONE, x) == HONE_E_NULL);
    cr_assert(hone_gradcheck("f", NULL, NULL, hone_list(x), NULL) == HONE_E_FORMAT); /* a NULL */
    cr_assert(hone_gradcheck_function(&(hone_function){ .name = "f" }, x) == HONE_E_STATE);
    hone__fail_allocation(0);
    cr_assert(hone_digits(HONE_TRAIN, 5, 0, &set) == HONE_E_NOMEM);
    cr_assert(hone_mnist("nowhere", HONE_TRAIN, &set) == HONE_E_IO);
    cr_assert(hone_error_code() == HONE_E_FORMAT);
    const uint64_t before = hone__error_count();
    hone_module *module = hone_module_new(&class);
    cr_assert(!hone_forward(module, x) && hone__error_count() > before);
    hone_module_free(module);
    hone_error_clear();
}

Test(error, text_ignores_the_locale)
{
    /* A locale with a decimal comma may not be installed: then this tests the C locale. */
    const char *names[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "C" };
    for (size_t i = 0; i < 4 && !setlocale(LC_ALL, names[i]); i++)
        ;
    char text[32];
    hone__format(text, sizeof text, "%.2f", 1.5);
    cr_assert_str_eq(text, "1.50");
    setlocale(LC_ALL, "C");
}
