/* layers.c: making layers: by their names, of the text's models, Sequential and ModuleList. */
#include "run/build.h"

#include "core/core.h"
#include "runtime/memory.h"

#include <string.h>

/* ---- who owns what is made */

hone__made *hone__made_new(hone__builder *b, hone_module *module, hone_tensor *tensor)
{
    hone__made *m = module || tensor ? hone__arena_take(b->arena, sizeof *m) : NULL;
    if (!m) {
        hone_module_free(module);
        hone_release(tensor);
        return NULL;
    }
    *m = (hone__made){ .module = module, .tensor = tensor, .next = b->made };
    b->made = m;
    return m;
}

void hone__builder_free(hone__builder *b)
{
    for (hone__made *m = b->made; m; m = m->next) {
        hone_module_free(m->module);
        hone_release(m->tensor);
    }
    b->made = NULL;
}

static hone__made *made_of(const hone__builder *b, const hone_module *module)
{
    for (hone__made *m = b->made; m; m = m->next)
        if (m->module == module)
            return m;
    return NULL;
}

void hone__has_place(hone__builder *b, const hone_module *module)
{
    hone__made *m = made_of(b, module);
    if (m)
        m->placed = true;
}

/* What the builder hasn't made is inside of something that it has. */
bool hone__is_placed(const hone__builder *b, const hone_module *module)
{
    const hone__made *m = made_of(b, module);
    return !m || m->placed;
}

/* ---- Sequential and ModuleList */

static int count_modules(const hone__arguments *a)
{
    int n = 0;
    for (int i = 0; i < a->n; i++)
        n += a->at[i].value.kind == HONE__VALUE_LIST ? a->at[i].value.n : 1;
    return n;
}

static bool take_module(hone__place place, const char *name, const hone__value *v, hone_module **to)
{
    *to = v->module;
    return v->kind == HONE__VALUE_MODULE ||
           hone__complain(place, "%s takes layers, not %s", name, hone__value_text(v));
}

static bool make_container(hone__frame *f, hone__place place, const char *name,
                           const hone__arguments *a, hone__value *out)
{
    const int n = count_modules(a);
    hone_module **modules = hone__arena_take(f->b->arena, (size_t)(n + 1) * sizeof *modules);
    int at = 0;
    for (int i = 0; modules && i < a->n; i++) {
        const hone__value *v = &a->at[i].value;
        if (a->at[i].keyword)
            return hone__complain(a->at[i].place, "%s takes nothing by name", name);
        for (int k = 0; k < (v->kind == HONE__VALUE_LIST ? v->n : 1); k++)
            if (!take_module(a->at[i].place, name, v->kind == HONE__VALUE_LIST ? &v->list[k] : v,
                             &modules[at++]))
                return false;
    }
    if (!modules || !hone__works(f->b, place, n))
        return false;
    for (int i = 0; i < n; i++) {
        hone__has_place(f->b, modules[i]);
        hone_module_retain(modules[i]); /* which the container takes */
    }
    const uint64_t errors = hone__error_count();
    hone_module *made = strcmp(name, "Sequential") == 0 ? hone_nn_sequential_n(modules, n)
                                                        : hone_nn_module_list_n(modules, n);
    if (!made)
        return hone__blame(place, errors);
    *out = (hone__value){ .kind = HONE__VALUE_MODULE, .module = made };
    return hone__made_new(f->b, made, NULL) != NULL;
}

/* ---- by name */

/* "3, 64, kernel_size=3": what hone_nn_layer() reads. A layer among the arguments is made anew by
 * its own text, as torch.nn copies it. */
static bool print_arguments(hone__frame *f, const hone__arguments *a, char *text, size_t size)
{
    *text = 0;
    for (int i = 0; i < a->n; i++) {
        const hone__argument_value *v = &a->at[i];
        const hone__made *m =
            v->value.kind == HONE__VALUE_MODULE ? made_of(f->b, v->value.module) : NULL;
        char value[1000] = "";
        if (m && m->recipe)
            hone__format(value, sizeof value, "%s", m->recipe);
        else if (!hone__value_print(&v->value, value, sizeof value))
            return hone__complain(v->place, "%s can't be a layer's argument",
                                  hone__value_text(&v->value));
        const size_t used = strlen(text);
        hone__format(text + used, size - used, "%s%s%s%s", i ? ", " : "",
                     v->keyword ? v->keyword : "", v->keyword ? "=" : "", value);
        if (strlen(text) + 1 == size)
            return hone__complain(v->place, "the arguments are too long");
    }
    return true;
}

static bool make_by_name(hone__frame *f, hone__place place, const char *name,
                         const hone__arguments *a, hone__value *out)
{
    char text[2000];
    if (!print_arguments(f, a, text, sizeof text))
        return false;
    const uint64_t errors = hone__error_count();
    HONE_SCOPE();
    hone_module *module = hone_nn_layer(name, text);
    hone__made *m = module ? hone__made_new(f->b, module, NULL) : NULL;
    if (!m)
        return hone__blame(place, errors);
    const size_t size = strlen(name) + strlen(text) + 3;
    char *recipe = hone__arena_take(f->b->arena, size);
    if (!recipe)
        return false;
    hone__format(recipe, size, "%s(%s)", name, text);
    m->recipe = recipe;
    *out = (hone__value){ .kind = HONE__VALUE_MODULE, .module = module };
    return true;
}

bool hone__make_layer(hone__frame *f, hone__place place, const char *name, const hone__arguments *a,
                      hone__value *out)
{
    if (!hone__works(f->b, place, 100))
        return false;
    for (const hone__model *m = f->b->models; m; m = m->next)
        if (strcmp(m->name, name) == 0)
            return hone__build_model(f->b, m, place, a, out);
    if (strcmp(name, "Parameter") == 0 || strcmp(name, "Buffer") == 0)
        return hone__make_tensor(f, place, name, a, out) == HONE__DONE;
    if (strcmp(name, "Sequential") == 0 || strcmp(name, "ModuleList") == 0)
        return make_container(f, place, name, a, out);
    return make_by_name(f, place, name, a, out);
}
