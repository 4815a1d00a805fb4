/* softmax_run.c: rows along the last dim, of any layout, on the contiguous row kernels
 * (softmax_cols.c has the other dims). */
#include "loops/softmax_run.h"

#include "isa/isa.h"
#include "loops/row_groups.h"

#define NS_PER_ELEMENT 0.8

typedef struct {
    hone__softmax_kind kind;
    hone_dtype dtype;
    int64_t size, cols;
    char *out; /* [rows, cols] or, of LOGSUMEXP, [rows] */
} job;

static void run_rows(void *ctx, int64_t row, int64_t rows, const hone__lines *in)
{
    const job *j = ctx;
    const hone__lines a = in[0], b = in[1];
    char *out = j->out + row * (j->kind == HONE__LOGSUMEXP ? 1 : j->cols) * j->size;
    switch (j->kind) {
    case HONE__SOFTMAX:
        hone__k->softmax[j->dtype](rows, j->cols, out, j->cols, a.p, a.stride);
        break;
    case HONE__LOG_SOFTMAX:
        hone__k->log_softmax[j->dtype](rows, j->cols, out, j->cols, a.p, a.stride);
        break;
    case HONE__LOGSUMEXP:
        hone__k->logsumexp[j->dtype](rows, j->cols, out, 1, a.p, a.stride);
        break;
    case HONE__SOFTMAX_BACKWARD:
        hone__k->softmax_backward[j->dtype](rows, j->cols, out, j->cols, a.p, a.stride, b.p,
                                            b.stride);
        break;
    case HONE__LOG_SOFTMAX_BACKWARD:
        hone__k->log_softmax_backward[j->dtype](rows, j->cols, out, j->cols, a.p, a.stride, b.p,
                                                b.stride);
        break;
    }
}

bool hone__softmax_run(hone__softmax_kind kind, int dim, hone_tensor *out, hone_tensor *a,
                       hone_tensor *b)
{
    if (!hone__is_innermost(a, dim))
        return hone__softmax_cols_run(kind, dim, out, a, b);
    if (out->numel == 0)
        return true;
    const uint32_t cols = a->ndim ? 1u << dim : 0;
    hone__rows of_a, of_b;
    hone__rows_of(&of_a, a, cols);
    if (b)
        hone__rows_of(&of_b, b, cols);
    job j = { kind, of_a.dtype, of_a.size, of_a.cols, hone__data(out) };
    return hone__row_groups_run(&(hone__row_groups){
        .n = b ? 2 : 1,
        .in = { &of_a, &of_b },
        .result = kind == HONE__LOGSUMEXP ? NULL : j.out,
        .ns = NS_PER_ELEMENT * (double)j.cols + 1.0,
        .body = run_rows,
        .ctx = &j,
    });
}
