/* schedule_state.c: where a schedule stands, as named numbers, to be saved and loaded. */
#include "core/core.h"
#include "core/text.h"
#include "optim/schedule.h"
#include "runtime/memory.h"

#include <hone/ops.h>

#include <math.h>
#include <string.h>

enum { NAME_BYTES = 48, OWN = 4 }; /* numbers of a schedule besides two a group */

/* A number of the state: in a double, or in an int64_t. */
typedef struct {
    char name[NAME_BYTES];
    double *real;
    int64_t *whole;
} number;

static int list_one(hone_schedule *s, const char *prefix, number *to)
{
    int n = 0;
    const struct {
        const char *name;
        double *real;
        int64_t *whole;
    } own[OWN] = { { "last_epoch", NULL, &s->count },
                   { "best", &s->best, NULL },
                   { "num_bad_epochs", NULL, &s->bad },
                   { "cooldown_counter", NULL, &s->cooldown } };
    for (int i = 0; i < OWN; i++, n++) {
        to[n] = (number){ .real = own[i].real, .whole = own[i].whole };
        hone__format(to[n].name, NAME_BYTES, "%s%s", prefix, own[i].name);
    }
    for (int g = 0; g < s->n_groups; g++) {
        to[n] = (number){ .real = &s->last[g] };
        hone__format(to[n++].name, NAME_BYTES, "%slast_lr.%d", prefix, g);
        to[n] = (number){ .real = &s->optim->initial_lr[g] };
        hone__format(to[n++].name, NAME_BYTES, "%sinitial_lr.%d", prefix, g);
    }
    return n;
}

/* All numbers, in a block of the current scope; NULL: E_NOMEM. */
static number *list_all(const hone_schedule *s, int *n)
{
    const int64_t parts = s->parts ? (int64_t)s->n_milestones + 1 : 0;
    const int64_t most = (1 + parts) * (OWN + 2 * (int64_t)s->n_groups);
    number *to = hone__own_block(hone__malloc(hone__bytes(most, sizeof *to)));
    if (!to)
        return NULL;
    *n = list_one((hone_schedule *)(uintptr_t)s, "", to);
    for (int64_t i = 0; i < parts; i++) {
        char prefix[24];
        hone__format(prefix, sizeof prefix, "%lld.", (long long)i);
        *n += list_one(s->parts[i], prefix, to + *n);
    }
    return to;
}

hone_named_list hone_schedule_state(const hone_schedule *s)
{
    const hone_named_list failed = { NULL, 0 };
    int n;
    if (!s) {
        hone__error_missing("schedule_state", "a schedule");
        return failed;
    }
    number *all = list_all(s, &n);
    hone_named *at =
        all ? hone__own_block(hone__malloc(hone__bytes((int64_t)n + 1, sizeof *at))) : NULL;
    for (int i = 0; at && i < n; i++) {
        hone_tensor *t = all[i].real ? hone_scalar(HONE_F64, *all[i].real)
                                     : hone_scalar(HONE_I64, (double)*all[i].whole);
        if (!t)
            return failed;
        at[i] = (hone_named){ all[i].name, t };
    }
    return at ? (hone_named_list){ at, n } : failed;
}

static bool read_number(hone_named_list state, const number *wanted, double *value)
{
    for (int i = 0; i < state.n; i++) {
        if (!state.at[i].name || strcmp(state.at[i].name, wanted->name) != 0)
            continue;
        const uint64_t errors = hone__error_count();
        *value = hone_item(state.at[i].tensor);
        if (hone__error_count() != errors)
            return false;
        if (wanted->real || (*value >= 0 && *value < 0x1p53 && floor(*value) == *value))
            return true;
        hone_error_set(HONE_E_VALUE,
                       "schedule_load_state: \"%s\" is %g, but a whole number from 0 is wanted",
                       wanted->name, *value);
        return false;
    }
    hone_error_set(HONE_E_STATE, "schedule_load_state: \"%s\" is missing", wanted->name);
    return false;
}

hone_status hone_schedule_load_state(hone_schedule *s, hone_named_list state)
{
    HONE_SCOPE();
    int n;
    if (!s || !state.at)
        return hone__error_missing("schedule_load_state", s ? "a list" : "a schedule");
    number *all = list_all(s, &n);
    double *values = all ? hone__own_block(hone__malloc(hone__bytes(n, sizeof *values))) : NULL;
    if (!values)
        return hone__error_last();
    for (int i = 0; i < n; i++)
        if (!read_number(state, &all[i], &values[i]))
            return hone__error_last();
    for (int i = 0; i < n; i++) {
        if (all[i].real)
            *all[i].real = values[i];
        else
            *all[i].whole = (int64_t)values[i];
    }
    return HONE_OK;
}
