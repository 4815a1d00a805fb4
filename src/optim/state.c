/* state.c: an optimizer's state as named tensors, to be saved and loaded. */
#include "core/core.h"
#include "core/text.h"
#include "op/options.h"
#include "optim/optim.h"
#include "runtime/memory.h"

#include <hone/ops.h>

#include <math.h>
#include <string.h>

enum { NAME_BYTES = 80 };

/* ---- the list: called twice, first to count */

typedef struct {
    hone_named *at; /* NULL: count only */
    char *text;
    int n;
} lister;

/* Takes a tensor that a scope owns. */
static bool add(lister *l, hone_tensor *t, const char *prefix, int number, const char *name)
{
    if (l->at) {
        char *text = l->text + (size_t)l->n * NAME_BYTES;
        hone__format(text, NAME_BYTES, "%s.%d.%.48s", prefix, number, name);
        l->at[l->n] = (hone_named){ text, t };
    }
    l->n++;
    return !l->at || t;
}

static bool add_number(lister *l, hone_dtype dtype, double value, const char *prefix, int number,
                       const char *name)
{
    return add(l, l->at ? hone_scalar(dtype, value) : NULL, prefix, number, name);
}

static bool list_param(lister *l, const hone_optim *optim, int i)
{
    const hone__optim_param *p = &optim->params[i];
    const hone__optim_class *type = optim->type;
    bool ok = true;
    if (p->count == 0)
        return true;
    if (type->counts)
        ok = add_number(l, HONE_I64, (double)p->count, "state", i, "step");
    if (ok && type->number)
        ok = add_number(l, HONE_F64, p->number, "state", i, type->number);
    for (int k = 0; ok && k < HONE__OPTIM_SLOTS; k++)
        if (p->begun & 1u << k)
            ok = add(l, l->at ? hone__own(hone_retain(p->slot[k])) : NULL, "state", i,
                     type->slots[k]);
    return ok;
}

static bool list_all(lister *l, const hone_optim *optim)
{
    bool ok = true;
    l->n = 0;
    for (int i = 0; ok && i < optim->n; i++)
        ok = list_param(l, optim, i);
    for (int g = 0; g < optim->n_groups; g++)
        for (const hone__option *o = optim->type->is.options; ok && o->name; o++) {
            double value = 0;
            hone__option_get(&optim->type->is, o->name, optim->groups[g], &value);
            ok = add_number(l, HONE_F64, value, "param_groups", g, o->name);
        }
    return ok;
}

hone_named_list hone_optim_state(const hone_optim *optim)
{
    const hone_named_list failed = { NULL, 0 };
    lister l = { NULL, NULL, 0 };
    if (!optim) {
        hone__error_missing("optim_state", "an optimizer");
        return failed;
    }
    list_all(&l, optim);
    const size_t array = hone__bytes((int64_t)l.n + 1, sizeof *l.at);
    char *block = hone__own_block(hone__malloc(array + hone__bytes(l.n, NAME_BYTES)));
    if (!block)
        return failed;
    l.at = (hone_named *)block;
    l.text = block + array;
    HONE_NO_GRAD();
    return list_all(&l, optim) ? (hone_named_list){ l.at, l.n } : failed;
}

/* ---- loading: everything is read and checked before anything changes */

typedef struct {
    const char *name; /* after the prefix and the number */
    int number;
} place;

/* "state.3.exp_avg" -> 3, "exp_avg"; false: another prefix, or no number. */
static bool split(const char *name, const char *prefix, int n, place *to)
{
    const size_t length = strlen(prefix);
    if (strncmp(name, prefix, length) != 0 || name[length] != '.')
        return false;
    const char *digits = name + length + 1;
    const size_t n_digits = strspn(digits, "0123456789");
    int64_t number;
    if (n_digits == 0 || digits[n_digits] != '.' || !hone__read_i64(digits, n_digits, &number) ||
        number >= n)
        return false;
    *to = (place){ digits + n_digits + 1, (int)number };
    return true;
}

/* The new state, beside the old one. */
typedef struct {
    hone__optim_param *params; /* slot: a new tensor, or NULL */
    hone__optim_options *groups;
} loading;

static bool is_unexpected(const hone_optim *optim, const char *name)
{
    hone_error_set(HONE_E_STATE,
                   "optim_load_state: \"%.60s\" is unexpected: %s has %d parameters and %d group%s",
                   name, optim->type->is.name, optim->n, optim->n_groups,
                   optim->n_groups == 1 ? "" : "s");
    return false;
}

static bool read_number(hone_named from, double *value)
{
    if (hone_numel(from.tensor) == 1) {
        HONE_SCOPE();
        *value = hone_item(hone_detach(from.tensor));
        return !isnan(*value) || hone_error_code() == HONE_OK;
    }
    hone_error_set(HONE_E_SHAPE, "optim_load_state: \"%.60s\" is %s, but one number is wanted",
                   from.name, hone__tensor_text(from.tensor).s);
    return false;
}

static bool read_slot(hone__optim_param *p, int k, hone_named from)
{
    hone_tensor *t = from.tensor;
    const bool same_shape = hone__same_shape(t, p->param);
    if (!same_shape || hone_dtype_of(t) != hone__optim_state_dtype(p->param)) {
        hone_error_set(same_shape ? HONE_E_DTYPE : HONE_E_SHAPE,
                       "optim_load_state: \"%.60s\" is %s, its parameter %s", from.name,
                       hone__tensor_text(t).s, hone__tensor_text(p->param).s);
        return false;
    }
    hone_tensor *copy =
        hone_copy_(hone__own(hone__new("optim_load_state", hone_dtype_of(t), t->ndim, t->shape)),
                   hone_detach(t));
    hone_release(p->slot[k]);
    p->slot[k] = hone_retain(copy);
    p->begun |= 1u << k;
    return copy != NULL;
}

static bool read_param(const hone_optim *optim, hone__optim_param *p, const char *what,
                       hone_named from)
{
    const hone__optim_class *type = optim->type;
    double value = 0;
    if (strcmp(what, "step") == 0 && type->counts) {
        if (!read_number(from, &value))
            return false;
        if (value >= 1 && value < 0x1p53 && value == (double)(int64_t)value) {
            p->count = (int64_t)value;
            return true;
        }
        hone_error_set(HONE_E_VALUE, "optim_load_state: \"%.60s\" is %g, but 1 or more is wanted",
                       from.name, value);
        return false;
    }
    if (type->number && strcmp(what, type->number) == 0)
        return read_number(from, &p->number);
    for (int k = 0; type->slots[k]; k++)
        if (strcmp(what, type->slots[k]) == 0)
            return read_slot(p, k, from);
    return is_unexpected(optim, from.name);
}

static bool read_one(const hone_optim *optim, loading *l, hone_named from)
{
    const hone__op *is = &optim->type->is;
    place at;
    double value;
    if (!from.name) {
        hone__error_missing("optim_load_state", "a name");
        return false;
    }
    if (!hone__needs_tensor("optim_load_state", from.tensor))
        return false;
    if (split(from.name, "state", optim->n, &at))
        return read_param(optim, &l->params[at.number], at.name, from);
    if (!split(from.name, "param_groups", optim->n_groups, &at) ||
        !hone__option_get(is, at.name, &l->groups[at.number], &value))
        return is_unexpected(optim, from.name);
    return read_number(from, &value) && hone__option_set(is, at.name, value, &l->groups[at.number]);
}

/* A parameter has all of its state or none. */
static bool is_whole(const hone_optim *optim, const loading *l, int i)
{
    const hone__optim_class *type = optim->type;
    const hone__optim_param *p = &l->params[i];
    const unsigned uses =
        type->uses ? type->uses(&l->groups[p->group]) : hone__optim_uses(optim, p);
    const char *missing = NULL;
    if (p->count == 0 && p->begun == 0 && isnan(p->number))
        return true;
    for (int k = 0; k < HONE__OPTIM_SLOTS; k++)
        if (uses & ~p->begun & 1u << k)
            missing = type->slots[k];
    if (type->number && isnan(p->number))
        missing = type->number;
    if (type->counts && p->count == 0)
        missing = "step";
    if (missing)
        hone_error_set(HONE_E_STATE, "optim_load_state: \"state.%d.%s\" is missing", i, missing);
    return !missing;
}

static void take(hone_optim *optim, loading *l)
{
    const size_t bytes = optim->type->is.options_bytes;
    for (int i = 0; i < optim->n; i++) {
        hone__optim_param *p = &optim->params[i], *new = &l->params[i];
        for (int k = 0; k < HONE__OPTIM_SLOTS; k++) {
            hone_tensor *old = p->slot[k];
            p->slot[k] = new->slot[k];
            new->slot[k] = old;
        }
        p->begun = new->begun;
        p->count = !optim->type->counts && new->begun ? 1 : new->count;
        p->number = isnan(new->number) ? 1 : new->number;
    }
    for (int g = 0; g < optim->n_groups; g++)
        memcpy(optim->groups[g], &l->groups[g], bytes);
}

static bool read_all(const hone_optim *optim, loading *l, hone_named_list state)
{
    for (int i = 0; i < state.n; i++)
        if (!read_one(optim, l, state.at[i]))
            return false;
    for (int g = 0; g < optim->n_groups; g++)
        if (!hone__optim_fits(optim->type, &l->groups[g]))
            return false;
    for (int i = 0; i < optim->n; i++)
        if (!is_whole(optim, l, i))
            return false;
    return true;
}

hone_status hone_optim_load_state(hone_optim *optim, hone_named_list state)
{
    if (!optim || !state.at)
        return hone__error_missing("optim_load_state", optim ? "a list" : "an optimizer");
    HONE_SCOPE();
    HONE_NO_GRAD();
    loading l = { hone__calloc(hone__bytes(optim->n, sizeof *l.params)),
                  hone__calloc(hone__bytes(optim->n_groups, sizeof *l.groups)) };
    bool ok = l.params && l.groups;
    for (int i = 0; ok && i < optim->n; i++) {
        l.params[i] = (hone__optim_param){ .param = optim->params[i].param,
                                           .group = optim->params[i].group,
                                           .number = NAN };
    }
    for (int g = 0; ok && g < optim->n_groups; g++)
        memcpy(&l.groups[g], optim->groups[g], optim->type->is.options_bytes);
    ok = ok && read_all(optim, &l, state);
    if (ok)
        take(optim, &l);
    for (int i = 0; l.params && i < optim->n; i++)
        for (int k = 0; k < HONE__OPTIM_SLOTS; k++)
            hone_release(l.params[i].slot[k]);
    hone__free(l.params);
    hone__free(l.groups);
    return ok ? HONE_OK : hone__error_last();
}
