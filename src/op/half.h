/* half.h: calls that are given floats of 16 bits, or run under autocast.
 *
 * Most ops know f32 and f64 only. Given bf16 or f16 they run on f32 copies, and their f32 results are
 * rounded: the call does it, so that the forward, the backward (which gets f32 gradients and f32
 * copies of what was saved) and the op's author know nothing of it. What is saved is the operand of
 * 16 bits itself. What an op is besides stands in its rule: src/ops/halves.def. */
#ifndef HONE_OP_HALF_H
#define HONE_OP_HALF_H

#include "op/op.h"

#include <hone/autocast.h>

/** What an op does with operands of 16 bits. */
typedef enum {
    HONE__TAKES_F32,   /* it gets them as f32, and its f32 results are rounded */
    HONE__TAKES_ALL,   /* it gets them as they are */
    HONE__TAKES_PAIRS, /* bf16 as it is, f16 as f32: a product in the order `pairs` */
    HONE__TAKES_PARTS, /* the same, but of f16 a large weight, [in, out], is given as it is, and all
                          with it, where nothing is recorded: the op widens it part by part */
    HONE__TAKES_FIRST, /* its first operand as it is if that is bf16, all else as f32 */
} hone__half_takes;

/** ... if other floats are among them. */
typedef enum {
    HONE__MIXES_NOT,      /* an error, as of f32 and f64 */
    HONE__MIXES_PROMOTED, /* the result is what they are promoted to */
    HONE__MIXES_AS_FIRST, /* the result has the dtype of the first operand: norms */
} hone__half_mixes;

/** What autocast does before. */
typedef enum {
    HONE__CASTS_NOT,
    HONE__CASTS_LOWER,
    HONE__CASTS_INSIDE, /* a composite op: products among those that it is made of lower theirs */
    HONE__CASTS_F32,
    HONE__CASTS_WIDEST, /* nothing: the op promotes */
} hone__half_casts;

typedef struct {
    const hone__op *op;
    uint8_t takes, mixes, casts;
} hone__half_rule;

/** The rules of the ops that have one, and how many there are; set by src/init.c: src/ops/halves.c.
 * An op without one: {TAKES_F32, MIXES_NOT, CASTS_NOT}, and TAKES_ALL if it gives views. */
extern const hone__half_rule *hone__half_rules;
extern int hone__half_rule_count;
hone__half_rule hone__half_rule_of(const hone__op *op);

/** Ops that the call needs itself; set by src/init.c. */
extern const hone__op *hone__op_of_to, *hone__op_of_copy_;

/** This thread's autocast: HONE_F32 is off. */
extern _Thread_local uint8_t hone__autocast_dtype __attribute__((tls_model("initial-exec")));

/** How the operands of a running call are given to its forward. */
typedef struct {
    hone_dtype rounds_to; /* what f32 results become; HONE_F32: they stay */
    hone_dtype lowers_to; /* autocast: what f32 operands are rounded to; HONE_F32: nothing */
    bool widens;          /* the forward sees f32 only */
    bool first_as_it_is;  /* ... but for its first operand */
    bool promotes;        /* 0-d operands become what the others are */
    int n;
    hone_tensor **in;   /* what the forward sees */
    hone_tensor **keep; /* what is saved in its place; NULL: it is given as it is */
    hone_tensor *inline_in[HONE__OP_INPUTS], *inline_keep[HONE__OP_INPUTS];
} hone__half_call;

typedef enum { HONE__HALF_FAILED, HONE__HALF_PLAIN, HONE__HALF_CONVERTS } hone__half_plan;

/** The least columns of a part: more than a product has whose order depends on how many (gemm.h). */
enum { HONE__HALF_PART_COLUMNS = 128, HONE__HALF_PART = 1 << 21 /* elements, about */ };

/** Whether the call's operands are converted. FAILED: E_DTYPE. */
hone__half_plan hone__half_plan_of(const hone__op *op, hone_tensor *const *in, int n_in,
                                   hone__half_call *call);
/** Makes call->in and call->keep, owned by the current scope. False: out of memory. */
bool hone__half_convert(hone__half_call *call, hone_tensor *const *in, int n_in);
/** What the forward has written to its operands' copies is rounded into them. False: out of memory. */
bool hone__half_write_back(const hone__half_call *call, const hone__op *op, hone_tensor *const *in);
/** Gives back the room of the arrays. */
void hone__half_end(hone__half_call *call);

/** t in another dtype, recorded by nobody; owned by the current scope. Elements that are shown
 * several times stay so. */
hone_tensor *hone__half_cast(hone_tensor *t, hone_dtype dtype);
/** The same by the op `to`, which records it. */
hone_tensor *hone__half_to(hone_tensor *t, hone_dtype dtype);

/** True of a large weight among operands of a call beside which another is so large that rounding it is
 * little work: nobody keeps its copy, nor does its gradient. */
bool hone__rounds_again(const hone_tensor *weight, hone_tensor *const *in, int n_in);

/** The rounded copy of a weight: the one that this thread keeps, or a new one; owned by the current
 * scope. */
hone_tensor *hone__half_rounded(hone_tensor *weight, hone_dtype dtype);

/** A saved copy with the history of what it was made of: the `to` that nobody recorded of the input
 * whose edge this is. */
hone_tensor *hone__half_linked(hone_tensor *saved, const void *edge);

/** Runs a composite op on converted operands; every step records itself. The number of outputs; -1
 * on error. */
int hone__half_composite(const hone__half_call *call, const hone__op *op, hone_tensor *const *in,
                         int n_in, const void *options, hone__target target, hone_tensor **out);

#endif
