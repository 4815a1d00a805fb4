/* overhead: what a call costs beyond its arithmetic, on tensors of 4 elements, and where it goes.
 * Best of many short runs, as other programs only ever add. One thread: these jobs never leave
 * it. */
#include "../clock.h"
#include "core/core.h"
#include "isa/isa.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

#include <hone/hone.h>

#include <stdio.h>

enum { CALLS = 1000, RUNS = 200, CHAIN = 1000 };

typedef struct {
    hone_tensor *a, *b; /* [4] */
} operands;

/* Each runs CALLS times what it measures, in a scope of its own. */

static void scopes(operands in)
{
    (void)in;
    for (int i = 0; i < CALLS; i++) {
        HONE_SCOPE();
    }
}

static void blocks(operands in)
{
    (void)in;
    for (int i = 0; i < CALLS; i++)
        hone__pool_free(hone__pool_alloc(80), 80);
}

static void handles(operands in)
{
    (void)in;
    for (int i = 0; i < CALLS; i++)
        hone__obj_free(HONE__OBJ_TENSOR, hone__obj_take(HONE__OBJ_TENSOR, sizeof(hone_tensor)));
}

static void empties(operands in)
{
    (void)in;
    HONE_SCOPE();
    for (int i = 0; i < CALLS; i++)
        hone_empty(HONE_F32, 4);
}

/* ---- the parts of an add, as hone__call goes through them ---- */

static void kernels(operands in)
{
    for (int i = 0; i < CALLS; i++) /* on itself: the values don't matter */
        hone__k->binary[HONE__K_ADD][HONE_F32](4, hone__data(in.b), 1, hone__data(in.b), 1,
                                               hone__data(in.b), 1);
}

static void nothing(void *ctx, int64_t begin, int64_t end)
{
    (void)ctx, (void)begin, (void)end;
}

static void ranges(operands in)
{
    (void)in;
    for (int i = 0; i < CALLS; i++)
        hone__parallel_for(4, 64, 0.3, nothing, NULL);
}

static void adds(operands in)
{
    HONE_SCOPE();
    for (int i = 0; i < CALLS; i++)
        hone_add(in.a, in.b);
}

static void adds_in_place(operands in)
{
    HONE_NO_GRAD();
    for (int i = 0; i < CALLS; i++)
        hone_add_(in.a, in.b);
}

static void adds_scoped(operands in)
{
    for (int i = 0; i < CALLS; i++) {
        HONE_SCOPE();
        hone_add(in.a, in.b);
    }
}

static hone_tensor *chain(operands in)
{
    hone_tensor *t = in.a;
    for (int i = 0; i < CHAIN; i++)
        t = hone_mul(t, in.b);
    return t;
}

static void chain_forward(operands in)
{
    HONE_SCOPE();
    chain(in);
}

static void chain_and_back(operands in)
{
    HONE_SCOPE();
    hone_backward(hone_sum(chain(in)));
}

typedef struct {
    void (*body)(operands);
    operands in;
} job;

static void run_job(const void *of)
{
    const job *j = of;
    j->body(j->in);
}

static double row(const char *what, void (*body)(operands), operands in, double target)
{
    const double ns = best_ns(RUNS, run_job, &(job){ body, in }) / CALLS;
    printf("%-48s %7.1f", what, ns);
    if (target > 0)
        printf("   at most %3.0f: %s", target, ns <= target ? "yes" : "NO");
    putchar('\n');
    return ns;
}

/* What hone__call does for an add, piece by piece; what is left is the checks: that hone is ready,
 * of NULL, dtype, shape, overlap, whether to record; the rounding mode, the scope. */
static void breakdown(operands in, double add_ns)
{
    puts("where the nanoseconds of an add go");
    double sum = row("  the new tensor: two blocks, filled in, in scope", empties, in, 0);
    sum += row("  one thread or the team", ranges, in, 0);
    sum += row("  the kernel, called through its table", kernels, in, 0);
    printf("%-48s %7.1f\n", "  checks and the plan of the loop (what is left)", add_ns - sum);
}

static operands make(bool grad)
{
    operands in = { hone_full(HONE_F32, 1.0, 4), hone_full(HONE_F32, 0.999, 4) };
    if (grad)
        hone_requires_grad_(in.a, true);
    return in;
}

int main(void)
{
    HONE_SCOPE();
    const operands plain = make(false), recorded = make(true);
    if (!plain.a || !recorded.a) {
        fprintf(stderr, "overhead: %s\n", hone_error_message());
        return 1;
    }
    printf("isa %s, nanoseconds a call, best of %d runs of %d calls\n", hone_isa(), RUNS, CALLS);
    row("a scope, opened and closed", scopes, plain, 0);
    row("a block, taken and given back", blocks, plain, 0);
    row("a handle, taken and given back", handles, plain, 0);
    row("empty tensor, made and dropped", empties, plain, 0);
    row("add in place (no new tensor)", adds_in_place, plain, 0);
    const double add_ns = row("add, no gradient", adds, plain, 100);
    row("add, no gradient, a scope each", adds_scoped, plain, 0);
    row("add, recorded, node dropped", adds, recorded, 250);
    row("chain of multiplications, forward, a link", chain_forward, recorded, 0);
    row("the same and backward, a link", chain_and_back, recorded, 500);
    breakdown(plain, add_ns);
    if (hone_error_code() != HONE_OK) {
        fprintf(stderr, "overhead: %s\n", hone_error_message());
        return 1;
    }
    return 0;
}
