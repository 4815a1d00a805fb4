/* rows.c: the geometry of rows.h and the copies of a strided matrix's pieces. */
#include "loops/rows.h"

#include "isa/isa.h"

/* Appends a dim, merged into the one before if both are walked by a single stride. */
static void append(int *n, int64_t *shape, int64_t *stride, int64_t extent, int64_t step)
{
    if (extent == 1)
        return;
    if (*n > 0 && stride[*n - 1] == extent * step) {
        shape[*n - 1] *= extent;
        stride[*n - 1] = step;
        return;
    }
    shape[*n] = extent;
    stride[(*n)++] = step;
}

void hone__rows_of(hone__rows *v, const hone_tensor *t, uint32_t col_dims)
{
    /* small reductions call this: only what is looked at is written */
    v->dtype = (hone_dtype)t->dtype;
    v->size = (int64_t)hone_dtype_size(v->dtype);
    v->data = t->numel ? hone__data(t) : NULL;
    v->rows = v->cols = 1;
    v->n_row_dims = v->n_col_dims = 0;
    for (int d = 0; d < t->ndim; d++) {
        if (col_dims >> d & 1) {
            v->cols *= t->shape[d];
            append(&v->n_col_dims, v->col_shape, v->col_stride, t->shape[d], t->stride[d]);
        } else {
            v->rows *= t->shape[d];
            append(&v->n_row_dims, v->row_shape, v->row_stride, t->shape[d], t->stride[d]);
        }
    }
}

bool hone__rows_direct(const hone__rows *v, int64_t *row_stride)
{
    *row_stride = v->n_row_dims == 1 ? v->row_stride[0] : v->cols;
    if (v->rows == 0 || v->cols == 0)
        return true;
    return v->n_row_dims <= 1 &&
           (v->n_col_dims == 0 || (v->n_col_dims == 1 && v->col_stride[0] == 1));
}

static int64_t offset_of(int64_t index, int n, const int64_t *shape, const int64_t *stride)
{
    if (n == 0)
        return 0;
    int64_t offset = 0;
    for (int d = n - 1; d > 0; d--) {
        offset += index % shape[d] * stride[d];
        index /= shape[d];
    }
    return offset + index * stride[0];
}

int64_t hone__rows_offset(const hone__rows *v, int64_t row, int64_t col)
{
    return offset_of(row, v->n_row_dims, v->row_shape, v->row_stride) +
           offset_of(col, v->n_col_dims, v->col_shape, v->col_stride);
}

/* A rows x cols piece with one stride each way, at `p` in the tensor and at `buffer`. */
typedef struct {
    int64_t rows, cols, row_stride, col_stride;
    char *p, *buffer;
    int64_t ld;
} piece;

static void copy_piece(const hone__rows *v, const piece *q)
{
    const hone__copy_fn copy = hone__k->copy[v->dtype];
    if (q->cols == 1) {
        copy(q->rows, q->buffer, q->ld, q->p, q->row_stride);
        return;
    }
    if (q->row_stride == 1 && q->col_stride != 1 && q->rows > 1) {
        hone__k->transpose[v->dtype](q->cols, q->rows, q->buffer, q->ld, q->p, q->col_stride);
        return;
    }
    for (int64_t i = 0; i < q->rows; i++)
        copy(q->cols, q->buffer + i * q->ld * v->size, 1, q->p + i * q->row_stride * v->size,
             q->col_stride);
}

/* Walks the rectangle in pieces that stay within the innermost row dim and column dim. */
void hone__rows_gather(const hone__rows *v, hone__rect rect, void *buffer, int64_t ld)
{
    const int rd = v->n_row_dims - 1, cd = v->n_col_dims - 1;
    const int64_t row_run = rd >= 0 ? v->row_shape[rd] : 1,
                  col_run = cd >= 0 ? v->col_shape[cd] : 1;
    piece q = { .row_stride = rd >= 0 ? v->row_stride[rd] : 0,
                .col_stride = cd >= 0 ? v->col_stride[cd] : 1,
                .ld = ld };
    for (int64_t r = rect.row; r < rect.row_end; r += q.rows) {
        q.rows = hone__min(rect.row_end - r, row_run - r % row_run);
        for (int64_t c = rect.col; c < rect.col_end; c += q.cols) {
            q.cols = hone__min(rect.col_end - c, col_run - c % col_run);
            q.p = v->data + hone__rows_offset(v, r, c) * v->size;
            q.buffer = (char *)buffer + ((r - rect.row) * ld + c - rect.col) * v->size;
            copy_piece(v, &q);
        }
    }
}
