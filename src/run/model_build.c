/* model_build.c: from a model and its arguments to a module. */
#include "run/build.h"

#include "core/core.h"

#include <string.h>

/* ---- arguments */

static bool no_such_parameter(const hone__model *model, const hone__argument_value *a)
{
    char all[200] = "";
    for (const hone__expr *p = model->params; p; p = p->next) {
        const size_t used = strlen(all);
        hone__format(all + used, sizeof all - used, "%s%s", used ? ", " : "", p->text);
    }
    return hone__complain(a->place, "%s has no parameter %.60s; it has %s", model->name, a->keyword,
                          *all ? all : "none");
}

static const hone__argument_value *argument_of(const hone__arguments *a, const char *name, int at)
{
    for (int i = 0; i < a->n; i++)
        if (a->at[i].keyword ? strcmp(a->at[i].keyword, name) == 0 : i == at)
            return &a->at[i];
    return NULL;
}

static bool check_arguments(const hone__model *model, hone__place place, const hone__arguments *a)
{
    int n = 0;
    for (const hone__expr *p = model->params; p; p = p->next, n++)
        if (n < a->n && !a->at[n].keyword)
            for (int i = n + 1; i < a->n; i++)
                if (a->at[i].keyword && strcmp(a->at[i].keyword, p->text) == 0)
                    return hone__complain(a->at[i].place, "%s is given twice", p->text);
    for (int i = 0; i < a->n; i++) {
        const hone__expr *p = model->params;
        while (p && a->at[i].keyword && strcmp(p->text, a->at[i].keyword) != 0)
            p = p->next;
        if (a->at[i].keyword && !p)
            return no_such_parameter(model, &a->at[i]);
        if (!a->at[i].keyword && i >= n)
            return hone__complain(place, "%s takes %d argument%s, not %d", model->name, n,
                                  n == 1 ? "" : "s", a->n);
    }
    return true;
}

static bool bind_parameters(hone__frame *f, hone__place place, const hone__arguments *a)
{
    int at = 0;
    if (!check_arguments(f->model, place, a))
        return false;
    for (const hone__expr *p = f->model->params; p; p = p->next, at++) {
        const hone__argument_value *given = argument_of(a, p->text, at);
        hone__value value;
        if (!given && !p->a)
            return hone__complain(place, "%s needs %s", f->model->name, p->text);
        if (given)
            value = given->value;
        else if (!hone__eval(f, p->a, &value))
            return false;
        if (value.kind == HONE__VALUE_FIELD && value.field == HONE_FIELD_END)
            return hone__complain(given ? given->place : place,
                                  "a tensor of a model is a Parameter(...) or a Buffer(...)");
        if (!hone__bind(f, p->place, p->text, &value, HONE__GIVEN))
            return false;
    }
    return true;
}

/* ---- members */

/* A list of layers becomes a ModuleList, unless they are where they belong already: then it was a
 * list on the way. */
static bool list_member(hone__frame *f, hone__binding *b)
{
    const hone__value *list = &b->value;
    int free = 0;
    for (int i = 0; i < list->n; i++) {
        if (list->list[i].kind == HONE__VALUE_FIELD)
            return hone__complain(b->place, "parameters in a list have no names");
        free += list->list[i].kind == HONE__VALUE_MODULE &&
                !hone__is_placed(f->b, list->list[i].module);
    }
    if (free == 0)
        return true;
    if (free != list->n)
        return hone__complain(b->place,
                              "some of the list %s are layers without a place, others "
                              "are not",
                              b->name);
    hone__argument_value argument = { .value = *list, .place = b->place };
    return hone__make_layer(f, b->place, "ModuleList", &(hone__arguments){ &argument, 1 },
                            &b->value);
}

static bool is_member(const hone__binding *b)
{
    return b->kind == HONE__OWN &&
           (b->value.kind == HONE__VALUE_MODULE || b->value.kind == HONE__VALUE_FIELD);
}

/* Layers that have a name of their own have a place, before lists are looked at. */
static bool place_members(hone__frame *f, hone__member **members, int *n)
{
    int all = 0;
    for (hone__binding *b = f->names; b; b = b->next)
        if (is_member(b) && b->value.kind == HONE__VALUE_MODULE)
            hone__has_place(f->b, b->value.module);
    for (hone__binding *b = f->names; b; b = b->next) {
        if (b->kind == HONE__OWN && b->value.kind == HONE__VALUE_LIST && !list_member(f, b))
            return false;
        all += is_member(b);
    }
    *members = hone__arena_take(f->b->arena, (size_t)(all + 1) * sizeof **members);
    if (!*members || !hone__works(f->b, f->model->place, all))
        return false;
    *n = 0;
    for (hone__binding *b = f->names; b; b = b->next) {
        if (!is_member(b))
            continue;
        const bool child = b->value.kind == HONE__VALUE_MODULE;
        (*members)[(*n)++] = (hone__member){
            .kind = child ? HONE_FIELD_CHILD : b->value.field,
            .name = b->name,
            .value = child ? (void *)hone_module_retain(b->value.module)
                           : (void *)hone_retain(b->value.tensor),
        };
    }
    return true;
}

/* ---- the forward */

/* whole: with the last input, which else is None. */
static bool compile(hone__frame *body, hone__network *network, bool training, bool whole)
{
    const hone__stmt *forward = body->forward;
    hone__program *program = &network->programs[training][whole];
    hone__frame f = { .b = body->b,
                      .model = body->model,
                      .outer = body,
                      .network = network,
                      .program = program,
                      .training = training };
    program->last = &program->first;
    for (const hone__expr *in = forward->list; in; in = in->next) {
        const bool none = in->a && !whole;
        const hone__value value = { .kind = none ? HONE__VALUE_NONE : HONE__VALUE_TENSOR,
                                    .reg = none ? 0 : f.n_in++ };
        network->last_optional = in->a != NULL;
        if (!hone__bind(&f, in->place, in->text, &value, HONE__OWN))
            return false;
    }
    program->n_registers = f.n_in;
    if (!hone__run_body(&f, forward->body))
        return false;
    if (!f.returned)
        return hone__complain(forward->place, "this forward returns nothing");
    if (!hone__operand_of(&f, forward->place, &f.result, &program->result) ||
        !hone__program_end(&network->arena, program, f.n_in))
        return false;
    network->n_in = f.n_in;
    return true;
}

static bool has_optional(const hone__stmt *forward)
{
    const hone__expr *last = forward->list;
    while (last->next)
        last = last->next;
    return last->a != NULL;
}

static bool build(hone__frame *f, hone__place place, const hone__arguments *arguments,
                  hone__value *out)
{
    hone__member *members;
    int n;
    if (!bind_parameters(f, place, arguments) || !hone__run_body(f, f->model->body) ||
        !place_members(f, &members, &n))
        return false;
    hone__network *network =
        hone__network_new(f->model->name, f->model->place.source->where, members, n);
    if (!network || !hone__made_new(f->b, &network->base, NULL))
        return false;
    *out = (hone__value){ .kind = HONE__VALUE_MODULE, .module = &network->base };
    if (!f->forward)
        return true;
    for (int i = 0; i < 4; i++) /* the whole ones last: they say how many inputs there are */
        if (!(i < 2 && !has_optional(f->forward)) && !compile(f, network, i % 2, i >= 2))
            return false;
    hone__network_ready(network, network->n_in);
    return true;
}

bool hone__build_model(hone__builder *b, const hone__model *model, hone__place place,
                       const hone__arguments *arguments, hone__value *out)
{
    hone__frame f = { .b = b, .model = model };
    if (!hone__deeper(b, place))
        return false;
    const bool ok = build(&f, place, arguments, out);
    b->depth--;
    return ok;
}
