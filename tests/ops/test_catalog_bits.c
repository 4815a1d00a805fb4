/* test_catalog_bits.c: contract 1, for every row: the same bits for every ISA that this machine has
 * and for 1, 2, 3 and 5 threads; values and, where there are any, gradients. */
#include "rows.h"

#include "isa/isa.h"

#include <stdlib.h>
#include <string.h>

/* A result as bytes. */
typedef struct {
    char *data;
    size_t bytes;
} image;

static void append(image *to, hone_tensor *t)
{
    cr_assert(t, "%s", hone_error_message());
    const size_t bytes = (size_t)hone_numel(t) * hone_dtype_size(hone_dtype_of(t));
    to->data = realloc(to->data, to->bytes + bytes + 1);
    cr_assert(to->data && hone_copy_out(t, to->data + to->bytes, bytes) == HONE_OK);
    to->bytes += bytes;
}

static image run(const catalog_row *row, const char *text, hone_dtype dtype)
{
    HONE_SCOPE();
    catalog_case c;
    image result = { 0 };
    make_case(row, text, dtype, false, &c);
    bool wanted = false;
    for (int i = 0; i < c.n; i++)
        if (catalog_differentiable(row, &c, i))
            wanted = hone_requires_grad_(c.tensor[i], true) != NULL;
    hone_tensor *y = catalog_function(row)(row, c.tensor, c.n);
    append(&result, y);
    if (wanted && hone_requires_grad(y)) {
        const hone_status status = hone_backward_with(
            y, &(hone_backward_options){ .gradient = hone_clone(hone_detach(y)) });
        cr_assert(status == HONE_OK, "%s: %s", c.text, hone_error_message());
        for (int i = 0; i < c.n; i++)
            if (catalog_differentiable(row, &c, i) && hone_grad(c.tensor[i]))
                append(&result, hone_grad(c.tensor[i]));
    }
    catalog_free(&c);
    return result;
}

/* What the plainest ISA gives on one thread, by dtype and case. */
static image first[HONE_DTYPES][2];

static void check_case(const catalog_row *row, const char *text, hone_dtype dtype, image *wanted)
{
    image result = run(row, text, dtype);
    if (!wanted->data) {
        *wanted = result;
        return;
    }
    cr_assert(
        result.bytes == wanted->bytes && memcmp(result.data, wanted->data, wanted->bytes) == 0,
        "%s %s \"%s\": other bits with %s on %d threads than with %s on 1", row->op,
        hone_dtype_name(dtype), text, hone_isa(), hone_threads(), hone__isa_available(0)->name);
    free(result.data);
}

static void check(const catalog_row *row)
{
    for (int dtype = 0; dtype < HONE_DTYPES; dtype++) {
        if (!(catalog_dtypes(row) & CATALOG_BIT(dtype)))
            continue;
        check_case(row, row->cases[0], (hone_dtype)dtype, &first[dtype][0]);
        if (row->bits)
            check_case(row, row->bits, (hone_dtype)dtype, &first[dtype][1]);
    }
}

/* Threads cut a kernel's range at other places and ISAs run it in other widths: each is varied
 * alone, the threads with the widest ISA. Teams only grow, because smaller ones start new threads.
 */
TEST_ROWS(bits)
{
    /* divide everything, however small, over the threads of hone_set_threads */
    setenv("HONE_FORCE_THREADS", "1", 1);
    cr_assert(hone_init() == HONE_OK, "%s", hone_error_message());
    for (int i = 0; hone__isa_available(i); i++) {
        hone__isa_use(hone__isa_available(i));
        check(row);
    }
    for (int k = 0; k < 3; k++) {
        cr_assert(hone_set_threads((const int[]){ 2, 3, 5 }[k]) == HONE_OK);
        check(row);
    }
    for (int dtype = 0; dtype < HONE_DTYPES; dtype++) {
        free(first[dtype][0].data);
        free(first[dtype][1].data);
    }
}
