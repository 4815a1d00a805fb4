/* halves.c: see halves.h. */
#include "ops/halves.h"

#include "op/half.h"
#include "kernels/kernels.h"
#include "ops/common.h"

#include <stdlib.h>

#define STEP_KERNEL(NAME, name, ...) extern const hone__op hone__op_##name##_step;
#include "kernels/kernels.def"

/* In the order of the list; sorted by address before anybody looks at them. */
static hone__half_rule rules[] = {
#define HALF(op, takes, mixes, casts)                                                              \
    { &hone__op_##op, HONE__TAKES_##takes, HONE__MIXES_##mixes, HONE__CASTS_##casts },
#include "ops/halves.def"
/* of a parameter of 16 bits the step is taken in f32, where its state is, too */
#define STEP_KERNEL(NAME, name, ...) HALF(name##_step, F32, PROMOTED, NOT)
#include "kernels/kernels.def"
#undef HALF
};

static int by_address(const void *a, const void *b)
{
    const hone__op *x = ((const hone__half_rule *)a)->op, *y = ((const hone__half_rule *)b)->op;
    return (x > y) - (x < y);
}

void hone__half_rules_begin(void)
{
    enum { N = sizeof rules / sizeof *rules };
    qsort(rules, N, sizeof *rules, by_address);
    hone__half_rules = rules;
    hone__half_rule_count = N;
}
