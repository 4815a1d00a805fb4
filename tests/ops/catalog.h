/* catalog.h: one row for every op, and what a row must say to be checked in every way.
 *
 * A row names an op of ops.def (its public function is found in the header), its arguments, the
 * cases (shapes and memory layouts of the inputs), how inputs are filled, and an oracle in plain C
 * on doubles. The tests run every row through:
 *
 *   test_catalog_values     dtype, shape and values for every case and dtype; in-place form too
 *   test_catalog_out        the same into tensors that are there, with and without gaps
 *   test_catalog_gradients  gradcheck and gradgradcheck in f64 for every case; in-place form too
 *   tests/bits/ops          the same bits on every ISA, number of threads and compiler
 *   test_catalog_errors     NULL inputs; every allocation failing in turn, without a leak
 *
 * To add rows: write tests/ops/catalog_<family>.c with `const catalog_family
 * catalog_family_<family>` and name the family in CATALOG_FAMILIES below. An op without a row fails
 * test_catalog_values. */
#ifndef CATALOG_H
#define CATALOG_H

#include <hone/hone.h>

/* Every file of rows. */
#define CATALOG_FAMILIES(X)                                                                        \
    X(unary)                                                                                       \
    X(binary)                                                                                      \
    X(compare)                                                                                     \
    X(copy)                                                                                        \
    X(reduce)                                                                                      \
    X(scan)                                                                                        \
    X(statistics)                                                                                  \
    X(linalg)                                                                                      \
    X(softmax)                                                                                     \
    X(norm)                                                                                        \
    X(matmul)                                                                                      \
    X(blend)                                                                                       \
    X(logic)                                                                                       \
    X(math)                                                                                        \
    X(loss)                                                                                        \
    X(move)                                                                                        \
    X(arrange)                                                                                     \
    X(index)                                                                                       \
    X(put)                                                                                         \
    X(shapes)                                                                                      \
    X(masked)                                                                                      \
    X(conv)                                                                                        \
    X(einsum)                                                                                      \
    X(pool)                                                                                        \
    X(sort)                                                                                        \
    X(batch_norm)                                                                                  \
    X(activation)                                                                                  \
    X(losses)                                                                                      \
    X(avg_pool)                                                                                    \
    X(pad)                                                                                         \
    X(embedding)                                                                                   \
    X(group_norm)                                                                                  \
    X(conv1d)                                                                                      \
    X(conv3d)                                                                                      \
    X(pool3d)                                                                                      \
    X(places)                                                                                      \
    X(interpolate)                                                                                 \
    X(grid_sample)                                                                                 \
    X(attention)                                                                                   \
    X(recurrent)                                                                                   \
    X(sequence)

#define CATALOG_INPUTS 8

/** Values in row-major order, as doubles; already rounded to the dtype. */
typedef struct {
    bool none; /* HONE_NONE stands here */
    hone_dtype dtype;
    int ndim;
    int64_t shape[HONE_MAX_DIMS];
    int64_t numel;
    double *at;
} catalog_array;

typedef struct catalog_row catalog_row;

/** Writes in[i].at[0 .. numel-1] (rounded to the dtype afterwards). Inputs before i are filled. */
typedef void (*catalog_fill)(const catalog_row *row, catalog_array *in, int i, uint64_t *random);

/** Computes the result: calls catalog_shape(out, ...), then writes out->at. */
typedef void (*catalog_oracle)(const catalog_row *row, const catalog_array *in, int n_in,
                               catalog_array *out);

/** Calls the op on the inputs. */
typedef hone_tensor *(*catalog_call)(const catalog_row *row, hone_tensor *const *in, int n_in);

/** What an input is. */
typedef struct {
    catalog_fill fill;
    int fixed;     /* CATALOG_FIXED(HONE_I64): always that dtype; 0: the dtype the row is run in */
    bool constant; /* not differentiated (a gradient is not defined, or is zero by definition) */
} catalog_input;
#define CATALOG_FIXED(dtype) (1 + (int)(dtype))

#define CATALOG_BIT(dtype) (1u << (dtype))
#define CATALOG_FLOATS     (CATALOG_BIT(HONE_F32) | CATALOG_BIT(HONE_F64))
#define CATALOG_INTS       (CATALOG_BIT(HONE_I64) | CATALOG_BIT(HONE_I32) | CATALOG_BIT(HONE_U8))
#define CATALOG_NUMBERS    (CATALOG_FLOATS | CATALOG_INTS)
#define CATALOG_ALL        (CATALOG_NUMBERS | CATALOG_BIT(HONE_BOOL))

/** The result's dtype, for catalog_elementwise. */
typedef enum {
    CATALOG_PROMOTED, /* the highest of the inputs' */
    CATALOG_FLOAT,    /* the same, but integers and bool give f32 */
    CATALOG_BOOL,
    CATALOG_ROW /* row->dtype */
} catalog_result;

struct catalog_row {
    const char *op;   /* name in ops.def, or of a composite that has its own `call` */
    const char *note; /* tells rows of one op apart; may be NULL */
    /** NULL-terminated; each case is one word an input, separated by blanks: extents joined by x
     * ("3x4", "0x4", "." for 0-d), "-" for HONE_NONE, and after a colon how it lies in memory:
     *      t  dims stored in reverse order (transposed)     s  every second element (gaps, offset)
     *      e  expanded along dim 0 (stride 0) */
    const char *const *cases;
    const char *bits; /* a larger case for tests/bits/ops; NULL: the first case only */
    catalog_input in[CATALOG_INPUTS]; /* inputs past the last filled one are like that one */
    unsigned dtypes;                  /* bits of the dtypes to run in; f32 and f64 if 0 */

    catalog_oracle oracle;
    double (*f)(const catalog_row *row, const double *in); /* one element: catalog_elementwise */
    catalog_result result;

    /** The op's arguments as hone_call() takes them, "kernel_size=2,3 ceil_mode=true": all of them,
     * but for an option struct's that have their defaults. NULL: they are in the fields below. */
    const char *attributes;
    int output; /* which of its outputs the row is about */

    /* the op's arguments, as its signature wants them */
    double s;
    int dim, dim2;
    bool flag;                   /* keepdim */
    hone_dtype dtype;            /* of hone_to */
    int64_t start, end, step;    /* also: start is the index of hone_select */
    int64_t dims[HONE_MAX_DIMS]; /* n_dims of them */
    int n_dims;
    catalog_call call; /* NULL: the public function */

    double ulps;             /* |got - want| <= ulps * epsilon * (|want| + scale); 0: 4 */
    double scale;            /* size of what cancels in a sum; 0: nothing does */
    bool view;               /* the result may have gaps */
    const char *no_gradient; /* why there is none (integer result, ...) */
    const char *once;        /* why it can't be differentiated twice */
};

typedef struct {
    const catalog_row *rows;
    int n;
} catalog_family;
#define CATALOG_FAMILY(family)                                                                     \
    const catalog_family catalog_family_##family = { rows, (int)(sizeof rows / sizeof *rows) }
#define CATALOG_DECLARE(family) extern const catalog_family catalog_family_##family;
CATALOG_FAMILIES(CATALOG_DECLARE)
#undef CATALOG_DECLARE

/* ---- for rows */

/** Geometry and room for the values. */
void catalog_shape(catalog_array *a, hone_dtype dtype, int ndim, const int64_t *shape);

/** Oracle of all elementwise ops: broadcasts, applies row->f (NaN for HONE_NONE), result dtype by
 * row->result. */
void catalog_elementwise(const catalog_row *row, const catalog_array *in, int n_in,
                         catalog_array *out);

/** The dims that a reduction takes away, as bits, by its name and the row's dim or dims. */
unsigned catalog_reduced_dims(const catalog_row *row, int ndim);
/** Oracle of reductions: of() gets each output's elements; row->flag is keepdim. */
void catalog_reduced(const catalog_row *row, const catalog_array *in, hone_dtype dtype,
                     double (*of)(const catalog_row *row, const double *values, int64_t n),
                     catalog_array *out);

/** In [-2, 2] and at least 0.1 away from 0; integers -5..5 (u8 0..10), bool 0 or 1. */
void catalog_any(const catalog_row *row, catalog_array *in, int i, uint64_t *random);
/** In [0.5, 2.5]; integers 1..5. */
void catalog_positive(const catalog_row *row, catalog_array *in, int i, uint64_t *random);
/** Values in random order that are at least 0.03 apart from each other and from those of the other
 * inputs, so that no max, min or comparison is near a tie; integers as catalog_any, with ties. */
void catalog_apart(const catalog_row *row, catalog_array *in, int i, uint64_t *random);
/** 0 or 1. */
void catalog_mask(const catalog_row *row, catalog_array *in, int i, uint64_t *random);

/** The next random 64 bits / number in [0, 1) of a fill's generator. */
uint64_t catalog_random(uint64_t *random);
double catalog_uniform(uint64_t *random);

/** Cases that suit every op on one / two inputs with broadcasting. */
extern const char *const catalog_cases_unary[];
extern const char *const catalog_cases_binary[];

/* ---- for the tests that run rows */

/** One case, ready to be run. Tensors are owned by the scope it was made in. */
typedef struct {
    int n;
    catalog_array array[CATALOG_INPUTS];
    hone_tensor *tensor[CATALOG_INPUTS];
    bool expanded[CATALOG_INPUTS];
    char text[160]; /* "add (note) f32 case 3x4 4:e", for messages */
} catalog_case;

int catalog_count(void);
const catalog_row *catalog_at(int i);
/** Name of an op in ops.def that has no row; NULL if all have one. */
const char *catalog_missing(void);

unsigned catalog_dtypes(const catalog_row *row);

/** Builds the case's inputs; with `leaves` an expanded input is made with extent 1 in dim 0 (see
 * test_catalog_gradients). The same values every time. False: the text is malformed or memory is
 * out. */
bool catalog_make(const catalog_row *row, const char *text, hone_dtype dtype, bool leaves,
                  catalog_case *out);
void catalog_free(catalog_case *c);

/** A public function of ops.h, found in the header by entries.awk. */
typedef struct {
    const char *op; /* without hone_, _ and _v */
    bool in_place;
    const char *inputs;     /* "x, weight, bias"; "x, indices..." */
    const char *attributes; /* ", dim: int, keepdim: bool" */
    const char *outputs;    /* "values, indices", the members of a result struct; NULL: a tensor */
    int n_outputs;
    catalog_call call; /* gives the row's output */
} catalog_entry;
extern const catalog_entry catalog_entries[]; /* ends with op == NULL */
/** False for a composite (flatten), which is a function but no op. */
bool catalog_is_op(const char *name);
/** One that gives output `output`; NULL if there is no such function. */
const catalog_entry *catalog_entry_of(const char *op, bool in_place, int output);

/** The row's arguments as the public functions and hone_call() want them. */
typedef struct {
    int64_t at[HONE_MAX_DIMS + 1];
} catalog_dims_end;
/** Those of the attribute in the row's text, or else the row's dims. */
catalog_dims_end catalog_dims(const catalog_row *row, const char *attribute);
typedef struct {
    hone_tensor *at[CATALOG_INPUTS + 1];
} catalog_tensors_end;
catalog_tensors_end catalog_tensors(hone_tensor *const *in, int n);
int64_t catalog_int(const catalog_row *row, const char *attribute);
bool catalog_bool(const catalog_row *row, const char *attribute);
double catalog_float(const catalog_row *row, const char *attribute);
/** The same as an option struct wants it: 0 if it isn't given, HONE_ZERO if 0 is. */
double catalog_option(const catalog_row *row, const char *attribute);
/** Which of the names "HONE_PAD_VALID, HONE_PAD_SAME" ends as the value, in capitals; 0 by
 * default. */
int catalog_choice(const catalog_row *row, const char *attribute, const char *names);
typedef struct {
    char at[200];
} catalog_words;
catalog_words catalog_text(const catalog_row *row, const char *attribute);
void catalog_pair(const catalog_row *row, const char *attribute, int64_t *pair);
void catalog_triple(const catalog_row *row, const char *attribute, int64_t *triple);
void catalog_floats(const catalog_row *row, const char *attribute, double *floats);
/** All of them as hone_call() wants them. */
void catalog_attributes(const catalog_row *row, char *text, size_t size);

/** Runs the op out of place / in place. NULL if there is no such form. */
catalog_call catalog_function(const catalog_row *row);
catalog_call catalog_function_in_place(const catalog_row *row);

/** True if input i is a float that a gradient can be asked for. */
bool catalog_differentiable(const catalog_row *row, const catalog_case *c, int i);

/** Empty if t has the dtype, shape and values wanted; else one line on what differs. */
const char *catalog_compare(const catalog_row *row, hone_tensor *t, const catalog_array *want);

#endif
