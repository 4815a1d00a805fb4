/* eval.c: what an expression stands for. */
#include "run/build.h"

#include "core/text.h"

#include <string.h>

bool hone__values_new(hone__frame *f, hone__place place, int64_t n, hone__value *out)
{
    *out = (hone__value){ .kind = HONE__VALUE_LIST };
    if (n > 100000)
        return hone__complain(place, "a list of more than 100000 elements");
    if (!hone__works(f->b, place, n))
        return false;
    out->n = (int)n;
    out->list = hone__arena_take(f->b->arena, (size_t)(n + 1) * sizeof *out->list);
    return out->list != NULL;
}

/* ---- names and members */

static const hone__model *find_model(const hone__builder *b, const char *name)
{
    for (const hone__model *m = b->models; m; m = m->next)
        if (strcmp(m->name, name) == 0)
            return m;
    return NULL;
}

static bool no_such_name(const hone__frame *f, const hone__expr *e)
{
    enum { MOST = 200 };
    const char *names[MOST];
    int n = 0;
    for (const hone__frame *at = f; at; at = at->outer)
        for (const hone__binding *b = at->names; b && n < MOST; b = b->next)
            names[n++] = b->name;
    const char *nearest = hone__nearest(e->text, names, n);
    return hone__complain(e->place, "there is no %s here%s%s%s", e->text,
                          nearest ? "; did you mean " : "", nearest ? nearest : "",
                          nearest ? "?" : "");
}

static bool eval_name(hone__frame *f, const hone__expr *e, hone__value *out)
{
    const hone__binding *found = hone__find(f, e->text);
    if (found) {
        *out = found->value;
        if (!hone__in_forward(f) || found->kind != HONE__GIVEN ||
            (out->kind != HONE__VALUE_MODULE && out->kind != HONE__VALUE_FIELD))
            return true;
        return hone__complain(e->place,
                              "%s was given to %s: it becomes a part of it by a line "
                              "%s = %s before the forward",
                              e->text, f->model->name, e->text, e->text);
    }
    if (strcmp(e->text, "training") == 0) {
        *out = hone__value_bool(f->training);
        return hone__in_forward(f) ||
               hone__complain(e->place, "`training` is known in a forward alone");
    }
    if (find_model(f->b, e->text) || (*e->text >= 'A' && *e->text <= 'Z')) {
        *out = (hone__value){ .kind = HONE__VALUE_CLASS, .text = e->text };
        return true;
    }
    return no_such_name(f, e);
}

static bool eval_member(hone__frame *f, const hone__expr *e, hone__value *out)
{
    hone__value base;
    if (!hone__eval(f, e->a, &base))
        return false;
    if (base.kind == HONE__VALUE_MODULE)
        return hone__member_of(f, e->place, base.module, e->text, out);
    if (strcmp(e->text, "T") == 0 && hone__in_forward(f) && hone__is_computed(&base)) {
        hone__argument_value arguments[] = { { .value = base, .place = e->place },
                                             { .value = hone__value_int(0), .place = e->place },
                                             { .value = hone__value_int(1), .place = e->place } };
        return hone__emit_op(f, e->place, "transpose", &(hone__arguments){ arguments, 3 }, 1, out);
    }
    return hone__complain(e->place, "%s has no %s", hone__value_text(&base), e->text);
}

/* ---- indices */

static bool slice_bound(hone__frame *f, const hone__expr *e, const char *keyword,
                        hone__argument_value *arguments, int *n)
{
    if (!e)
        return true;
    arguments[*n] = (hone__argument_value){ .keyword = keyword, .place = e->place };
    return hone__eval(f, e, &arguments[(*n)++].value);
}

/* x[1:3, :, -1]: each part takes a dim; a number's is gone afterwards. */
static bool index_tensor(hone__frame *f, const hone__expr *e, hone__value x, hone__value *out)
{
    int dim = 0;
    for (const hone__expr *part = e->list; part; part = part->next) {
        hone__argument_value arguments[4] = {
            { .value = x, .place = e->place },
            { .value = hone__value_int(dim), .keyword = "dim", .place = part->place }
        };
        int n = 2;
        const bool slice = part->kind == HONE__EXPR_SLICE;
        if (slice && !part->a && !part->b) {
            dim++;
            continue;
        }
        if (slice ? !slice_bound(f, part->a, "start", arguments, &n) ||
                        !slice_bound(f, part->b, "end", arguments, &n)
                  : !slice_bound(f, part, "index", arguments, &n))
            return false;
        if (!hone__emit_op(f, part->place, slice ? "slice" : "select",
                           &(hone__arguments){ arguments, n }, 1, &x))
            return false;
        dim += slice;
    }
    *out = x;
    return true;
}

static bool index_list(hone__frame *f, const hone__expr *e, const hone__value *base,
                       hone__value *out)
{
    hone__value list = *base, index;
    const hone__expr *part = e->list;
    if (base->kind == HONE__VALUE_MODULE && !hone__items_of(f, e->place, base->module, &list))
        return false;
    if (part->next || part->kind == HONE__EXPR_SLICE)
        return hone__complain(part->place, "a list takes one index");
    if (!hone__eval(f, part, &index))
        return false;
    if (index.kind != HONE__VALUE_INT)
        return hone__complain(part->place, "an index is a whole number, not %s",
                              hone__value_text(&index));
    const int64_t i = index.i < 0 ? index.i + list.n : index.i;
    if (i < 0 || i >= list.n)
        return hone__complain(part->place, "index %lld of %d elements", (long long)index.i, list.n);
    *out = list.list[i];
    return true;
}

static bool eval_index(hone__frame *f, const hone__expr *e, hone__value *out)
{
    hone__value base;
    if (!hone__eval(f, e->a, &base))
        return false;
    if (base.kind == HONE__VALUE_LIST || base.kind == HONE__VALUE_MODULE)
        return index_list(f, e, &base, out);
    if (hone__in_forward(f) && (base.kind == HONE__VALUE_TENSOR || base.kind == HONE__VALUE_FIELD))
        return index_tensor(f, e, base, out);
    return hone__complain(e->place, "%s has no elements", hone__value_text(&base));
}

/* ---- lists */

static bool eval_elements(hone__frame *f, const hone__expr *e, hone__value *out)
{
    int n = 0;
    for (const hone__expr *item = e->list; item; item = item->next)
        n++;
    if (!hone__values_new(f, e->place, n, out))
        return false;
    hone__value *to = out->list;
    for (const hone__expr *item = e->list; item; item = item->next) {
        if (item->star)
            return hone__complain(item->place, "a star stands in a call alone");
        if (!hone__eval(f, item, to++))
            return false;
    }
    return true;
}

static bool eval_each(hone__frame *f, const hone__expr *e, hone__value *out)
{
    hone__value source;
    if (!hone__eval_list(f, e->b, &source) || !hone__values_new(f, e->place, source.n, out))
        return false;
    out->n = 0;
    for (int i = 0; i < source.n; i++) {
        bool taken = true;
        hone__value condition;
        if (!hone__bind_each(f, e->names, &source.list[i]) ||
            (e->c && (!hone__eval(f, e->c, &condition) ||
                      !hone__value_truth(e->c->place, &condition, &taken))) ||
            (taken && !hone__eval(f, e->a, &out->list[out->n])))
            return false;
        out->n += taken;
    }
    hone__unbind(f, e->names);
    return true;
}

bool hone__eval_list(hone__frame *f, const hone__expr *e, hone__value *out)
{
    if (!hone__eval(f, e, out))
        return false;
    if (out->kind == HONE__VALUE_MODULE)
        return hone__items_of(f, e->place, out->module, out);
    return out->kind == HONE__VALUE_LIST ||
           hone__complain(e->place, "a list is wanted here, not %s", hone__value_text(out));
}

/* ---- operators */

static bool eval_unary(hone__frame *f, const hone__expr *e, hone__value *out)
{
    hone__value a;
    if (!hone__eval(f, e->a, &a))
        return false;
    if (hone__in_forward(f) && hone__is_computed(&a) && e->sign != HONE__WORD_NOT)
        return hone__emit_unary(f, e->place, e->sign, &a, out);
    return hone__value_unary(e->place, e->sign, &a, out);
}

static bool eval_binary(hone__frame *f, const hone__expr *e, hone__value *out)
{
    hone__value a, b;
    bool truth;
    if (!hone__eval(f, e->a, &a))
        return false;
    if (e->sign == HONE__WORD_AND || e->sign == HONE__WORD_OR) {
        if (!hone__value_truth(e->a->place, &a, &truth))
            return false;
        *out = a;
        return truth == (e->sign == HONE__WORD_OR) || hone__eval(f, e->b, out);
    }
    if (!hone__eval(f, e->b, &b))
        return false;
    if (hone__in_forward(f) && e->sign != HONE__WORD_IS && e->sign != HONE__WORD_IS_NOT &&
        (hone__is_computed(&a) || hone__is_computed(&b)))
        return hone__emit_binary(f, e->place, e->sign, &a, &b, out);
    return hone__value_binary(f->b->arena, e->place, e->sign, &a, &b, out);
}

static bool eval_choice(hone__frame *f, const hone__expr *e, hone__value *out)
{
    hone__value condition;
    bool truth;
    return hone__eval(f, e->c, &condition) && hone__value_truth(e->c->place, &condition, &truth) &&
           hone__eval(f, truth ? e->a : e->b, out);
}

static bool eval(hone__frame *f, const hone__expr *e, int wanted, hone__value *out)
{
    switch (e->kind) {
    case HONE__EXPR_NONE:
        *out = (hone__value){ .kind = HONE__VALUE_NONE };
        return true;
    case HONE__EXPR_BOOL:
        *out = hone__value_bool(e->i != 0);
        return true;
    case HONE__EXPR_INT:
        *out = hone__value_int(e->i);
        return true;
    case HONE__EXPR_FLOAT:
        *out = (hone__value){ .kind = HONE__VALUE_FLOAT, .f = e->f };
        return true;
    case HONE__EXPR_TEXT:
        *out = (hone__value){ .kind = HONE__VALUE_TEXT, .text = e->text };
        return true;
    case HONE__EXPR_NAME:
        return eval_name(f, e, out);
    case HONE__EXPR_LIST:
        return eval_elements(f, e, out);
    case HONE__EXPR_EACH:
        return eval_each(f, e, out);
    case HONE__EXPR_CALL:
        return hone__eval_call(f, e, wanted, out);
    case HONE__EXPR_MEMBER:
        return eval_member(f, e, out);
    case HONE__EXPR_INDEX:
        return eval_index(f, e, out);
    case HONE__EXPR_SLICE:
        break; /* in an index alone */
    case HONE__EXPR_UNARY:
        return eval_unary(f, e, out);
    case HONE__EXPR_BINARY:
        return eval_binary(f, e, out);
    case HONE__EXPR_CHOICE:
        return eval_choice(f, e, out);
    }
    return hone__complain(e->place, "a value is wanted here");
}

bool hone__eval_for(hone__frame *f, const hone__expr *e, int n, hone__value *out)
{
    *out = (hone__value){ .kind = HONE__VALUE_NONE };
    if (!hone__deeper(f->b, e->place) || !hone__works(f->b, e->place, 1))
        return false;
    const bool ok = eval(f, e, n, out);
    f->b->depth--;
    return ok;
}

bool hone__eval(hone__frame *f, const hone__expr *e, hone__value *out)
{
    return hone__eval_for(f, e, 1, out);
}
