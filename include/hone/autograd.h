/** @file autograd.h
 * Gradients: define-by-run, like PyTorch's.
 *
 * An op on a tensor that requires a gradient records a node; hone_backward() walks the nodes and
 * adds to the leaves' gradients. Backward formulas are made of the same public ops, so
 * hone_autograd_grad() with create_graph differentiates any number of times.
 *
 * Any cut of the batch gives the same bits. Dim 0 counts samples, and a parameter's gradient is one
 * chain over them, in their order, that begins with what .grad holds: the chain of a batch's second
 * part goes on where that of the first has stopped. A matrix operand's chain goes over (sample,
 * position within it), but with 256 positions and more each sample has a chain of its own from +0,
 * which is added; what was broadcast (a bias, a norm's scale) is summed within a sample as
 * hone_sum_dims sums. This holds where an op's input is the leaf, or a view of it by transpose,
 * permute, reshape, squeeze, unsqueeze, slice or select. Sums that backward() begins at .grad
 * hone_autograd_grad() begins at +0: on one batch they and create_graph agree.
 *
 * Where a parameter is used u times, the first use's sum begins with .grad, and each other one has a
 * sum of its own from +0, which is added to .grad after it: one more tensor like the parameter at a
 * time. Not promised: gradients that are added by hand, what depends on a batch's statistics, and a
 * weight that is computed anew in every part (a cast, a mask, a low-rank update), for such a tensor
 * is no leaf; nor one matrix that linear algebra solves the rows of many samples with; nor terms
 * without samples (a penalty), which need a backward of their own after the last part.
 *
 * Threads: each may record and walk graphs of its own at the same time as others do, also over the
 * same leaves (their .grad is added to under a lock; in which order is the threads' affair). Two
 * walks at once over nodes that both reach, say two losses on one shared feature map, are refused
 * (HONE_E_STATE, where they meet): add the losses and walk once, or walk one after the other with
 * retain_graph.
 */
#ifndef HONE_AUTOGRAD_H
#define HONE_AUTOGRAD_H

#include <hone/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- leaves */

/** Says whether a leaf collects a gradient. f32 and f64 only. Returns t; NULL on error
 * (HONE_E_DTYPE, HONE_E_STATE for a non-leaf and false). */
HONE_API hone_tensor *hone_requires_grad_(hone_tensor *t, bool requires_grad);
/** True for such leaves and for what was computed from them (HONE_NONE: false) / for what was not
 * computed from such. False and HONE_E_NULL for NULL. */
HONE_API bool hone_requires_grad(const hone_tensor *t);
HONE_API bool hone_is_leaf(const hone_tensor *t);
/** The gradient collected so far, [same as t]: what is written to it is written to the gradient. It
 * stays valid when another thread replaces the gradient. NULL without an error if there is none,
 * with HONE_E_NOMEM if a zeroed one finds no memory. */
HONE_API hone_tensor *hone_grad(hone_tensor *t);
/** Replaces (or with HONE_NONE drops) a leaf's gradient; keeps a reference to the new one, or
 * to its memory only if it has a history.
 *  Errors: HONE_E_SHAPE (another shape or dtype than t's), HONE_E_STATE (t is no leaf), HONE_E_VALUE
 *          (t itself), HONE_E_NULL, HONE_E_NOMEM. */
HONE_API hone_status hone_set_grad(hone_tensor *t, hone_tensor *grad);
/** A view that shares t's data and has no history. */
HONE_API hone_tensor *hone_detach(hone_tensor *t);

/* ---- grad mode */

HONE_API bool hone_grad_enabled(void);
/** Switches recording on this thread; returns what it was. */
HONE_API bool hone_set_grad_enabled(bool enabled);
HONE_API void hone_grad_mode_guard(const bool *previous);
/** with torch.no_grad(): until this block is left by any way. */
#define HONE_NO_GRAD()                                                                             \
    __attribute__((cleanup(hone_grad_mode_guard), unused)) const bool HONE_CAT(                    \
        hone_no_grad_, __COUNTER__) = hone_set_grad_enabled(false)

/* ---- backward */

/** Adds d t / d leaf to the .grad of every leaf below t and frees the graph. t has one element.
 *  Errors: HONE_E_STATE (t needs no gradient, freed graph, a saved tensor was modified in place),
 *          HONE_E_SHAPE (more than one element), HONE_E_NULL, HONE_E_NOMEM; those of a custom
 *          backward. What leaves have been given by then stays. */
HONE_API hone_status hone_backward(hone_tensor *t);

typedef struct {
    hone_tensor *gradient; /**< d loss / d t, [same as t]; zero: ones, for one element only */
    bool retain_graph;     /**< keep the graph for another walk */
    HONE_RESERVE(55);
} hone_backward_options;
HONE_API hone_status hone_backward_with(hone_tensor *t, const hone_backward_options *options);

typedef struct {
    hone_tensor_list grad_outputs; /**< one an output; zero: ones for outputs of one element */
    bool retain_graph;             /**< keep the graph; create_graph implies it */
    bool create_graph;             /**< record the walk itself, for higher derivatives */
    bool allow_unused; /**< HONE_NONE for an input that no output depends on, instead of an error */
    HONE_RESERVE(45);
} hone_autograd_options;
/** d sum(outputs * grad_outputs) / d inputs, without touching any .grad. Inputs may be inner
 * tensors of the graph; what only lies below them is neither run nor freed.
 *  @param options  may be NULL.
 *  @return         one gradient an input, each in memory that nothing else shares; at == NULL on
 *                  error.
 *  Errors:  HONE_E_STATE (as hone_backward; an input that requires no gradient, that no output
 *           depends on, or that may lie behind a part of the graph that was freed), HONE_E_SHAPE (grad_outputs that don't fit; none for an output of several
 *           elements), HONE_E_NULL, HONE_E_NOMEM. */
HONE_API hone_tensor_list hone_autograd_grad(hone_tensor_list outputs, hone_tensor_list inputs,
                                             const hone_autograd_options *options);

/* ---- custom differentiable functions */

/** One call of a function: what it saved, between its forward and its backward. */
typedef struct hone_context hone_context;

typedef struct {
    const char *name;
    /** One output. Runs without recording; owned results as everywhere. Fails with NULL, or with an
     * error that it leaves pending. May not change an input that requires a gradient in place. */
    hone_tensor *(*forward)(hone_context *ctx, hone_tensor *const *in, int n_in);
    /** grad: d loss / d output, which it may write to. Fills grad_in[i] (NULL, its initial value: no
     * gradient). May give a gradient of the broadcast shape. Fails with an error that it leaves
     * pending; one that it clears (after a probe) is none. */
    void (*backward)(hone_context *ctx, hone_tensor *grad, hone_tensor **grad_in);
    /** Several outputs, instead of the two above: fills out[0..], returns how many (at most
     * HONE_MAX_OUTPUTS), negative: failed. Backward gets one gradient an output, zeros for an
     * unused one. */
    int (*forward_n)(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out);
    void (*backward_n)(hone_context *ctx, hone_tensor *const *grad, hone_tensor **grad_in);
} hone_function;
#define HONE_MAX_OUTPUTS 8

/** Calls fn on the tensors: hone_apply(&fn, a, b); any of them may be HONE_NONE. fn must live as
 * long as the graph. NULL on error: what the forward reported, HONE_E_VALUE (not one output),
 * HONE_E_STATE (an input that is a view of what was modified in place since, or that requires a
 * gradient and was changed by the forward), HONE_E_NULL, HONE_E_NOMEM. */
#define hone_apply(fn, ...) hone_apply_v(fn, HONE_TENSOR_ARGS(__VA_ARGS__))
HONE_API hone_tensor *hone_apply_v(const hone_function *fn, hone_tensor *const *in_then_end);
/** The same for functions of several outputs. */
#define hone_apply_list(fn, ...) hone_apply_list_v(fn, HONE_TENSOR_ARGS(__VA_ARGS__))
HONE_API hone_tensor_list hone_apply_list_v(const hone_function *fn,
                                            hone_tensor *const *in_then_end);

/** Keeps tensors (inputs, outputs, HONE_NONE or others) for the backward; called in the forward,
 * they add up.
 *  Errors:  HONE_E_NULL (also one among them), HONE_E_NOMEM. */
HONE_API hone_status hone_save_for_backward(hone_context *ctx, int n, hone_tensor *const *tensors);
/** The i-th of them, in the backward. HONE_E_STATE if it was modified in place since, or the
 * graph was freed. */
HONE_API hone_tensor *hone_saved(hone_context *ctx, int i);
/** Keeps up to 64 bytes of plain data (a dim, a factor), HONE_E_VALUE if it is more;
 * hone_saved_data gives them back. */
HONE_API hone_status hone_save_data(hone_context *ctx, const void *data, size_t bytes);
HONE_API const void *hone_saved_data(hone_context *ctx);
/** False if nobody asks for the gradient of input i: the backward need not compute it. */
HONE_API bool hone_needs_input_grad(const hone_context *ctx, int i);

/** A function of n inputs to one output, using public ops only. */
typedef hone_tensor *(*hone_checkable)(hone_tensor *const *in, int n_in, void *user);

/** y = part(in, n, user), whose nodes keep nothing for the gradient: the first of them that a
 * backward comes to has the part run again, with the random numbers of the first time (of the thread's
 * generator), and what is saved then is given back as the walk goes. Costs the part's time once more
 * and about the memory of its inputs instead of its activations. Gradients have the same bits as without it,
 * for any cut of the batch, too.
 *  @param part    uses public ops and any parameters, and does the same each time (what it reads may
 *                 not change in place until the backward; running statistics of a batch norm follow
 *                 once). It and user live as long as the graph. Within a part others are a part of
 *                 that; while nothing is recorded it is just called.
 *  @param inputs  may contain HONE_NONE. The second run gets other handles onto them.
 *  @return        what the part gave, one tensor.
 *  Errors:  the part's, HONE_E_NULL, HONE_E_NOMEM. In the walk HONE_E_STATE: the second run makes
 *           other calls, something was modified in place, or the walk has create_graph.
 *  Source:  torch.utils.checkpoint.checkpoint(use_reentrant=False). */
HONE_API hone_tensor *hone_recompute(hone_checkable part, void *user, hone_tensor_list inputs);

/* ---- gradient checks */

typedef struct {
    double eps;  /**< step of the central difference, default 1e-6 */
    double atol; /**< default 1e-5 */
    double rtol; /**< default 1e-3 */
    HONE_RESERVE(40);
} hone_gradcheck_options;

/** Compares every element of every f64 input's gradient with a central difference (inputs that
 * require none are left alone).
 *  @return HONE_OK, or HONE_E_GRADIENT with a message that names function, input, element and both
 *          values; HONE_E_DTYPE (an input that requires a gradient, or the output, is not f64),
 *          HONE_E_STATE (no input requires a gradient), HONE_E_NULL, and the function's errors.
 *  @param options  may be NULL. */
HONE_API hone_status hone_gradcheck(const char *name, hone_checkable fn, void *user,
                                    hone_tensor_list inputs, const hone_gradcheck_options *options);
/** The same for the gradient's gradient. */
HONE_API hone_status hone_gradgradcheck(const char *name, hone_checkable fn, void *user,
                                        hone_tensor_list inputs,
                                        const hone_gradcheck_options *options);

/** The checks on a custom function with the default options. */
#define hone_gradcheck_function(fn, ...)                                                           \
    hone_gradcheck_function_v(fn, HONE_TENSOR_ARGS(__VA_ARGS__))
HONE_API hone_status hone_gradcheck_function_v(const hone_function *fn,
                                               hone_tensor *const *in_then_end);
#define hone_gradgradcheck_function(fn, ...)                                                       \
    hone_gradgradcheck_function_v(fn, HONE_TENSOR_ARGS(__VA_ARGS__))
HONE_API hone_status hone_gradgradcheck_function_v(const hone_function *fn,
                                                   hone_tensor *const *in_then_end);

#ifdef __cplusplus
}
#endif
#endif
