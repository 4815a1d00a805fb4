/* op.h: what an op is: its declaration, and what its block in src/ops/<family>.c calls.
 *
 * An op is a const hone__op named hone__op_<name>, one line in src/ops/ops.def, which lists them,
 * and its public function hone_<name>(), which packs the arguments:
 *
 *      hone_tensor *hone_softmax(hone_tensor *x, int dim)
 *      {
 *          return hone__call(&hone__op_softmax, IN(x), &(dim_options){ .dim = dim });
 *      }
 *
 * The call (call.c) checks the inputs, runs the forward without recording, and records a node if an
 * input requires a gradient. In-place forms and out= come from the same block.
 *
 *   forward(ctx, in, n_in, out)  fills out[0..] by hone__out() or with views of an input; false +
 *                                error. Saves what the gradient needs: inputs BEFORE hone__out() is
 *                                called, outputs after they are written. What only the gradient
 *                                needs (statistics, indices) is an output of its own, declared
 *                                HONE__HIDDEN and made only if hone__records(ctx).
 *   backward(ctx, dy, dx)        d loss / d in[i] into dx[i], made of public ops, for the inputs
 *                                that hone_needs_input_grad() names. NULL: no gradient. The engine
 *                                sums over broadcast dims, casts to the input's dtype, and fails if
 *                                an error is pending at the end. dy has one gradient an output
 *                                that is neither hidden nor constant, zeros for an unused one.
 *                                An op that says `adds` finds in dx[i] the sum that has begun,
 *                                contiguous unless it says `anywhere`, or
 *                                NULL: it adds to it in place (see hone__begins_with), or puts its
 *                                gradient there as if it were NULL.
 */
#ifndef HONE_OP_OP_H
#define HONE_OP_OP_H

#include "core/again.h"
#include "op/cost.h"

#include <hone/autograd.h>

/* ---- the declaration */

enum { HONE__OP_INPUTS = 8, HONE__OP_OUTPUTS = 4, HONE__OPTIONS_BYTES = 152 };

/** What an input or output is besides its name. */
enum {
    HONE__OPTIONAL = 1, /* HONE_NONE may be given; an output: made only if asked for */
    HONE__CONSTANT = 2, /* no gradient: an index, a target, a mask */
    HONE__LIST = 4,     /* the last: any number of them */
    HONE__WRITTEN = 16, /* the forward may write to it, and bumps its version then */
    HONE__HIDDEN = 8,   /* between a forward and its gradient: callers neither give nor get it */
};

typedef struct {
    const char *name; /* "x", "weight"; NULL after the last one */
    uint8_t is;       /* HONE__OPTIONAL ... */
} hone__slot;

typedef enum {
    HONE__OPT_INT,    /* int64_t */
    HONE__OPT_FLOAT,  /* double */
    HONE__OPT_BOOL,   /* bool */
    HONE__OPT_DTYPE,  /* hone_dtype */
    HONE__OPT_DIMS,   /* hone__shape: dims or extents */
    HONE__OPT_CHOICE, /* int: which of `choices` */
    HONE__OPT_PAIR,   /* int64_t[2]: of height and width; each has the default and the range */
    HONE__OPT_TRIPLE, /* int64_t[3]: of depth, height and width alike */
    HONE__OPT_FLOATS, /* double[3] alike */
    HONE__OPT_TEXT,   /* hone__words: the caller's, there as long as the call runs */
} hone__option_kind;

typedef struct {
    const char *at; /* n characters, no 0 after them */
    size_t n;
} hone__words;

/** A field of an option struct. */
typedef struct {
    const char *name; /* NULL after the last one */
    hone__option_kind kind;
    uint16_t offset;
    bool required;              /* has no default */
    bool below_max;             /* max itself is out of range */
    bool some;                  /* a triple may have fewer numbers: the others are 0 */
    double standard;            /* what stands for 0, unless it is required */
    double min, max;            /* both 0: any */
    const char *const *choices; /* NULL-terminated */
} hone__option;

#define HONE__OPTION(type, field, kind_, ...)                                                      \
    {                                                                                              \
        .name = #field, .kind = kind_, .offset = offsetof(type, field), __VA_ARGS__                \
    }

typedef enum {
    HONE__FRESH,    /* hone_<name>() gives a new tensor */
    HONE__BOTH,     /* the same and hone_<name>_(), which changes its first input */
    HONE__IN_PLACE, /* hone_<name>_() alone */
    HONE__PRIVATE,  /* no public function: hone's own parts call it */
} hone__forms;

typedef bool (*hone__forward)(hone_context *ctx, hone_tensor *const *in, int n_in,
                              hone_tensor **out);
typedef void (*hone__backward)(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx);

struct hone__op_declaration {
    const char *name;
    hone__forward forward;
    hone__backward backward; /* NULL: no gradient; `why` says why */
    hone__slot in[HONE__OP_INPUTS];
    hone__slot out[HONE__OP_OUTPUTS]; /* none: one, "out" */
    const hone__option *options;      /* NULL: none */
    uint16_t options_bytes;
    uint8_t forms; /* hone__forms */
    uint8_t dims;  /* of places (depth, height, width), for ops that share their functions */
    bool view;     /* outputs share the first input's storage */
    bool repeats;  /* ... and may show an element of it several times */
    bool adds;     /* the backward adds to a sum that has begun */
    bool
        adds_whole; /* ... and to a leaf's that another use has begun, when its gradient is whole */
    bool anywhere;  /* ... also if it has gaps or lies across, as in a view of the leaf's */
    bool composite; /* the forward is made of public ops, which record themselves: no backward */
    bool once;      /* the gradient can't be differentiated; `why` says why */
    const char *why;
    hone__cost_rule cost; /* NULL: no multiply-adds, and each operand's bytes once */
};

/** All ops in the order of ops.def, NULL after the last one: src/ops/table.c. */
extern const hone__op *const hone__ops[];

/* ---- what public functions call */

#define IN(...)                                                                                    \
    (hone_tensor *[]){ __VA_ARGS__ },                                                              \
        (int)(sizeof((hone_tensor *[]){ __VA_ARGS__ }) / sizeof(hone_tensor *))

/** Runs an op of one output; options: its struct, NULL if it has none. NULL on error. */
hone_tensor *hone__call(const hone__op *op, hone_tensor *const *in, int n_in, const void *options);
/** The same in place: changes in[0] and returns it. */
hone_tensor *hone__call_(const hone__op *op, hone_tensor *const *in, int n_in, const void *options);

/** Where results go. */
typedef enum { HONE__INTO_FRESH, HONE__INTO_FIRST, HONE__INTO_GIVEN } hone__target;
/** Runs an op of any number of outputs. out: room for all it has, or with HONE__INTO_GIVEN the
 * tensors to be written. The number of outputs; -1 on error. */
int hone__run(const hone__op *op, hone_tensor *const *in, int n_in, const void *options,
              hone__target target, hone_tensor **out);

/* ---- what a forward calls */

/** The call's options, a copy that the forward may normalise: the node keeps it. */
void *hone__options(hone_context *ctx);
/** The op's name, for messages. */
const char *hone__call_name(const hone_context *ctx);
/** Its dims of places. */
int hone__call_dims(const hone_context *ctx);
/** Output o: fresh and uninitialised, or the tensor that it should go to (in place: o = 0 and in[0]
 * itself): the shape must equal, the dtype be castable in PyTorch's sense (same category or
 * higher). Of this dtype and contiguous, but in place, where it may lie as in[0] does. */
hone_tensor *hone__out(hone_context *ctx, int o, hone_dtype dtype, int ndim, const int64_t *shape);
/** Output 0 of an elementwise op: where it is fresh, it lies as the call's inputs do
 * (core/layout.h), so it need not be contiguous. */
hone_tensor *hone__out_along(hone_context *ctx, hone_dtype dtype, int ndim, const int64_t *shape);
/** out[0] = t; true if there is one: how a forward of one output ends. */
static inline bool hone__give(hone_tensor **out, hone_tensor *t)
{
    out[0] = t;
    return t != NULL;
}
/** True if the call is recorded, so that what is saved will be of use. */
bool hone__records(const hone_context *ctx);
/** Saves n tensors; a no-op when nothing is recorded. False: out of memory. */
bool hone__save(hone_context *ctx, int n, hone_tensor *const *tensors);
#define HONE__SAVE(ctx, ...)                                                                       \
    hone__save(ctx, (int)(sizeof((hone_tensor *[]){ __VA_ARGS__ }) / sizeof(hone_tensor *)),       \
               (hone_tensor *[]){ __VA_ARGS__ })

/** Whether the op that `t` is a result of, or shows one of, has saved that result for its gradient: attention does. */
bool hone__is_saved_result(const hone_tensor *t);
/** Who saves `out`, a fresh result, for a gradient need not keep it: `run` makes it again from `of`,
 * which this op saves anyway, for no more than a pass over it (core/again.h). Only a large one of bf16.
 * False: out of memory. */
bool hone__make_again(hone_context *ctx, hone_tensor *out, hone__again_run run, int n,
                      hone_tensor *const *of);

/* ---- what a backward calls besides hone_saved() and hone_needs_input_grad() */

/** True if the sum in dx[i] is a leaf's: a sum over samples begins with it (contract 7). Else it is
 * an inner tensor's, or of a leaf's other uses, and a gradient is added to it when it is whole. */
bool hone__begins_with(const hone_context *ctx, int i);
/** Shape of input i at the time of the call, kept in the node for every input, saved or not. */
const hone__shape *hone__input_shape(const hone_context *ctx, int i);
/** Its dtype then. */
hone_dtype hone__input_dtype(const hone_context *ctx, int i);
int hone__input_count(const hone_context *ctx);

#endif
