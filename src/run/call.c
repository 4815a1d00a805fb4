/* call.c: calls: of layers, models, ops, and the few functions of the language itself. */
#include "run/build.h"

#include <math.h>
#include <string.h>

/* ---- arguments */

static int count_arguments(const hone__value *values, const hone__expr *list)
{
    int n = 0;
    for (const hone__expr *e = list; e; e = e->next, values++)
        n += e->star && values->kind == HONE__VALUE_LIST ? values->n : 1;
    return n;
}

static bool eval_values(hone__frame *f, const hone__expr *list, hone__value **values)
{
    int n = 0;
    for (const hone__expr *e = list; e; e = e->next)
        n++;
    hone__value *v = *values = hone__arena_take(f->b->arena, (size_t)(n + 1) * sizeof *v);
    for (const hone__expr *e = list; v && e; e = e->next, v++)
        if (!(e->star ? hone__eval_list(f, e, v) : hone__eval(f, e, v)))
            return false;
    return v != NULL;
}

static bool check_keywords(const hone__arguments *a)
{
    for (int i = 0; i < a->n; i++) {
        if (i > 0 && !a->at[i].keyword && a->at[i - 1].keyword)
            return hone__complain(a->at[i].place, "arguments by place stand before those by name");
        for (int j = 0; j < i; j++)
            if (a->at[i].keyword && a->at[j].keyword &&
                strcmp(a->at[i].keyword, a->at[j].keyword) == 0)
                return hone__complain(a->at[i].place, "%s is given twice", a->at[i].keyword);
    }
    return true;
}

/* The values between the brackets, behind `self` if there is one. */
static bool eval_arguments(hone__frame *f, const hone__expr *list, const hone__argument_value *self,
                           hone__arguments *out)
{
    hone__value *values;
    if (!eval_values(f, list, &values))
        return false;
    out->n = count_arguments(values, list) + (self != NULL);
    if (list && !hone__works(f->b, list->place, out->n))
        return false;
    out->at = hone__arena_take(f->b->arena, (size_t)(out->n + 1) * sizeof *out->at);
    if (!out->at)
        return false;
    hone__argument_value *to = out->at;
    if (self)
        *to++ = *self;
    for (const hone__expr *e = list; e; e = e->next, values++) {
        if (!e->star)
            *to++ = (hone__argument_value){ *values, e->keyword, e->keyword ? e->named : e->place };
        else
            for (int i = 0; i < values->n; i++)
                *to++ = (hone__argument_value){ values->list[i], NULL, e->place };
    }
    return check_keywords(out);
}

bool hone__eval_arguments(hone__frame *f, const hone__expr *list, hone__arguments *out)
{
    return eval_arguments(f, list, NULL, out);
}

/* ---- functions of the language: of numbers and lists */

static bool takes(hone__place place, const char *name, const hone__arguments *a, int least,
                  int most)
{
    for (int i = 0; i < a->n; i++)
        if (a->at[i].keyword)
            return hone__complain(a->at[i].place, "%s takes nothing by name", name);
    if (a->n >= least && a->n <= most)
        return true;
    return least == most ? hone__complain(place, "%s takes %d argument%s, not %d", name, least,
                                          least == 1 ? "" : "s", a->n)
                         : hone__complain(place, "%s takes %d to %d arguments, not %d", name, least,
                                          most, a->n);
}

static bool call_range(hone__frame *f, hone__place place, const hone__arguments *a,
                       hone__value *out)
{
    int64_t at[3] = { 0, 0, 1 };
    if (!takes(place, "range", a, 1, 3))
        return false;
    for (int i = 0; i < a->n; i++) {
        if (a->at[i].value.kind != HONE__VALUE_INT)
            return hone__complain(a->at[i].place, "range takes whole numbers, not %s",
                                  hone__value_text(&a->at[i].value));
        at[a->n == 1 ? 1 : i] = a->at[i].value.i;
    }
    if (at[2] == 0)
        return hone__complain(place, "range by steps of 0");
    if (at[0] < -INT32_MAX || at[0] > INT32_MAX || at[1] < -INT32_MAX || at[1] > INT32_MAX ||
        at[2] < -INT32_MAX || at[2] > INT32_MAX)
        return hone__complain(place, "range beyond 32 bits");
    int64_t n = (at[1] - at[0] + at[2] - (at[2] > 0 ? 1 : -1)) / at[2];
    n = n < 0 ? 0 : n;
    if (!hone__values_new(f, place, n, out))
        return false;
    for (int64_t i = 0; i < n; i++)
        out->list[i] = hone__value_int(at[0] + i * at[2]);
    return true;
}

static bool as_list(hone__frame *f, const hone__argument_value *a, hone__value *out)
{
    *out = a->value;
    if (a->value.kind == HONE__VALUE_MODULE)
        return hone__items_of(f, a->place, a->value.module, out);
    return a->value.kind == HONE__VALUE_LIST ||
           hone__complain(a->place, "a list is wanted here, not %s", hone__value_text(&a->value));
}

static bool call_enumerate(hone__frame *f, hone__place place, const hone__arguments *a,
                           hone__value *out)
{
    hone__value list;
    if (!takes(place, "enumerate", a, 1, 1) || !as_list(f, &a->at[0], &list) ||
        !hone__values_new(f, place, list.n, out))
        return false;
    for (int i = 0; i < list.n; i++) {
        if (!hone__values_new(f, place, 2, &out->list[i]))
            return false;
        out->list[i].list[0] = hone__value_int(i);
        out->list[i].list[1] = list.list[i];
    }
    return true;
}

static bool call_extreme(hone__frame *f, hone__place place, const hone__arguments *a, bool most,
                         hone__value *out)
{
    for (int i = 0; i < a->n; i++) {
        hone__value better;
        if (i == 0)
            *out = a->at[0].value;
        if (!hone__value_is_number(&a->at[i].value))
            return hone__complain(a->at[i].place, "a number is wanted here, not %s",
                                  hone__value_text(&a->at[i].value));
        if (!hone__value_binary(f->b->arena, place, most ? '>' : '<', &a->at[i].value, out,
                                &better))
            return false;
        if (better.b)
            *out = a->at[i].value;
    }
    return a->n > 0 || hone__complain(place, "a number is wanted");
}

static bool call_number(hone__place place, const char *name, const hone__arguments *a,
                        hone__value *out)
{
    if (!takes(place, name, a, 1, 1))
        return false;
    const hone__value *v = &a->at[0].value;
    if (!hone__value_is_number(v))
        return hone__complain(a->at[0].place, "a number is wanted here, not %s",
                              hone__value_text(v));
    const double x = hone__value_number(v);
    *out = (hone__value){ .kind = HONE__VALUE_FLOAT, .f = x };
    if (strcmp(name, "float") == 0)
        return true;
    if (strcmp(name, "sqrt") == 0) {
        out->f = sqrt(x);
        return x >= 0 || hone__complain(place, "the square root of a negative number");
    }
    *out = *v;
    if (v->kind == HONE__VALUE_INT)
        return true;
    if (!(fabs(x) < 0x1p62))
        return hone__complain(place, "a whole number beyond 64 bits");
    *out = hone__value_int((int64_t)x);
    return true;
}

static bool call_isinstance(hone__place place, const hone__arguments *a, hone__value *out)
{
    if (!takes(place, "isinstance", a, 2, 2))
        return false;
    const hone__value *m = &a->at[0].value, *type = &a->at[1].value;
    if (m->kind != HONE__VALUE_MODULE || type->kind != HONE__VALUE_CLASS)
        return hone__complain(place, "isinstance takes a layer and a kind of layers");
    *out = hone__value_bool(strcmp(m->module->type->name, type->text) == 0);
    return true;
}

static bool has_module(const hone__value *list, const hone_module *module)
{
    for (int i = 0; i < list->n; i++)
        if (list->list[i].module == module)
            return true;
    return false;
}

/* Counts the modules of a value, or puts those into the list that it hasn't got. */
static bool add_modules(hone__frame *f, hone__place place, const hone__value *v, int64_t *count,
                        hone__value *list)
{
    for (int i = 0; v->kind == HONE__VALUE_LIST && i < v->n; i++)
        if (!add_modules(f, place, &v->list[i], count, list))
            return false;
    if (v->kind != HONE__VALUE_MODULE)
        return true;
    HONE_SCOPE();
    const hone_module_list all = hone_modules(v->module);
    *count += all.n;
    for (int i = 0; list && i < all.n; i++) {
        if (!hone__works(f->b, place, list->n))
            return false;
        if (!has_module(list, all.at[i].module))
            list->list[list->n++] =
                (hone__value){ .kind = HONE__VALUE_MODULE, .module = all.at[i].module };
    }
    return all.at != NULL;
}

/* modules(): what the model has so far, and all below it, each once. */
static bool call_modules(hone__frame *f, hone__place place, const hone__arguments *a,
                         hone__value *out)
{
    int64_t n = 0;
    if (!takes(place, "modules", a, 0, 0))
        return false;
    for (const hone__binding *b = f->names; b; b = b->next)
        if (b->kind == HONE__OWN && !add_modules(f, place, &b->value, &n, NULL))
            return false;
    if (!hone__values_new(f, place, n, out))
        return false;
    out->n = 0;
    for (const hone__binding *b = f->names; b; b = b->next)
        if (b->kind == HONE__OWN && !add_modules(f, place, &b->value, &n, out))
            return false;
    return true;
}

static hone__outcome outcome(bool ok)
{
    return ok ? HONE__DONE : HONE__WRONG;
}

hone__outcome hone__call_builtin(hone__frame *f, hone__place place, const char *name,
                                 const hone__arguments *a, hone__value *out)
{
    hone__value list;
    if (strcmp(name, "range") == 0)
        return outcome(call_range(f, place, a, out));
    if (strcmp(name, "enumerate") == 0)
        return outcome(call_enumerate(f, place, a, out));
    if (strcmp(name, "len") == 0) {
        if (!takes(place, "len", a, 1, 1) || !as_list(f, &a->at[0], &list))
            return HONE__WRONG;
        *out = hone__value_int(list.n);
        return HONE__DONE;
    }
    if (strcmp(name, "int") == 0 || strcmp(name, "float") == 0 ||
        (strcmp(name, "sqrt") == 0 && !(a->n > 0 && hone__is_computed(&a->at[0].value))))
        return outcome(call_number(place, name, a, out));
    if ((strcmp(name, "min") == 0 || strcmp(name, "max") == 0) && a->n > 1)
        return outcome(call_extreme(f, place, a, strcmp(name, "max") == 0, out));
    if (strcmp(name, "isinstance") == 0)
        return outcome(call_isinstance(place, a, out));
    if (strcmp(name, "modules") == 0 && !hone__in_forward(f))
        return outcome(call_modules(f, place, a, out));
    return HONE__OTHER;
}

/* ---- dispatch */

/* What stands before the bracket: a value that is called, or the name of a function. */
typedef struct {
    const char *name; /* for messages; of a function */
    hone__value value;
    bool is_value;
    hone__argument_value self; /* x of x.relu() */
    bool has_self;
} callee;

static bool names_class(const hone__builder *b, const char *name)
{
    for (const hone__model *m = b->models; m; m = m->next)
        if (strcmp(m->name, name) == 0)
            return true;
    return *name >= 'A' && *name <= 'Z';
}

static bool find_callee(hone__frame *f, const hone__expr *e, callee *out)
{
    *out = (callee){ .name = e->text ? e->text : "this" };
    out->is_value =
        e->kind != HONE__EXPR_NAME || hone__find(f, e->text) || names_class(f->b, e->text);
    if (e->kind == HONE__EXPR_MEMBER && hone__in_forward(f)) {
        if (!hone__eval(f, e->a, &out->self.value))
            return false;
        out->self.place = e->a->place;
        out->has_self = hone__is_computed(&out->self.value);
        out->is_value = !out->has_self;
    }
    return !out->is_value || hone__eval(f, e, &out->value);
}

static bool call_value(hone__frame *f, hone__place place, const callee *c, const hone__arguments *a,
                       hone__value *out)
{
    const bool forward = hone__in_forward(f);
    if (c->value.kind == HONE__VALUE_MODULE)
        return forward ? hone__emit_module(f, place, c->name, c->value.module, a, out)
                       : hone__complain(place, "%s is a layer: a forward calls it", c->name);
    if (c->value.kind == HONE__VALUE_CLASS)
        return forward
                   ? hone__complain(place, "%s is made before the forward, where it gets a name",
                                    c->value.text)
                   : hone__make_layer(f, place, c->value.text, a, out);
    return hone__complain(place, "%s is %s, which can't be called", c->name,
                          hone__value_text(&c->value));
}

static bool call_function(hone__frame *f, hone__place place, const callee *c, int wanted,
                          const hone__arguments *a, hone__value *out)
{
    hone__outcome done = c->has_self ? HONE__OTHER : hone__call_builtin(f, place, c->name, a, out);
    if (done == HONE__OTHER)
        done = hone__in_forward(f) ? hone__emit_special(f, place, c->name, a, wanted, out)
                                   : hone__make_tensor(f, place, c->name, a, out);
    if (done != HONE__OTHER)
        return done == HONE__DONE;
    return hone__in_forward(f)
               ? hone__emit_op(f, place, c->name, a, wanted, out)
               : hone__complain(place, "there is no function %s here; ops are called in a forward",
                                c->name);
}

bool hone__eval_call(hone__frame *f, const hone__expr *e, int wanted, hone__value *out)
{
    callee c;
    hone__arguments a;
    if (!find_callee(f, e->a, &c) || !eval_arguments(f, e->list, c.has_self ? &c.self : NULL, &a))
        return false;
    return c.is_value ? call_value(f, e->a->place, &c, &a, out)
                      : call_function(f, e->a->place, &c, wanted, &a, out);
}
