/* ctc.c: ctc_loss: the probability of all ways in which a sequence of classes spells a target. Each
 * sample is on its own, in f64 inside. */
#include "isa/isa.h"
#include "loops/elementwise.h"
#include "loops/indices.h"
#include "loops/rows.h"
#include "ops/losses.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

#include <math.h>

#define NS_PER_STATE 10.0

typedef struct {
    int64_t blank;
    bool zero_infinity;
} ctc_options;

static const hone__option part_table[] = {
    HONE__OPTION(ctc_options, blank, HONE__OPT_INT),
    HONE__OPTION(ctc_options, zero_infinity, HONE__OPT_BOOL),
    { NULL },
};

enum { LOG_PROBS, TARGETS, INPUT_LENGTHS, TARGET_LENGTHS };

/* ---- checks */

/* One number a sample, contiguous i64, each in 0 .. most. */
static hone_tensor *lengths_of(hone_tensor *t, const char *what, int64_t samples, int64_t most)
{
    if (t->ndim > 1 || t->numel != samples) {
        hone_error_set(HONE_E_SHAPE, "ctc_loss: %s are %s, but [%lld], one a sample, is wanted",
                       what, hone__tensor_text(t).s, (long long)samples);
        return NULL;
    }
    t = hone__indices_of("ctc_loss", t);
    const int64_t *n = t ? hone__data(t) : NULL;
    for (int64_t i = 0; n && i < samples; i++) {
        if (n[i] >= 0 && n[i] <= most)
            continue;
        hone_error_set(HONE_E_VALUE, "ctc_loss: %s[%lld] is %lld, 0 to %lld are possible", what,
                       (long long)i, (long long)n[i], (long long)most);
        return NULL;
    }
    return t;
}

static bool classes_fit(const hone_tensor *targets, int64_t classes)
{
    const int64_t *at = hone__data(targets);
    for (int64_t i = 0; i < targets->numel; i++) {
        if (at[i] >= 0 && at[i] < classes)
            continue;
        hone_error_set(HONE_E_INDEX, "ctc_loss: targets[%lld] is %lld, but there are %lld classes",
                       (long long)i, (long long)at[i], (long long)classes);
        return false;
    }
    return true;
}

/* ---- a sample's way through its states: blank, class, blank, ... blank */

typedef struct {
    int64_t steps, classes, states, blank; /* states: 2 target_length + 1 */
    const double *log_p;                   /* [steps, ..] of the sample, apart */
    int64_t apart;
    const int64_t *target;
} spelling;

static int64_t class_of(const spelling *s, int64_t state)
{
    return state % 2 ? s->target[state / 2] : s->blank;
}

/* May a way go from state - 2 to state? */
static bool may_skip(const spelling *s, int64_t state)
{
    return state % 2 && state > 1 && s->target[state / 2] != s->target[state / 2 - 1];
}

static double finite_or_0(double x)
{
    return x == -INFINITY ? 0 : x;
}

/* to[i] = the logarithm of the sum of the exponentials of the three numbers of state i, in order;
 * -inf: of none. terms: [3, n], overwritten; most: [n]. */
static void add_ways(int64_t n, double *to, double *terms, double *most)
{
    for (int64_t i = 0; i < n; i++) {
        const double a = terms[i], b = terms[n + i], c = terms[2 * n + i];
        const double larger = b > a ? b : a;
        most[i] = finite_or_0(c > larger ? c : larger);
        for (int k = 0; k < 3; k++)
            terms[k * n + i] -= most[i];
    }
    hone__k->unary[HONE__K_EXP][HONE_F64](3 * n, terms, 1, terms, 1);
    for (int64_t i = 0; i < n; i++)
        to[i] = terms[i] + terms[n + i] + terms[2 * n + i];
    hone__k->unary[HONE__K_LOG][HONE_F64](n, to, 1, to, 1);
    for (int64_t i = 0; i < n; i++)
        to[i] += most[i];
}

/* alpha [steps, states]: of all ways to a state up to a step; room: 4 states. */
static void go_forward(const spelling *s, double *alpha, int64_t ld, double *room)
{
    const int64_t n = s->states;
    double *terms = room, *most = room + 3 * n;
    for (int64_t i = 0; i < n && s->steps > 0; i++)
        alpha[i] = i < 2 ? s->log_p[class_of(s, i)] : -INFINITY;
    for (int64_t t = 1; t < s->steps; t++) {
        const double *before = alpha + (t - 1) * ld;
        double *now = alpha + t * ld;
        for (int64_t i = 0; i < n; i++) {
            terms[i] = before[i];
            terms[n + i] = i > 0 ? before[i - 1] : -INFINITY;
            terms[2 * n + i] = may_skip(s, i) ? before[i - 2] : -INFINITY;
        }
        add_ways(n, now, terms, most);
        for (int64_t i = 0; i < n; i++)
            now[i] += s->log_p[t * s->apart + class_of(s, i)];
    }
}

/* beta of step t from that of the next one, in place: of all ways from a state to the end. */
static void go_back(const spelling *s, int64_t t, double *beta, double *room)
{
    const int64_t n = s->states;
    double *terms = room, *most = room + 3 * n;
    if (t == s->steps - 1) {
        for (int64_t i = 0; i < n; i++)
            beta[i] = i > n - 3 ? s->log_p[t * s->apart + class_of(s, i)] : -INFINITY;
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        terms[i] = beta[i];
        terms[n + i] = i + 1 < n ? beta[i + 1] : -INFINITY;
        terms[2 * n + i] = i + 2 < n && may_skip(s, i + 2) ? beta[i + 2] : -INFINITY;
    }
    add_ways(n, beta, terms, most);
    for (int64_t i = 0; i < n; i++)
        beta[i] += s->log_p[t * s->apart + class_of(s, i)];
}

static double loss_of(const spelling *s, const double *alpha, int64_t ld, double *room)
{
    double total;
    if (s->steps == 0)
        return s->states == 1 ? 0 : INFINITY;
    const double *last = alpha + (s->steps - 1) * ld + s->states - 1;
    room[0] = last[0];
    room[1] = s->states > 1 ? last[-1] : -INFINITY;
    room[2] = -INFINITY;
    add_ways(1, &total, room, room + 3);
    return -total;
}

/* exp(log_p) - what the states of a class have of all ways: in -grad, grad [classes]. */
static void slopes_of(const spelling *s, int64_t t, const double *alpha, const double *beta,
                      double loss, double *most, double *sum, double *terms, double *grad)
{
    const double *log_p = s->log_p + t * s->apart;
    for (int64_t c = 0; c < s->classes; c++) {
        most[c] = -INFINITY;
        sum[c] = 0;
    }
    for (int64_t i = 0; i < s->states; i++) {
        const int64_t c = class_of(s, i);
        terms[i] = alpha[i] + beta[i];
        most[c] = terms[i] > most[c] ? terms[i] : most[c];
    }
    for (int64_t i = 0; i < s->states; i++)
        terms[i] -= finite_or_0(most[class_of(s, i)]);
    hone__k->unary[HONE__K_EXP][HONE_F64](s->states, terms, 1, terms, 1);
    for (int64_t i = 0; i < s->states; i++)
        sum[class_of(s, i)] += terms[i];
    hone__k->unary[HONE__K_LOG][HONE_F64](s->classes, sum, 1, sum, 1);
    for (int64_t c = 0; c < s->classes; c++)
        most[c] = most[c] == -INFINITY ? -INFINITY : most[c] + sum[c] + loss - log_p[c];
    hone__k->unary[HONE__K_EXP][HONE_F64](s->classes, most, 1, most, 1);
    hone__k->unary[HONE__K_EXP][HONE_F64](s->classes, sum, 1, log_p, 1);
    for (int64_t c = 0; c < s->classes; c++)
        grad[c] = sum[c] - most[c];
}

static void fill_nan(const spelling *s, double *grad)
{
    for (int64_t t = 0; t < s->steps; t++)
        for (int64_t c = 0; c < s->classes; c++)
            grad[t * s->apart + c] = NAN;
}

/* ---- all samples */

typedef struct {
    const hone_tensor *log_p, *targets;    /* f64 contiguous; i64 contiguous */
    const int64_t *steps, *lengths;        /* [samples] */
    const int64_t *first;                  /* of a sample's target */
    int64_t blank, samples, classes, most; /* most states */
    double *alpha, *loss, *grad;           /* [samples, T, most], [samples], as log_p */
    char *room;                            /* a thread's, room_bytes each */
    size_t room_bytes;
    bool zero_infinity;
} job;

static spelling sample(const job *j, int64_t n)
{
    return (spelling){ .steps = j->steps[n],
                       .classes = j->classes,
                       .states = 2 * j->lengths[n] + 1,
                       .blank = j->blank,
                       .log_p = (const double *)hone__data(j->log_p) + n * j->classes,
                       .apart = j->samples * j->classes,
                       .target = (const int64_t *)hone__data(j->targets) + j->first[n] };
}

static double *alpha_of(const job *j, int64_t n)
{
    return j->alpha + n * j->log_p->shape[0] * j->most;
}

static void run_forward(void *ctx, int thread, int n_threads)
{
    const job *j = ctx;
    double *room = (double *)(j->room + (size_t)thread * j->room_bytes);
    for (int64_t n = thread; n < j->samples; n += n_threads) {
        const spelling s = sample(j, n);
        go_forward(&s, alpha_of(j, n), j->most, room);
        j->loss[n] = loss_of(&s, alpha_of(j, n), j->most, room);
    }
}

static void run_backward(void *ctx, int thread, int n_threads)
{
    const job *j = ctx;
    double *room = (double *)(j->room + (size_t)thread * j->room_bytes), *beta = room + 4 * j->most;
    double *terms = beta + j->most, *most = terms + j->most, *sum = most + j->classes;
    for (int64_t n = thread; n < j->samples; n += n_threads) {
        const spelling s = sample(j, n);
        if (j->loss[n] == INFINITY) { /* there is no way */
            if (!j->zero_infinity)
                fill_nan(&s, j->grad + n * j->classes);
            continue;
        }
        for (int64_t t = s.steps; t-- > 0;) {
            go_back(&s, t, beta, room);
            slopes_of(&s, t, alpha_of(j, n) + t * j->most, beta, j->loss[n], most, sum, terms,
                      j->grad + t * s.apart + n * j->classes);
        }
    }
}

static bool run_team(job *j, hone__team_body body)
{
    const double ns = NS_PER_STATE * (double)j->log_p->shape[0] * (double)(j->most + j->classes);
    const int n = hone__team_for(ns * (double)j->samples, j->samples);
    j->room_bytes = hone__bytes(6 * j->most + 2 * j->classes + 64, sizeof(double));
    const size_t bytes = hone__bytes(n, j->room_bytes);
    if (j->samples == 0)
        return true;
    if (!(j->room = hone__pool_alloc(bytes)))
        return false;
    hone__parallel_team(n, body, j);
    hone__pool_free(j->room, bytes);
    return true;
}

/* Everything of the inputs: log_probs [T, N, C], targets [N, S] or joined [sum of lengths]. */
static bool take_inputs(const ctc_options *o, hone_tensor *const *in, job *j)
{
    hone_tensor *x = in[LOG_PROBS], *targets = in[TARGETS];
    const bool padded = targets->ndim == 2;
    j->samples = x->shape[1];
    j->classes = x->shape[2];
    j->blank = o->blank;
    j->zero_infinity = o->zero_infinity;
    hone_tensor *steps = lengths_of(in[INPUT_LENGTHS], "input_lengths", j->samples, x->shape[0]);
    hone_tensor *lengths = steps ? lengths_of(in[TARGET_LENGTHS], "target_lengths", j->samples,
                                              padded ? targets->shape[1] : targets->numel)
                                 : NULL;
    j->targets = targets = lengths ? hone__indices_of("ctc_loss", targets) : NULL;
    hone_tensor *first = hone_empty(HONE_I64, j->samples + 1);
    j->log_p = hone_contiguous(hone_to(x, HONE_F64));
    if (!targets || !first || !j->log_p || !classes_fit(targets, j->classes))
        return false;
    int64_t *at = hone__data(first), longest = 0, sum = 0;
    j->steps = hone__data(steps);
    j->lengths = hone__data(lengths);
    j->first = at;
    for (int64_t n = 0; n < j->samples; n++) {
        at[n] = padded ? n * targets->shape[1] : sum;
        sum += j->lengths[n];
        longest = j->lengths[n] > longest ? j->lengths[n] : longest;
    }
    j->most = 2 * longest + 1;
    if ((padded && targets->shape[0] == j->samples) || (!padded && sum == targets->numel))
        return true;
    hone_error_set(HONE_E_SHAPE,
                   "ctc_loss: targets %s must be [%lld, length], or [%lld] of all of them joined",
                   hone__tensor_text(targets).s, (long long)j->samples, (long long)sum);
    return false;
}

/* ---- ctc_losses: of each sample */

static bool ctc_losses_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                               hone_tensor **out)
{
    (void)n_in;
    const ctc_options *o = hone__options(ctx);
    const int64_t *shape = in[LOG_PROBS]->shape;
    job j;
    if (!take_inputs(o, in, &j) || !hone__save(ctx, 4, in))
        return false;
    const hone_dtype dtype = (hone_dtype)in[LOG_PROBS]->dtype;
    const int64_t kept[] = { j.samples, shape[0], j.most };
    hone_tensor *loss = hone_empty(HONE_F64, j.samples), *y = hone__out(ctx, 0, dtype, 1, kept);
    hone_tensor *alpha = hone__records(ctx) ? hone__out(ctx, 1, HONE_F64, 3, kept)
                                            : hone_empty(HONE_F64, kept[0], kept[1], kept[2]);
    out[0] = y;
    if (hone__records(ctx))
        out[1] = alpha;
    if (!loss || !y || !alpha)
        return false;
    j.loss = hone__data(loss);
    j.alpha = hone__data(alpha);
    if (!run_team(&j, run_forward) || !HONE__SAVE(ctx, alpha, loss))
        return false;
    if (o->zero_infinity)
        loss = hone_where(hone_eq_scalar(loss, INFINITY), hone_scalar(HONE_F64, 0), loss);
    return loss && hone__copy_elements(y, loss);
}

static void ctc_losses_backward(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    hone_tensor *in[7] = { dy[0] };
    for (int i = 0; i < 6; i++)
        if (!(in[i + 1] = hone_saved(ctx, i)))
            return;
    dx[0] = hone__call(&hone__op_ctc_backward, in, 7, hone__options(ctx));
}

const hone__op hone__op_ctc_losses = {
    .name = "ctc_losses",
    .forward = ctc_losses_forward,
    .backward = ctc_losses_backward,
    .in = { { "log_probs" },
            { "targets", HONE__CONSTANT },
            { "input_lengths", HONE__CONSTANT },
            { "target_lengths", HONE__CONSTANT } },
    .out = { { "losses" }, { "alpha", HONE__HIDDEN | HONE__CONSTANT } },
    .options = part_table,
    .options_bytes = sizeof(ctc_options),
    .forms = HONE__PRIVATE,
};

/* ---- ctc_backward */

static bool ctc_backward_forward(hone_context *ctx, hone_tensor *const *in, int n_in,
                                 hone_tensor **out)
{
    (void)n_in;
    job j;
    hone_tensor *x = in[1];
    if (!take_inputs(hone__options(ctx), in + 1, &j))
        return false;
    hone_tensor *grad = hone_zeros(HONE_F64, x->shape[0], x->shape[1], x->shape[2]);
    if (!grad)
        return false;
    j.alpha = hone__data(in[5]);
    j.loss = hone__data(in[6]);
    j.grad = hone__data(grad);
    hone_tensor *dy = hone_unsqueeze(in[0], 1);
    return dy && run_team(&j, run_backward) &&
           hone__give(out, hone_mul(hone_to(grad, (hone_dtype)x->dtype), dy));
}

static void no_second_gradient(hone_context *ctx, hone_tensor *const *dy, hone_tensor **dx)
{
    (void)ctx, (void)dy, (void)dx;
    hone_error_set(HONE_E_STATE, "ctc_loss: its gradient can't be differentiated");
}

const hone__op hone__op_ctc_backward = {
    .name = "ctc_backward",
    .forward = ctc_backward_forward,
    .backward = no_second_gradient,
    .in = { { "dy" },
            { "log_probs" },
            { "targets", HONE__CONSTANT },
            { "input_lengths", HONE__CONSTANT },
            { "target_lengths", HONE__CONSTANT },
            { "alpha", HONE__CONSTANT },
            { "losses", HONE__CONSTANT } },
    .options = part_table,
    .options_bytes = sizeof(ctc_options),
    .forms = HONE__PRIVATE,
};

/* ---- ctc_loss */

static const hone__option ctc_table[] = {
    HONE__LOSS_OPTION(blank, HONE__OPT_INT),
    HONE__LOSS_REDUCTION,
    HONE__LOSS_OPTION(zero_infinity, HONE__OPT_BOOL),
    { NULL },
};

/* A mean is over each loss divided by its target's length, 1 at least. */
static hone_tensor *by_length(hone_tensor *losses, hone_tensor *lengths)
{
    lengths = hone_reshape(hone_maximum_scalar(lengths, 1), -1);
    return hone_div(losses, hone_to(lengths, hone_dtype_of(losses)));
}

static bool ctc_loss_forward(hone_context *ctx, hone_tensor *const *in, int n_in, hone_tensor **out)
{
    (void)n_in;
    const hone__loss_options *o = hone__loss_of(ctx);
    hone_tensor *x = in[LOG_PROBS], *targets = in[TARGETS];
    const bool single = x->ndim == 2;
    if (!hone__loss_takes(ctx, &x, 1))
        return false;
    if ((!single && x->ndim != 3) || x->shape[x->ndim - 1] == 0 || targets->ndim < 1 ||
        targets->ndim > 2) {
        hone_error_set(HONE_E_SHAPE,
                       "ctc_loss: wants log_probs [T, N, C] or [T, C] and targets [N, length] or "
                       "joined, got %s and %s",
                       hone__tensor_text(x).s, hone__tensor_text(targets).s);
        return false;
    }
    if (o->blank < 0 || o->blank >= x->shape[x->ndim - 1])
        return hone__loss_refuses(ctx, "blank", (double)o->blank, "one of the classes");
    x = single ? hone_unsqueeze(x, 1) : x;
    hone_tensor *losses =
        hone__call(&hone__op_ctc_losses, IN(x, targets, in[INPUT_LENGTHS], in[TARGET_LENGTHS]),
                   &(ctc_options){ o->blank, o->zero_infinity });
    if (losses && o->reduction == HONE_REDUCE_MEAN)
        losses = by_length(losses, in[TARGET_LENGTHS]);
    if (losses && single && o->reduction == HONE_REDUCE_NONE)
        losses = hone_squeeze(losses, 0);
    return losses && hone__give(out, hone__loss_reduced(ctx, losses));
}

const hone__op hone__op_ctc_loss = {
    .name = "ctc_loss",
    .forward = ctc_loss_forward,
    .in = { { "log_probs" }, { "targets" }, { "input_lengths" }, { "target_lengths" } },
    .options = ctc_table,
    .options_bytes = sizeof(hone__loss_options),
    .composite = true,
    .once = true,
    .why = "the ways back through the states are no ops (PyTorch has none either)",
};

hone_tensor *hone_ctc_loss(hone_tensor *log_probs, hone_tensor *targets, hone_tensor *input_lengths,
                           hone_tensor *target_lengths, int64_t blank, hone_reduction reduction,
                           bool zero_infinity)
{
    return hone__call(&hone__op_ctc_loss, IN(log_probs, targets, input_lengths, target_lengths),
                      &(hone__loss_options){ .blank = blank,
                                             .reduction = (int)reduction,
                                             .zero_infinity = zero_infinity });
}
