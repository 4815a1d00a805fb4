/* emit_op.c: a call of an op: its inputs, and its attributes, read once unless they hold sizes. */
#include "run/emit.h"

#include "core/core.h"
#include "op/named.h"
#include "op/options.h"

#include <hone/call.h>

#include <string.h>

enum { PIECES = 16, ATTRIBUTES = 600 };

/* A call on its way to a step. */
typedef struct {
    hone__frame *f;
    hone__place place;
    const hone__op *op;
    const hone__arguments *a;
    hone__operand *in;
    int n_in;
    int next_option;
    char text[ATTRIBUTES];  /* attributes since the last size */
    char trial[ATTRIBUTES]; /* all of them, with a number for each size */
    hone__piece pieces[PIECES];
    int n_pieces;
} op_call;

static bool is_tensor(const hone__value *v)
{
    return v->kind == HONE__VALUE_TENSOR || v->kind == HONE__VALUE_FIELD;
}

/* ---- which op: sum(x, dim=1) is sum_dim, maximum(x, 0) is maximum_scalar */

static bool there_is(const char *name, const char *suffix, char *full, size_t size)
{
    bool in_place;
    hone__format(full, size, "%.50s%s", name, suffix);
    return hone__op_find(full, &in_place) && !in_place;
}

static hone__argument_value *dim_of(const hone__arguments *a)
{
    for (int i = 1; i < a->n; i++)
        if (a->at[i].keyword ? strcmp(a->at[i].keyword, "dim") == 0 : i == 1)
            return &a->at[i];
    return NULL;
}

/* The name of the op that is meant; *a may be changed: dim=(2, 3) becomes dims=. */
static const char *variant(const char *name, const hone__arguments *a, char *full, size_t size)
{
    hone__argument_value *dim = dim_of(a);
    if (!dim || !is_tensor(&a->at[0].value) || is_tensor(&dim->value))
        return name;
    if (dim->value.kind == HONE__VALUE_LIST && there_is(name, "_dims", full, size)) {
        dim->keyword = "dims";
        return full;
    }
    if (dim->value.kind == HONE__VALUE_INT && there_is(name, "_dim", full, size)) {
        dim->keyword = "dim";
        return full;
    }
    if ((hone__value_is_number(&dim->value) || dim->value.kind == HONE__VALUE_SIZE) && a->n == 2 &&
        !dim->keyword && there_is(name, "_scalar", full, size))
        return full;
    return name;
}

/* ---- attributes as text */

static bool append(op_call *c, hone__place place, const char *text, const char *trial)
{
    if (strlen(c->text) + strlen(text) + 1 >= sizeof c->text ||
        strlen(c->trial) + strlen(trial) + 1 >= sizeof c->trial)
        return hone__complain(place, "the attributes are too long");
    strcat(c->text, text);
    strcat(c->trial, trial);
    return true;
}

static bool end_piece(op_call *c, hone__place place, const hone__value *size)
{
    if (c->n_pieces == PIECES)
        return hone__complain(place, "more than %d sizes in a call", PIECES - 1);
    hone__piece *p = &c->pieces[c->n_pieces++];
    p->text = hone__arena_text(&c->f->network->arena, c->text, strlen(c->text));
    p->has_number = size != NULL;
    c->text[0] = 0;
    return p->text && (!size || hone__extent_of(place, size, &p->number));
}

static bool append_value(op_call *c, hone__place place, const hone__value *v)
{
    char text[ATTRIBUTES] = "";
    switch (v->kind) {
    case HONE__VALUE_BOOL:
        return append(c, place, v->b ? "true" : "false", v->b ? "true" : "false");
    case HONE__VALUE_INT:
    case HONE__VALUE_FLOAT:
        return hone__value_print(v, text, sizeof text) && append(c, place, text, text);
    case HONE__VALUE_SIZE:
        return append(c, place, "", "1") && end_piece(c, place, v);
    case HONE__VALUE_TEXT: { /* without blanks, which would end it */
        size_t n = 0;
        for (const char *at = v->text; *at && n + 1 < sizeof text; at++)
            if (*at != ' ' && *at != '\t')
                text[n++] = *at;
        return append(c, place, text, text);
    }
    case HONE__VALUE_LIST:
        for (int i = 0; i < v->n; i++)
            if (v->list[i].kind == HONE__VALUE_LIST || (i && !append(c, place, ",", ",")) ||
                !append_value(c, place, &v->list[i]))
                return v->list[i].kind == HONE__VALUE_LIST
                           ? hone__complain(place, "a list in a list is no attribute")
                           : false;
        return true;
    default:
        return hone__complain(place, "%s: %s is no attribute", c->op->name, hone__value_text(v));
    }
}

static bool add_attribute(op_call *c, hone__place place, const char *name, const hone__value *v)
{
    if (v->kind == HONE__VALUE_NONE) /* its default */
        return true;
    return append(c, place, " ", " ") && append(c, place, name, name) &&
           append(c, place, "=", "=") && append_value(c, place, v);
}

/* ---- arguments by place and by name */

static const hone__slot *next_input(const op_call *c)
{
    int last = 0;
    while (last + 1 < HONE__OP_INPUTS && c->op->in[last + 1].name)
        last++;
    const int at = c->n_in < last ? c->n_in : last;
    const hone__slot *slot = &c->op->in[at];
    const bool more = slot->name && (c->n_in <= last || (slot->is & HONE__LIST));
    return more && !(slot->is & HONE__HIDDEN) ? slot : NULL;
}

static bool too_many(const op_call *c, hone__place place)
{
    char signature[300] = "";
    hone_op_signature(c->op->name, signature, sizeof signature);
    return hone__complain(place, "%s takes no more: %s", c->op->name, signature);
}

static bool add_input(op_call *c, hone__place place, const hone__value *v)
{
    if (!next_input(c))
        return too_many(c, place);
    return hone__operand_of(c->f, place, v, &c->in[c->n_in++]);
}

static bool is_whole(const hone__value *v)
{
    return v->kind == HONE__VALUE_INT || v->kind == HONE__VALUE_SIZE;
}

static bool is_named(const op_call *c, const char *name)
{
    for (int i = 0; i < c->a->n; i++)
        if (c->a->at[i].keyword && strcmp(c->a->at[i].keyword, name) == 0)
            return true;
    return false;
}

/* Numbers by place: the op's attributes in their order; dims take all that follow. */
static bool add_by_place(op_call *c, int *i)
{
    const hone__argument_value *v = &c->a->at[*i];
    const hone__option *o = c->op->options ? &c->op->options[c->next_option] : NULL;
    for (; o && o->name && is_named(c, o->name); o++)
        c->next_option++;
    if (!o || !o->name)
        return too_many(c, v->place);
    c->next_option++;
    if (o->kind != HONE__OPT_DIMS || !is_whole(&v->value))
        return add_attribute(c, v->place, o->name, &v->value);
    int n = 1;
    while (*i + n < c->a->n && !c->a->at[*i + n].keyword && is_whole(&c->a->at[*i + n].value))
        n++;
    hone__value list;
    if (!hone__values_new(c->f, v->place, n, &list))
        return false;
    for (int k = 0; k < n; k++)
        list.list[k] = c->a->at[*i + k].value;
    *i += n - 1;
    return add_attribute(c, v->place, o->name, &list);
}

static bool is_tensor_list(const hone__value *v)
{
    for (int i = 0; v->kind == HONE__VALUE_LIST && i < v->n; i++)
        if (!is_tensor(&v->list[i]))
            return false;
    return v->kind == HONE__VALUE_LIST && v->n > 0;
}

static bool add_argument(op_call *c, int *i)
{
    const hone__argument_value *v = &c->a->at[*i];
    const hone__slot *slot = next_input(c);
    if (is_tensor(&v->value) ||
        (v->value.kind == HONE__VALUE_NONE && slot && (slot->is & HONE__OPTIONAL)))
        return add_input(c, v->place, &v->value);
    if (!is_tensor_list(&v->value))
        return add_by_place(c, i);
    for (int k = 0; k < v->value.n; k++)
        if (!add_input(c, v->place, &v->value.list[k]))
            return false;
    return true;
}

/* An input by its name (bias=b), or an attribute. */
static bool add_named(op_call *c, const hone__argument_value *v, hone__operand *named)
{
    for (int i = 0; i < HONE__OP_INPUTS && c->op->in[i].name; i++) {
        const hone__slot *slot = &c->op->in[i];
        if (strcmp(slot->name, v->keyword) != 0 || (slot->is & (HONE__LIST | HONE__HIDDEN)))
            continue;
        if (i < c->n_in)
            return hone__complain(v->place, "%s is given twice", v->keyword);
        return hone__operand_of(c->f, v->place, &v->value, &named[i]);
    }
    return add_attribute(c, v->place, v->keyword, &v->value);
}

static bool add_all(op_call *c)
{
    hone__operand named[HONE__OP_INPUTS] = { { 0 } };
    int last = 0;
    for (int i = 0; i < c->a->n; i++)
        if (!(c->a->at[i].keyword ? add_named(c, &c->a->at[i], named) : add_argument(c, &i)))
            return false;
    for (int i = 0; i < HONE__OP_INPUTS; i++)
        if (named[i].kind != HONE__OPERAND_NONE)
            last = i + 1;
    for (; c->n_in < last; c->n_in++)
        c->in[c->n_in] = named[c->n_in];
    return true;
}

/* ---- the step */

static int all_outputs(const hone__op *op)
{
    int n = 1;
    while (n < HONE__OP_OUTPUTS && op->out[n].name && !(op->out[n].is & HONE__HIDDEN))
        n++;
    return n;
}

static bool finish(op_call *c, int wanted, hone__value *out)
{
    hone__arena *arena = &c->f->network->arena;
    const uint64_t errors = hone__error_count();
    const int given = c->n_in, n_in = hone__op_takes(c->op, given);
    char *options = hone__arena_take(arena, HONE__OPTIONS_BYTES);
    char *trial = hone__arena_text(arena, c->trial, strlen(c->trial)); /* options may point to it */
    if (!options || !trial)
        return false;
    if (n_in < 0 || !hone__options_read(c->op, trial, options))
        return hone__blame(c->place, errors);
    const int n_out = wanted > 1 ? all_outputs(c->op) : 1;
    hone__step *s = hone__step_new(c->f, HONE__STEP_OP, c->place, c->op->name, n_in, n_out);
    if (!s)
        return false;
    memcpy(s->in, c->in, (size_t)given * sizeof *s->in); /* the others are absent */
    s->op = c->op;
    s->options = options;
    if (c->n_pieces > 0) {
        if (!end_piece(c, c->place, NULL))
            return false;
        hone__piece *pieces = hone__arena_take(arena, sizeof c->pieces);
        if (!pieces)
            return false;
        memcpy(pieces, c->pieces, sizeof c->pieces);
        s->pieces = pieces;
        s->n_pieces = c->n_pieces;
    }
    return hone__step_result(c->f, c->place, s, wanted, out);
}

bool hone__emit_op(hone__frame *f, hone__place place, const char *name, const hone__arguments *a,
                   int wanted, hone__value *out)
{
    char full[64];
    bool in_place = false;
    int most = HONE__OP_INPUTS;
    const char *meant = variant(name, a, full, sizeof full);
    const hone__op *op = hone__op_find(meant, &in_place);
    if (!op)
        return hone__complain(place, "there is no op or function %s", name);
    if (in_place)
        return hone__complain(place, "%s works in place, which a description can't", name);
    for (int i = 0; i < a->n; i++)
        most += a->at[i].value.kind == HONE__VALUE_LIST ? a->at[i].value.n : 1;
    op_call c = { .f = f, .place = place, .op = op, .a = a };
    c.in = hone__arena_take(f->b->arena, (size_t)most * sizeof *c.in);
    return c.in && add_all(&c) && finish(&c, wanted, out);
}
