/* container.c: Sequential, ModuleList and ModuleDict. */
#include <hone/nn.h>
#include "core/core.h"
#include "nn/layer.h"
#include "nn/norm_relu.h"
#include "nn/relu_pool.h"
#include "nn/walk.h"
#include "runtime/memory.h"
#include "runtime/watch.h"

#include <hone/ops.h>

#include <string.h>

typedef struct {
    hone_module base;
    hone_module **items;
    int n;
} container;

static const hone_field container_fields[] = { HONE_ITEMS(container, items, n), HONE_FIELDS_END };

typedef hone_tensor *(*fused_op)(hone_tensor *x, hone_tensor *weight, hone_tensor *bias);

/* It must run by itself, not as a part of something else. */
static bool is_called(const hone_module *module)
{
    return module->own.hooks || module->recomputes;
}

/* An activation of x W + b in one pass has the same bits as the two ops and saves a trip through
 * memory. NULL: modules i and i + 1 are none. */
static fused_op fuses(const container *c, int i)
{
    if (i + 1 >= c->n || c->items[i]->type != &hone__linear_class)
        return NULL;
    const hone_module *next = c->items[i + 1];
    if (is_called(next) || is_called(c->items[i]))
        return NULL;
    if (next->type == &hone__layer_ReLU.type)
        return hone_linear_relu;
    if (next->type == &hone__layer_GELU.type)
        return ((const hone__plain *)next)->at[0].choice == 1 ? hone_linear_gelu_tanh
                                                              : hone_linear_gelu;
    return NULL;
}

/* A batch norm and the ReLU behind it. */
static bool is_norm_relu(const container *c, int i)
{
    return i + 1 < c->n && c->items[i + 1]->type == &hone__layer_ReLU.type &&
           !c->items[i + 1]->own.hooks && hone__norm_takes_relu(c->items[i]);
}

/* A ReLU and the max pooling behind it. */
static bool is_relu_pool(const container *c, int i, const hone_tensor *x)
{
    return i + 1 < c->n && c->items[i]->type == &hone__layer_ReLU.type && !is_called(c->items[i]) &&
           hone__is_real(x) && hone__pool_takes_relu(c->items[i + 1], x);
}

/* Runs module i (or i and i + 1), says how many it ran. */
static hone_tensor *run(const container *c, int i, hone_tensor *const *in, int n_in, int *ran)
{
    const fused_op op = n_in == 1 ? fuses(c, i) : NULL;
    const bool norm_relu = n_in == 1 && is_norm_relu(c, i);
    const bool relu_pool = n_in == 1 && is_relu_pool(c, i, in[0]);
    *ran = op || norm_relu || relu_pool ? 2 : 1;
    if (norm_relu)
        return hone__norm_relu(c->items[i], in[0]);
    if (relu_pool)
        return hone__relu_pool(c->items[i + 1], in[0]);
    if (op) {
        const hone__linear *l = (const hone__linear *)c->items[i];
        hone__span_mark mark;
        hone__span_begin(&mark, HONE__SPAN_MODULE, l);
        hone_tensor *y = op(in[0], l->weight, l->bias ? l->bias : HONE_NONE);
        hone__span_end(&mark, HONE__SPAN_MODULE, l);
        return y;
    }
    /* Both arrays end with a mark: what a forward gets is its caller's argument list. */
    return hone_forward_v(c->items[i], in);
}

static const hone_module_class sequential_class;

/* Says which module it was in the pending error: "2.0: Linear: linear: inner dimensions differ". */
static void name_module(const hone__descent *way, int index)
{
    const hone_module *item = ((const container *)way->at[way->n - 1].module)->items[index];
    const char *type = item->type->name;
    const size_t length = strlen(type);
    const char *message = hone_error_message();
    const bool named = strncmp(message, type, length) == 0 && message[length] == ':';
    char prefix[160];
    size_t used = 0;
    for (int i = 0; i < way->n && used < 80; i++)
        used += (size_t)hone__format(prefix + used, sizeof prefix - used, i == 0 ? "%d" : ".%d",
                                     i < way->n - 1 ? way->at[i].slots.index - 1 : index);
    hone__format(prefix + used, sizeof prefix - used, named ? ": " : ": %.60s: ", type);
    hone__error_prefix(prefix);
}

/* One Sequential inside another is entered, not called: they may be nested deeper than a stack
 * could follow. */
static hone_tensor *sequential_forward(hone_module *self, hone_tensor *const *in, int n_in)
{
    hone__descent way;
    hone_tensor *x = NULL; /* carried from module to module, so that each activation dies early */
    bool ok = true;
    const bool in_order = hone_error_code() == HONE_OK;
    hone__descent_begin(&way, self);
    while (ok && way.n > 0) {
        hone__level *level = &way.at[way.n - 1];
        const container *c = (const container *)level->module;
        hone__slot slot;
        if (!hone__slot_next(level->module, &level->slots, &slot)) {
            if (c->n == 0 && !x) /* nothing has run: it gives back what it got */
                ok =
                    hone__takes_inputs(level->module, n_in, 1) && hone_assign(&x, in[0]) == HONE_OK;
            hone__ascend(&way);
            continue;
        }
        const hone_module *item = slot.value;
        if (item->type == &sequential_class && !is_called(item)) {
            ok = hone__descend(&way, slot.value);
            continue;
        }
        HONE_SCOPE();
        hone_tensor *const step_in[] = { x, HONE_END_TENSOR };
        int ran;
        hone_tensor *y = run(c, slot.index, x ? step_in : in, x ? 1 : n_in, &ran);
        if (!y && in_order)
            name_module(&way, slot.index);
        level->slots.index += ran - 1;
        ok = hone_assign(&x, y) == HONE_OK;
    }
    hone__descent_end(&way);
    if (ok)
        return hone__own(x);
    hone_release(x);
    return NULL;
}

/* Its places end; what is in them is freed as every module's children are. */
static void container_destroy(hone_module *self)
{
    const container *c = (const container *)self;
    for (int i = 0; i < c->n; i++)
        c->items[i]->places--;
}

static const hone_module_class sequential_class = {
    .name = "Sequential",
    .size = sizeof(container),
    .fields = container_fields,
    .forward = sequential_forward,
    .destroy = container_destroy,
};

const hone_module_class hone__module_list_class = {
    .name = "ModuleList",
    .size = sizeof(container),
    .fields = container_fields,
    .destroy = container_destroy,
};

/* ---- making: each place in a container is an owner of its own */

/* Counts the places of all modules of a list; false if one is missing or has too few owners. */
static bool take_places(const char *name, hone_module *const *modules, int n)
{
    bool ok = true;
    for (int i = 0; i < n; i++) {
        if (modules[i])
            modules[i]->places++;
        else if (ok)
            hone__error_missing(name, "a module");
        ok = ok && modules[i];
    }
    for (int i = 0; i < n && ok; i++) {
        const hone_module *m = modules[i];
        ok = m->places <= m->owners;
        if (!ok)
            hone_error_set(HONE_E_STATE,
                           "%s: module %d (%s) is in %d places but has %d owner%s: "
                           "hone_module_retain gives it one more",
                           name, i, m->type->name, m->places, m->owners, m->owners > 1 ? "s" : "");
    }
    return ok;
}

/* Ends the places, and frees what a container would have owned: not the owners that the places left
 * need. */
static void free_places(hone_module *const *modules, int n)
{
    for (int i = 0; i < n; i++)
        if (modules[i] && modules[i]->owners > --modules[i]->places)
            hone_module_free(modules[i]);
}

static hone_module *container_new(const hone_module_class *type, hone_module *const *modules, int n)
{
    if (!modules && n > 0) {
        hone__error_missing(type->name, "a module");
        return NULL;
    }
    container *c = take_places(type->name, modules, n) ? hone_module_new(type) : NULL;
    if (c)
        c->items = hone_module_array(n);
    if (!c || !c->items) {
        hone_module_free(c ? &c->base : NULL);
        free_places(modules, n);
        return NULL;
    }
    c->n = n;
    for (int i = 0; i < n; i++)
        c->items[i] = modules[i];
    return &c->base;
}

/* Of a list that is NULL: one, which is missing. */
static int count(hone_module *const *modules_then_end)
{
    int n = 0;
    while (modules_then_end && modules_then_end[n] != HONE_END_MODULE)
        n++;
    return modules_then_end ? n : 1;
}

hone_module hone_end_module;

hone_module *hone_nn_sequential_n(hone_module *const *modules, int n)
{
    return container_new(&sequential_class, modules, n);
}

hone_module *hone_nn_sequential_v(hone_module *const *modules_then_end)
{
    return hone_nn_sequential_n(modules_then_end, count(modules_then_end));
}

hone_module *hone_nn_module_list_n(hone_module *const *modules, int n)
{
    return container_new(&hone__module_list_class, modules, n);
}

hone_module *hone_nn_module_list_v(hone_module *const *modules_then_end)
{
    return hone_nn_module_list_n(modules_then_end, count(modules_then_end));
}

/* ---- ModuleDict */

typedef struct {
    hone_module base;
    hone_named_module *items; /* the names stand behind them, in the same block */
    int n;
} dict;

static const hone_field dict_fields[] = { HONE_DICT(dict, items, n), HONE_FIELDS_END };

static void dict_destroy(hone_module *self)
{
    const dict *d = (const dict *)self;
    for (int i = 0; i < d->n; i++)
        d->items[i].module->places--;
}

static const hone_module_class dict_class = {
    .name = "ModuleDict",
    .size = sizeof(dict),
    .fields = dict_fields,
    .destroy = dict_destroy,
};

/* Each item begins with its name. */
static const char *name_of(const void *items, size_t size, int i)
{
    const char *name;
    memcpy(&name, (const char *)items + (size_t)i * size, sizeof name);
    return name;
}

static bool names_fit(const char *layer, const void *items, size_t size, int n)
{
    for (int i = 0; i < n; i++) {
        const char *name = name_of(items, size, i);
        if (!name) {
            hone__error_missing(layer, "a name");
            return false;
        }
        bool twice = false;
        for (int j = 0; j < i; j++)
            twice = twice || strcmp(name_of(items, size, j), name) == 0;
        if (*name && !strchr(name, '.') && !twice)
            continue;
        hone_error_set(HONE_E_VALUE, "%s: the name \"%.60s\" %s", layer, name,
                       twice   ? "is given twice"
                       : *name ? "has a dot in it"
                               : "is empty");
        return false;
    }
    return true;
}

void *hone__named_items(const char *layer, const void *items, size_t size, int n)
{
    if (!names_fit(layer, items, size, n))
        return NULL;
    size_t bytes = (size_t)n * size;
    for (int i = 0; i < n; i++)
        bytes += strlen(name_of(items, size, i)) + 1;
    char *copy = hone_module_array((int)(bytes / sizeof(void *) + 1));
    if (!copy)
        return NULL;
    char *to = copy + (size_t)n * size;
    if (n > 0)
        memcpy(copy, items, (size_t)n * size);
    for (int i = 0; i < n; i++) {
        const char *name = name_of(items, size, i);
        const size_t length = strlen(name) + 1;
        memcpy(copy + (size_t)i * size, &to, sizeof to);
        to = (char *)memcpy(to, name, length) + length;
    }
    return copy;
}

hone_module *hone_nn_module_dict_n(const hone_named_module *modules, int n)
{
    hone_module **all = n < 0 || (n > 0 && !modules) ? NULL : hone_module_array(n);
    if (!all) {
        if (n > 0 && !modules)
            hone__error_missing("ModuleDict", "a module");
        else if (n < 0)
            hone_error_set(HONE_E_VALUE, "ModuleDict: %d modules", n);
        for (int i = 0; modules && i < n; i++) /* theirs, but for what other places need */
            if (modules[i].module && modules[i].module->owners > modules[i].module->places)
                hone_module_free(modules[i].module);
        return NULL;
    }
    for (int i = 0; i < n; i++)
        all[i] = modules[i].module;
    dict *d = take_places("ModuleDict", all, n) ? hone_module_new(&dict_class) : NULL;
    if (d)
        d->items = hone__named_items("ModuleDict", modules, sizeof *modules, n);
    const bool made = d && d->items;
    if (made) {
        d->n = n;
    } else {
        hone_module_free(d ? &d->base : NULL);
        free_places(all, n);
    }
    hone__free(all);
    return made ? &d->base : NULL;
}

hone_module *hone_nn_module_dict_v(const hone_named_module *modules_then_end)
{
    int n = 0;
    while (modules_then_end && modules_then_end[n].module != HONE_END_MODULE)
        n++;
    return hone_nn_module_dict_n(modules_then_end, modules_then_end ? n : 1);
}

hone_module *hone_nn_module_dict_get(hone_module *module, const char *name)
{
    if (!module || !name) {
        hone__error_missing("module_dict_get", module ? "a name" : "a module");
        return NULL;
    }
    const dict *d = (const dict *)module;
    const bool right = module->type == &dict_class;
    for (int i = 0; right && i < d->n; i++)
        if (strcmp(d->items[i].name, name) == 0)
            return d->items[i].module;
    hone_error_set(right ? HONE_E_INDEX : HONE_E_VALUE, "module_dict_get: %s has no \"%.60s\"",
                   module->type->name, name);
    return NULL;
}

/* ---- by name */

static const hone__parameter arguments[] = { { "modules", HONE__LAYERS }, { 0 } };

/* The modules are the container's from here on, whether it is made or not. */
static hone_module *make(const hone_module_class *type, const hone__argument *a)
{
    hone_module *made = container_new(type, a[0].modules, a[0].n);
    for (int i = 0; i < a[0].n; i++)
        hone__argument_take(&a[0], i);
    return made;
}

static hone_module *make_sequential(const hone__argument *a)
{
    return make(&sequential_class, a);
}

static hone_module *make_module_list(const hone__argument *a)
{
    return make(&hone__module_list_class, a);
}

const hone__layer hone__layer_Sequential = { "Sequential", arguments, make_sequential };
const hone__layer hone__layer_ModuleList = { "ModuleList", arguments, make_module_list };
