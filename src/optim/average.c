/* average.c: averages of a module's parameters over the steps of its training. */
#include "core/core.h"
#include "core/reserve.h"
#include "op/options.h"
#include "ops/optimize.h"
#include "optim/optim.h"
#include "runtime/memory.h"

#include <hone/autograd.h>
#include <hone/ops.h>

#include <string.h>

typedef hone_average_options average_options;

static const hone__option table[] = {
    HONE__OPTIM_REAL(average_options, decay, 0.999, HONE__UP_TO_1),
    HONE__OPTIM_FLAG(average_options, equal),
    HONE__OPTIM_FLAG(average_options, use_buffers),
    { 0 },
};

static const hone__op is = HONE__OPTIM_IS("average", table, average_options);

typedef struct {
    hone_tensor *of, *mean;
} averaged;

struct hone_average {
    average_options o;
    averaged *at;
    char **names;
    int n;
    int64_t updates;
};

static void *release_all(hone_average *a)
{
    hone_average_free(a);
    return NULL;
}

static bool take(hone_average *a, const hone_named *found)
{
    hone_tensor *t = found->tensor;
    const size_t bytes = strlen(found->name) + 1;
    char *name = hone__malloc(bytes);
    hone_tensor *copy = name ? hone_clone(hone_detach(t)) : NULL;
    if (!copy) {
        hone__free(name);
        return false;
    }
    a->names[a->n] = memcpy(name, found->name, bytes);
    a->at[a->n++] = (averaged){ hone_retain(t), hone_retain(copy) };
    return true;
}

hone_average *hone_average_new(hone_module *module, const hone_average_options *options)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    average_options o;
    if (!HONE__KNOWS_OPTIONS("average", options) || !hone__options_resolve(&is, options, &o))
        return NULL;
    if (!module) {
        hone__error_missing("average", "a module");
        return NULL;
    }
    const hone_named_list params = hone_named_parameters(module);
    const hone_named_list buffers =
        o.use_buffers && params.at ? hone_named_buffers(module) : (hone_named_list){ params.at, 0 };
    hone_average *a = params.at && buffers.at ? hone__calloc(sizeof *a) : NULL;
    if (!a)
        return NULL;
    const int64_t n = (int64_t)params.n + buffers.n;
    a->o = o;
    a->at = hone__malloc(hone__bytes(n + 1, sizeof *a->at));
    a->names = hone__malloc(hone__bytes(n + 1, sizeof *a->names));
    bool ok = a->at && a->names;
    for (int i = 0; ok && i < params.n; i++)
        ok = take(a, &params.at[i]);
    for (int i = 0; ok && i < buffers.n; i++)
        ok = take(a, &buffers.at[i]);
    return ok ? a : release_all(a);
}

void hone_average_free(hone_average *a)
{
    if (!a)
        return;
    for (int i = 0; i < a->n; i++) {
        hone_release(a->at[i].of);
        hone_release(a->at[i].mean);
        hone__free(a->names[i]);
    }
    hone__free(a->at);
    hone__free(a->names);
    hone__free(a);
}

/* mean += weight (of - mean): a step of SGD against a gradient of `of` with a decay of -1. */
static hone_status move_mean(averaged *t, double weight)
{
    if (weight == 1 || !hone_dtype_is_float(hone_dtype_of(t->mean)))
        return hone_copy_(t->mean, t->of) ? HONE_OK : hone__error_last();
    return hone__sgd_step(t->mean, t->of, NULL,
                          &(hone__sgd_args){ .lr = -weight, .weight_decay = -1 });
}

hone_status hone_average_update(hone_average *a)
{
    if (!a)
        return hone__error_missing("average_update", "an average");
    HONE_SCOPE();
    HONE_NO_GRAD();
    const double n = (double)a->updates;
    const double weight = n == 0 ? 1 : a->o.equal ? 1 / (n + 1) : 1 - a->o.decay;
    hone_status status = HONE_OK;
    for (int i = 0; i < a->n && status == HONE_OK; i++)
        status = move_mean(&a->at[i], weight);
    a->updates += status == HONE_OK;
    return status;
}

int64_t hone_average_updates(const hone_average *a)
{
    if (!a)
        hone__error_missing("average_updates", "an average");
    return a ? a->updates : -1;
}

/* All memory is taken before the first tensor changes. */
hone_status hone_average_swap(hone_average *a)
{
    if (!a)
        return hone__error_missing("average_swap", "an average");
    HONE_SCOPE();
    HONE_NO_GRAD();
    hone_tensor_list before = hone__list_new(a->n);
    for (int i = 0; before.at && i < a->n; i++)
        if (!(before.at[i] = hone_clone(hone_detach(a->at[i].of))))
            return hone__error_last();
    if (!before.at)
        return hone__error_last();
    for (int i = 0; i < a->n; i++)
        if (!hone_copy_(a->at[i].of, a->at[i].mean) || !hone_copy_(a->at[i].mean, before.at[i]))
            return hone__error_last();
    return HONE_OK;
}

hone_named_list hone_average_state(const hone_average *a)
{
    hone_named_list list = { NULL, 0 };
    if (!a) {
        hone__error_missing("average_state", "an average");
        return list;
    }
    list.at = hone__own_block(hone__malloc(hone__bytes((int64_t)a->n + 2, sizeof *list.at)));
    if (!list.at)
        return list;
    for (int i = 0; i < a->n; i++) {
        list.at[i] = (hone_named){ a->names[i], hone__own(hone_retain(a->at[i].mean)) };
        if (!list.at[i].tensor)
            return (hone_named_list){ NULL, 0 };
    }
    list.at[a->n] = (hone_named){ "n_averaged", hone_scalar(HONE_I64, (double)a->updates) };
    list.n = a->n + 1;
    return list.at[a->n].tensor ? list : (hone_named_list){ NULL, 0 };
}

static const hone_named *find(hone_named_list list, const char *name, int hint)
{
    if (hint < list.n && list.at[hint].name && strcmp(list.at[hint].name, name) == 0)
        return &list.at[hint]; /* as hone_average_state() has them */
    for (int i = 0; i < list.n; i++)
        if (list.at[i].name && strcmp(list.at[i].name, name) == 0)
            return &list.at[i];
    hone_error_set(HONE_E_STATE, "average_load_state: \"%.80s\" is missing", name);
    return NULL;
}

static bool mean_fits(const hone_named *from, const hone_tensor *mean)
{
    hone_tensor *t = from->tensor;
    if (!hone__needs_tensor("average_load_state", t))
        return false;
    const bool same_shape = hone__same_shape(t, mean);
    if (same_shape && t->dtype == mean->dtype)
        return true;
    hone_error_set(same_shape ? HONE_E_DTYPE : HONE_E_SHAPE,
                   "average_load_state: \"%.60s\" is %s, the module's %s", from->name,
                   hone__tensor_text(t).s, hone__tensor_text(mean).s);
    return false;
}

hone_status hone_average_load_state(hone_average *a, hone_named_list state)
{
    if (!a || !state.at)
        return hone__error_missing("average_load_state", a ? "a list" : "an average");
    HONE_SCOPE();
    HONE_NO_GRAD();
    hone_tensor_list found = hone__list_new(a->n);
    for (int i = 0; found.at && i < a->n; i++) {
        const hone_named *from = find(state, a->names[i], i);
        if (!from || !mean_fits(from, a->at[i].mean))
            return hone__error_last();
        found.at[i] = hone_detach(from->tensor);
        if (!found.at[i])
            return hone__error_last();
    }
    const hone_named *updates = found.at ? find(state, "n_averaged", a->n) : NULL;
    if (!updates || !hone__needs_tensor("average_load_state", updates->tensor))
        return hone__error_last();
    const uint64_t errors = hone__error_count();
    const int64_t n = hone_item_i64(updates->tensor);
    if (hone__error_count() != errors)
        return hone__error_last();
    for (int i = 0; i < a->n; i++)
        if (!hone_copy_(a->at[i].mean, found.at[i]))
            return hone__error_last();
    a->updates = n;
    return HONE_OK;
}
