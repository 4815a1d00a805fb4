/* build.c: running a model's statements. */
#include "run/build.h"

#include "core/core.h"

#include <string.h>

/* ---- limits */

bool hone__deeper(hone__builder *b, hone__place place)
{
    if (b->depth >= 400)
        return hone__complain(place, "this goes too deep: does a model contain itself?");
    b->depth++;
    return true;
}

bool hone__works(hone__builder *b, hone__place place, int64_t work)
{
    b->work += work;
    return b->work < 4000000 || hone__complain(place, "this network takes too long to build");
}

/* ---- names */

static hone__binding *find_here(const hone__frame *f, const char *name)
{
    for (hone__binding *b = f->names; b; b = b->next)
        if (strcmp(b->name, name) == 0)
            return b;
    return NULL;
}

hone__binding *hone__find(const hone__frame *f, const char *name)
{
    hone__binding *found = find_here(f, name);
    return found || !f->outer ? found : hone__find(f->outer, name);
}

/* In a forward the names of layers and parameters stay what they are. */
static bool may_bind(const hone__frame *f, hone__place place, const char *name)
{
    const hone__binding *outer = f->outer ? hone__find(f->outer, name) : NULL;
    if (outer &&
        (outer->value.kind == HONE__VALUE_MODULE || outer->value.kind == HONE__VALUE_FIELD))
        return hone__complain(place, "%s is a %s of %s: the forward needs another name", name,
                              outer->value.kind == HONE__VALUE_MODULE ? "layer" : "parameter",
                              f->model->name);
    return strcmp(name, "training") != 0 || hone__complain(place, "`training` can't be assigned");
}

static void take_out(hone__frame *f, const char *name)
{
    for (hone__binding **b = &f->names; *b; b = &(*b)->next)
        if (strcmp((*b)->name, name) == 0) {
            *b = (*b)->next;
            return;
        }
}

void hone__unbind(hone__frame *f, const hone__expr *names)
{
    for (; names; names = names->next)
        take_out(f, names->text);
}

bool hone__bind(hone__frame *f, hone__place place, const char *name, const hone__value *value,
                int kind)
{
    hone__binding *b = find_here(f, name);
    if (!may_bind(f, place, name))
        return false;
    if (b && (int)b->kind == kind) { /* it keeps its place in the order of names */
        b->value = *value;
        b->place = place;
        return true;
    }
    if (b)
        take_out(f, name);
    if (!(b = hone__arena_take(f->b->arena, sizeof *b)))
        return false;
    *b = (hone__binding){ .name = name, .value = *value, .kind = kind, .place = place };
    hone__binding **last = &f->names;
    while (*last)
        last = &(*last)->next;
    *last = b;
    return true;
}

static int count(const hone__expr *list)
{
    int n = 0;
    for (; list; list = list->next)
        n++;
    return n;
}

bool hone__bind_each(hone__frame *f, const hone__expr *names, const hone__value *value)
{
    const int n = count(names);
    if (n == 1)
        return hone__bind(f, names->place, names->text, value, HONE__LOOP);
    if (value->kind != HONE__VALUE_LIST || value->n != n)
        return hone__complain(names->place, "%d names for %s", n, hone__value_text(value));
    for (int i = 0; i < n; i++, names = names->next)
        if (!hone__bind(f, names->place, names->text, &value->list[i], HONE__LOOP))
            return false;
    return true;
}

/* ---- statements */

typedef enum { GO_ON, RETURNED, FAILED } outcome;

static outcome run_block(hone__frame *f, const hone__stmt *s);

static bool assign_member(hone__frame *f, const hone__expr *target, const hone__value *value)
{
    hone__value base;
    if (hone__in_forward(f))
        return hone__complain(target->place, "a forward assigns to names alone");
    if (!hone__eval(f, target->a, &base))
        return false;
    if (base.kind != HONE__VALUE_MODULE)
        return hone__complain(target->place, "%s has no %s", hone__value_text(&base), target->text);
    return hone__tie(f, target->place, base.module, target->text, value);
}

static bool assign(hone__frame *f, const hone__expr *target, const hone__value *value)
{
    if (target->kind == HONE__EXPR_MEMBER)
        return assign_member(f, target, value);
    if (value->kind == HONE__VALUE_FIELD && value->field == HONE_FIELD_END)
        return hone__complain(target->place, "a tensor of a model is a Parameter(...) or a "
                                             "Buffer(...)");
    return hone__bind(f, target->place, target->text, value, HONE__OWN);
}

static bool run_assign(hone__frame *f, const hone__stmt *s)
{
    const int n = count(s->list);
    hone__value value;
    if (s->sign) { /* x += y is x = x + y */
        hone__expr sum = {
            .kind = HONE__EXPR_BINARY, .sign = s->sign, .place = s->place, .a = s->list, .b = s->a
        };
        return hone__eval(f, &sum, &value) && assign(f, s->list, &value);
    }
    if (!hone__eval_for(f, s->a, n, &value))
        return false;
    if (n == 1)
        return assign(f, s->list, &value);
    if (value.kind != HONE__VALUE_LIST || value.n != n)
        return hone__complain(s->place, "%d names on the left, but %s on the right", n,
                              hone__value_text(&value));
    const hone__expr *target = s->list;
    for (int i = 0; i < n; i++, target = target->next)
        if (!assign(f, target, &value.list[i]))
            return false;
    return true;
}

static outcome run_if(hone__frame *f, const hone__stmt *s)
{
    hone__value condition;
    bool truth;
    if (!hone__eval(f, s->a, &condition) || !hone__value_truth(s->a->place, &condition, &truth))
        return FAILED;
    return run_block(f, truth ? s->body : s->orelse);
}

static outcome run_for(hone__frame *f, const hone__stmt *s)
{
    hone__value list;
    outcome done = GO_ON;
    if (!hone__eval_list(f, s->a, &list))
        return FAILED;
    for (int i = 0; i < list.n && done == GO_ON; i++)
        done = hone__bind_each(f, s->list, &list.list[i]) ? run_block(f, s->body) : FAILED;
    hone__unbind(f, s->list);
    return done;
}

static bool run_assert(hone__frame *f, const hone__stmt *s)
{
    hone__value condition, message;
    bool truth;
    if (!hone__eval(f, s->a, &condition) || !hone__value_truth(s->a->place, &condition, &truth))
        return false;
    if (truth)
        return true;
    if (!s->b)
        return hone__complain(s->place, "this doesn't hold");
    if (!hone__eval(f, s->b, &message))
        return false;
    return message.kind == HONE__VALUE_TEXT ? hone__complain(s->place, "%s", message.text)
                                            : hone__complain(s->b->place, "the message is a text");
}

static outcome run_return(hone__frame *f, const hone__stmt *s)
{
    if (!hone__in_forward(f))
        return hone__complain(s->place, "return stands in a forward"), FAILED;
    if (!hone__eval(f, s->a, &f->result))
        return FAILED;
    if (f->result.kind != HONE__VALUE_TENSOR && f->result.kind != HONE__VALUE_FIELD)
        return hone__complain(s->place, "a forward returns one tensor, not %s",
                              hone__value_text(&f->result)),
               FAILED;
    f->returned = true;
    return RETURNED;
}

static bool run_call(hone__frame *f, const hone__stmt *s)
{
    hone__value value;
    const hone__expr *e = s->a;
    if (!hone__eval(f, e, &value))
        return false;
    return (e->kind == HONE__EXPR_CALL && value.kind == HONE__VALUE_NONE) ||
           hone__complain(s->place, "nothing is done with this value");
}

static bool note_forward(hone__frame *f, const hone__stmt *s)
{
    if (f->forward)
        return hone__complain(s->place, "%s has a forward already", f->model->name);
    f->forward = s;
    return true;
}

static outcome run_statement(hone__frame *f, const hone__stmt *s)
{
    switch (s->kind) {
    case HONE__STMT_ASSIGN:
        return run_assign(f, s) ? GO_ON : FAILED;
    case HONE__STMT_IF:
        return run_if(f, s);
    case HONE__STMT_FOR:
        return run_for(f, s);
    case HONE__STMT_RETURN:
        return run_return(f, s);
    case HONE__STMT_ASSERT:
        return run_assert(f, s) ? GO_ON : FAILED;
    case HONE__STMT_CALL:
        return run_call(f, s) ? GO_ON : FAILED;
    case HONE__STMT_FORWARD:
        return note_forward(f, s) ? GO_ON : FAILED;
    case HONE__STMT_PASS:
        break;
    }
    return GO_ON;
}

static outcome run_block(hone__frame *f, const hone__stmt *s)
{
    outcome done = GO_ON;
    if (!s)
        return GO_ON;
    if (!hone__deeper(f->b, s->place))
        return FAILED;
    for (; s && done == GO_ON; s = s->next)
        done = hone__works(f->b, s->place, 1) ? run_statement(f, s) : FAILED;
    f->b->depth--;
    return done;
}

bool hone__run_body(hone__frame *f, const hone__stmt *body)
{
    return run_block(f, body) != FAILED;
}
