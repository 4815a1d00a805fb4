/* elementwise.h: one driver for all ops whose result at a place depends on the operands' elements
 * at that place alone.
 *
 * It broadcasts operands to the result's shape, drops dims of extent 1, merges dims that lie behind
 * each other in memory, walks in the order of the result's memory, brings operands of another dtype
 * into the kernel's a stretch at a time, and cuts the work over threads. Which way it takes
 * never changes a bit: every element meets the same kernel. */
#ifndef HONE_LOOPS_ELEMENTWISE_H
#define HONE_LOOPS_ELEMENTWISE_H

#include "core/core.h"
#include "isa/isa.h"

/** An operand: a tensor that broadcasts to the result's shape, or (t == NULL) a number. */
typedef struct {
    hone_tensor *t;
    double number; /* rounded to the kernel's dtype; whole ones wrap in integers */
} hone__operand;

#define HONE__ELEMENTWISE_INPUTS 3

/** What one element costs, in ns, for the cost model: reading and writing alone / some arithmetic
 * (exp, log, tanh) / pow. */
#define HONE__NS_MOVE 0.15
#define HONE__NS_MATH 0.5
#define HONE__NS_POW  2.0

typedef enum {
    HONE__UNARY,
    HONE__BINARY,
    HONE__COMPARE,
    HONE__WHERE,
    HONE__FILL,
    HONE__UPDATE,
    HONE__FORMULA,
} hone__arity;

/** An update in place: at[0] (and at[1], the same) is read and written, at[2] is read, at[3] may be
 * both. Or a formula: at[0] is written, its args are the numbers. Strides in elements. */
typedef struct {
    void (*run)(const void *args, int64_t n, char *const *at, const int64_t *stride);
    const void *args;
} hone__update;

typedef union {
    hone__unary_fn unary; /* also copy and cast */
    hone__binary_fn binary;
    hone__compare_fn compare;
    hone__where_fn where;
    hone__fill_fn fill;
    hone__update update; /* of a formula, too */
} hone__elementwise_fn;

/** A kernel of the ISA's table and what it reads. */
typedef struct {
    hone__arity arity;
    hone__elementwise_fn fn, past; /* past: the one that writes past the caches, NULL if none */
    hone_dtype reads[HONE__ELEMENTWISE_INPUTS]; /* the dtypes it reads */
    double ns; /* cost of one contiguous element on one thread, roughly */
    bool
        narrows; /* the result, f32, is rounded into one of 16 bits; operands become it first ... */
    bool exact_numbers; /* ... but 0-d ones */
    int inputs;         /* of a formula */
} hone__elementwise_kernel;

/** The costs that kernels.def gives. */
extern const double hone__unary_ns[HONE__K_N_UNARY], hone__binary_ns[HONE__K_N_BINARY];
extern const double hone__formula_ns[HONE__K_N_FORMULA];
extern const int hone__formula_inputs[HONE__K_N_FORMULA];

/** The dtype that is computed in. */
static inline hone_dtype hone__computed_in(hone_dtype dtype)
{
    return hone__is_half(dtype) ? HONE_F32 : dtype;
}

/** The table's kernel `k` of that dtype; of bf16 and f16 that of f32, a stretch at a time. */
static inline hone__elementwise_kernel hone__unary_kernel(int k, hone_dtype dtype)
{
    const hone_dtype in = hone__computed_in(dtype);
    return (hone__elementwise_kernel){ .arity = HONE__UNARY,
                                       .fn.unary = hone__k->unary[k][in],
                                       .past.unary = hone__k->unary_past[k][in],
                                       .reads = { in },
                                       .ns = hone__unary_ns[k],
                                       .narrows = in != dtype };
}

static inline hone__elementwise_kernel hone__binary_kernel(int k, hone_dtype dtype)
{
    const hone_dtype in = hone__computed_in(dtype);
    return (hone__elementwise_kernel){ .arity = HONE__BINARY,
                                       .fn.binary = hone__k->binary[k][in],
                                       .past.binary = hone__k->binary_past[k][in],
                                       .reads = { in, in },
                                       .ns = hone__binary_ns[k],
                                       .narrows = in != dtype,
                                       .exact_numbers = k == HONE__K_MUL || k == HONE__K_DIV };
}

/** The table's formula HONE__K_FORMULA_<k>, of f32 or f64; numbers: three, which outlive the kernel. */
static inline hone__elementwise_kernel hone__formula_kernel(int k, hone_dtype dtype,
                                                            const double *numbers)
{
    return (hone__elementwise_kernel){ .arity = HONE__FORMULA,
                                       .fn.update = { hone__k->formula[k][dtype], numbers },
                                       .reads = { dtype, dtype, dtype },
                                       .ns = hone__formula_ns[k],
                                       .inputs = hone__formula_inputs[k] };
}

/** Its result is bool. */
static inline hone__elementwise_kernel hone__compare_kernel(int k, hone_dtype dtype)
{
    dtype = hone__computed_in(dtype);
    return (hone__elementwise_kernel){ .arity = HONE__COMPARE,
                                       .fn.compare = hone__k->compare[k][dtype],
                                       .reads = { dtype, dtype },
                                       .ns = HONE__NS_MOVE };
}

static inline hone__elementwise_kernel hone__where_kernel(hone_dtype dtype)
{
    return (hone__elementwise_kernel){ .arity = HONE__WHERE,
                                       .fn.where = hone__k->where[dtype],
                                       .past.where = hone__k->where_past[dtype],
                                       .reads = { HONE_BOOL, dtype, dtype },
                                       .ns = HONE__NS_MOVE };
}

/** out[i] = kernel(in[0][i], ...). out has the kernel's output dtype and the broadcast shape, and
 * may be one of the operands; operands that overlap it otherwise are copied first. False:
 * E_NOMEM. */
bool hone__elementwise(const hone__elementwise_kernel *kernel, hone_tensor *out,
                       const hone__operand *in);

/** out[i] = (out's dtype)x[i], x broadcast to out's shape. False: E_NOMEM (only where they
 * overlap). */
bool hone__copy_elements(hone_tensor *out, hone_tensor *x);
/** A contiguous copy of that dtype, owned by the scope. */
hone_tensor *hone__copy_as(hone_tensor *t, hone_dtype dtype);

/** out[i] = value; value as hone__number stores it. */
void hone__fill_elements(hone_tensor *out, double value);

/** Stores a number as one element: floats are rounded, integers truncated and wrapped (the caller
 * has seen to it that an int64_t holds them), bool is != 0. */
void hone__number(hone_dtype dtype, double number, void *element);

/** The number as that dtype has it. */
double hone__rounded_number(hone_dtype dtype, double number);

/** Where the number, truncated, lies beside the integers of the dtype: below -1, among 0, above 1
 * (NaN too); always 0 for floats and bool. */
int hone__number_side(hone_dtype dtype, double number);

/** False + E_VALUE in the name of `op`: an integer dtype that can't hold the number. */
bool hone__number_fits(const char *op, hone_dtype dtype, double number);

/** Result dtype of a tensor and a number: the tensor's, but f32 for an integer (or bool) tensor
 * and a number that is not whole or not an i64, i64 for bool and a whole number. */
hone_dtype hone__number_dtype(hone_dtype dtype, double number);

#endif
