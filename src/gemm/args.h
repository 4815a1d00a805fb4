/* args.h: what a product is: operands as pointers with strides in elements. gemm.h runs it. */
#ifndef HONE_GEMM_ARGS_H
#define HONE_GEMM_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HONE__GEMM_BATCH_DIMS 6

/** BF16: A and B are uint16_t, C is f32 or, with `narrow`, bf16, and bias is f32 (pairs.h). */
typedef enum { HONE__GEMM_F32, HONE__GEMM_F64, HONE__GEMM_BF16 } hone__gemm_dtype;

/** Bytes of an element of A and B. */
static inline int64_t hone__gemm_size(hone__gemm_dtype dtype)
{
    return dtype == HONE__GEMM_F32 ? 4 : dtype == HONE__GEMM_F64 ? 8 : 2;
}

typedef enum {
    HONE__GEMM_NO_ACT,
    HONE__GEMM_RELU,
    HONE__GEMM_GELU,
    HONE__GEMM_GELU_TANH,
} hone__gemm_act;

/** What becomes of what C holds. */
typedef enum {
    HONE__GEMM_OVERWRITE,
    HONE__GEMM_AFTER, /* alpha times the sum is added to it */
    HONE__GEMM_BEGIN, /* the sum, one chain, begins with it; alpha is 1 */
} hone__gemm_accumulate;

/** C[i,j] = act(alpha * sum_k A[i,k] B[k,j] (+ C[i,j], see accumulate) + bias[i,j]), in this order,
 * each step rounded.
 *
 *  Start from hone__gemm_contiguous(dtype, m, n, k) and set what differs. Strides may be any value
 * (0 and negative too for inputs); C must not overlap A, B, bias or itself. With k == 0 the sum is
 * +0; with an empty C nothing is done. A transposed operand is one with exchanged strides; nothing
 * is ever copied as a whole first.
 *
 *  Batches: the matrices of batch index (i0, i1, ...) start at a + sum_d i_d * a_batch[d] and so
 * on; 0 broadcasts (not for C). */
typedef struct {
    hone__gemm_dtype dtype;
    hone__gemm_act act;
    hone__gemm_accumulate accumulate;
    int chain;            /* one chain an output, whatever the shape: a sum over samples (gemm.h) */
    int b_trained;        /* B is going to be changed, and used again */
    const void *b_packed; /* of BF16: NULL, or what hone__gemm_pairs_pack made of B */
    int64_t positions;    /* of BF16: k is a sum over samples of so many each; 0: it is none */
    int narrow;           /* of BF16: C, and what is activated, are bf16, too */
    int64_t m, n, k;
    const void *a; /* [m, k] */
    int64_t a_rs, a_cs;
    const void *b; /* [k, n] */
    int64_t b_rs, b_cs;
    void *c;            /* [m, n] */
    void *activated;    /* with GELU: NULL, or where its values go, C getting what is before it */
    int64_t c_rs, c_cs; /* one of them 1 is fast, others are allowed */
    double alpha;
    const void *bias; /* NULL, or element [i,j] at bias + i * bias_rs + j * bias_cs, */
    int64_t bias_rs,
        bias_cs; /* (0, 1) is one per column, (1, 0) one per row; the same for the whole batch */
    int n_batch_dims; /* 0: one product */
    int64_t batch[HONE__GEMM_BATCH_DIMS];
    int64_t a_batch[HONE__GEMM_BATCH_DIMS], b_batch[HONE__GEMM_BATCH_DIMS],
        c_batch[HONE__GEMM_BATCH_DIMS];
} hone__gemm_args;

/** Row-major contiguous A, B, C, alpha 1, nothing else. Pointers are still to be set, and so are the
 * batch dims where n_batch_dims says that there are some: to zero them all would take longer than a
 * tiny product. */
static inline hone__gemm_args hone__gemm_contiguous(hone__gemm_dtype dtype, int64_t m, int64_t n,
                                                    int64_t k)
{
    hone__gemm_args args;
    args.dtype = dtype;
    args.act = HONE__GEMM_NO_ACT;
    args.accumulate = HONE__GEMM_OVERWRITE;
    args.chain = args.b_trained = args.narrow = 0;
    args.positions = 0;
    args.b_packed = NULL;
    args.m = m;
    args.n = n;
    args.k = k;
    args.a = args.b = args.bias = NULL;
    args.c = args.activated = NULL;
    args.a_rs = k;
    args.b_rs = args.c_rs = n;
    args.a_cs = args.b_cs = args.c_cs = 1;
    args.alpha = 1.0;
    args.bias_rs = args.bias_cs = 0;
    args.n_batch_dims = 0;
    return args;
}

enum { HONE__GEMM_ALONG = 64 };

/** A matrix that lies nowhere: its elements are made when a panel of it is packed. The start of an
 * implicit-GEMM convolution, whose rows are windows of an image. */
typedef struct hone__gemm_source hone__gemm_source;
struct hone__gemm_source {
    /** Writes panel[q * width + j] = A[i + j, p + q] for q < k and j < valid, and +0 for valid <= j
     * < width; no other element (gemm_kernels.h draws a panel). base: args->a of the product's
     * place in the batch. Called by several threads. */
    void (*pack)(const hone__gemm_source *source, const void *base, int64_t i, int valid, int64_t p,
                 int64_t k, int width, void *panel);
    bool along; /* of BF16: panel[j * width + q] instead, k <= HONE__GEMM_ALONG = width */
};

#endif
