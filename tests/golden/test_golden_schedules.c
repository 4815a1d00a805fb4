/* The first 200 rates of every schedule equal PyTorch's within 1e-12: schedules.txt, of which
 * make_schedules_golden.py tells. */
#include <criterion/criterion.h>
#include <hone/hone.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 200, LINE = 8192 };

static hone_optim *optim_of(const char *name)
{
    hone_tensor *p = hone_requires_grad_(hone_zeros(HONE_F64, 1), true);
    return hone_optim_by_name(name, hone_list(p), "lr=0.1");
}

static hone_schedule *sequential(hone_optim *optim)
{
    hone_schedule *parts[] = {
        hone_lr_constant(optim, &(hone_lr_constant_options){ .factor = 0.5, .total_iters = 4 }),
        hone_lr_exponential(optim, &(hone_lr_exponential_options){ .gamma = 0.9 }),
        hone_lr_cosine(optim, &(hone_lr_cosine_options){ .t_max = 40 }),
    };
    return hone_lr_sequential(optim, parts, (const int64_t[]){ 10, 60 }, 3);
}

static hone_schedule *schedule_of(hone_optim *optim, const char *text)
{
    char name[40] = "";
    const char *options = strchr(text, ' ');
    snprintf(name, sizeof name, "%.*s", (int)strcspn(text, " "), text);
    if (strcmp(name, "sequential") == 0)
        return sequential(optim);
    if (strcmp(name, "warmup") == 0)
        return hone_lr_warmup(hone_lr_cosine(optim, &(hone_lr_cosine_options){ .t_max = 180 }), 20,
                              0.1);
    return hone_schedule_by_name(name, optim, options);
}

static double metric(int i)
{
    static const double values[] = { 4, 3, 2, 2, 2, 1.99999, 2.5, 1.9 };
    return values[i % 8] / (1 + i / 16);
}

static void check(const char *name, const char *what, const double *got, const double *wanted)
{
    for (int i = 0; i < STEPS; i++)
        cr_assert(fabs(got[i] - wanted[i]) <= 1e-12 * fmax(fabs(wanted[i]), 0.1),
                  "%s: %s of step %d is %.17g, PyTorch's %.17g", name, what, i, got[i], wanted[i]);
}

static void run(const char *text, const char *momentum, double *lr, double *moment)
{
    hone_optim *optim = optim_of(momentum && strcmp(momentum, "beta1") == 0 ? "adam" : "sgd");
    hone_schedule *schedule = schedule_of(optim, text);
    cr_assert(schedule, "%s: %s", text, hone_error_message());
    for (int i = 0; i < STEPS; i++) {
        if (i > 0)
            cr_assert(hone_schedule_step_metric(schedule, metric(i - 1)) == HONE_OK, "%s: %s", text,
                      hone_error_message());
        lr[i] = hone_optim_lr(optim);
        cr_assert(i == 0 || hone_schedule_last_lr(schedule, 0) == lr[i]);
        moment[i] = momentum ? hone_optim_get(optim, 0, momentum) : 0;
    }
    hone_schedule_free(schedule);
    hone_optim_free(optim);
}

/* "name: value value ..." -> name, cut off, and values. */
static void read_line(char *line, double *values)
{
    char *at = strstr(line, ": ");
    cr_assert(at, "%.40s", line);
    *at++ = 0;
    for (int i = 0; i < STEPS; i++)
        values[i] = strtod(at, &at);
}

Test(golden_schedules, first_200_rates)
{
    HONE_SCOPE();
    FILE *f = fopen(HONE_SOURCE_DIR "/tests/golden/schedules.txt", "r");
    cr_assert(f);
    static char line[LINE], next[LINE];
    double wanted[STEPS], moments[STEPS], lr[STEPS], moment[STEPS];
    int n = 0;
    cr_assert(fgets(line, sizeof line, f) && line[0] == '#');
    bool more = fgets(line, sizeof line, f);
    while (more) {
        read_line(line, wanted);
        more = fgets(next, sizeof next, f);
        const bool has_moment =
            more && (strncmp(next, "momentum", 8) == 0 || !strncmp(next, "beta1", 5));
        if (has_moment)
            read_line(next, moments);
        run(line, has_moment ? next : NULL, lr, moment);
        check(line, "the rate", lr, wanted);
        if (has_moment) {
            check(line, next, moment, moments);
            more = fgets(next, sizeof next, f);
        }
        memcpy(line, next, sizeof line);
        n++;
    }
    fclose(f);
    cr_assert(n == 23, "%d schedules", n);
}
