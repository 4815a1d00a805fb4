/* emit.c: what a forward does with tensors becomes steps of its program. */
#include "run/emit.h"

#include "core/core.h"

#include <string.h>

bool hone__in_forward(const hone__frame *f)
{
    return f->program != NULL;
}

bool hone__is_computed(const hone__value *v)
{
    return v->kind == HONE__VALUE_TENSOR || v->kind == HONE__VALUE_SIZE ||
           v->kind == HONE__VALUE_FIELD;
}

bool hone__operand_of(hone__frame *f, hone__place place, const hone__value *v, hone__operand *out)
{
    *out = (hone__operand){ HONE__OPERAND_NONE, 0, NULL };
    if (v->kind == HONE__VALUE_NONE)
        return true;
    if (v->kind == HONE__VALUE_TENSOR) {
        *out = (hone__operand){ HONE__OPERAND_REGISTER, v->reg, NULL };
        return true;
    }
    if (v->kind != HONE__VALUE_FIELD)
        return hone__complain(place, "a tensor is wanted here, not %s", hone__value_text(v));
    out->kind = HONE__OPERAND_FIELD;
    out->slot = v->slot;
    if (v->slot)
        return v->module == &f->network->base || hone__network_uses(f->network, v->module);
    for (int i = 0; i < f->network->n_fields && !out->slot; i++)
        if (f->network->slots[i] == v->tensor)
            out->slot = (hone_tensor **)&f->network->slots[i];
    return out->slot || hone__complain(place,
                                       "this parameter has no name in %s: give it one "
                                       "before the forward",
                                       f->model->name);
}

hone__step *hone__step_new(hone__frame *f, hone__step_kind kind, hone__place place,
                           const char *name, int n_in, int n_out)
{
    hone__arena *arena = &f->network->arena;
    hone__step *s = hone__arena_take(arena, sizeof *s);
    if (!s)
        return NULL;
    *s = (hone__step){ .kind = kind, .line = place.line, .n_in = n_in, .n_out = n_out };
    s->name = hone__arena_text(arena, name, strlen(name));
    s->in = hone__arena_take(arena, (size_t)(n_in + 1) * sizeof *s->in);
    s->out = hone__arena_take(arena, (size_t)(n_out + 1) * sizeof *s->out);
    if (!s->name || !s->in || !s->out || !hone__works(f->b, place, 1 + n_in))
        return NULL;
    const bool numbers = kind == HONE__STEP_SIZE || kind == HONE__STEP_NUMBER;
    for (int i = 0; i < n_out; i++)
        s->out[i] = numbers ? f->program->n_numbers++ : f->program->n_registers++;
    *f->program->last = s;
    f->program->last = &s->next;
    return s;
}

bool hone__step_result(hone__frame *f, hone__place place, const hone__step *s, int wanted,
                       hone__value *out)
{
    if (wanted <= 1) {
        *out = (hone__value){ .kind = HONE__VALUE_TENSOR, .reg = s->out[0] };
        return true;
    }
    if (wanted != s->n_out)
        return hone__complain(place, "%s gives %d tensor%s, but there are %d names", s->name,
                              s->n_out, s->n_out == 1 ? "" : "s", wanted);
    if (!hone__values_new(f, place, wanted, out))
        return false;
    for (int i = 0; i < wanted; i++)
        out->list[i] = (hone__value){ .kind = HONE__VALUE_TENSOR, .reg = s->out[i] };
    return true;
}

bool hone__extent_of(hone__place place, const hone__value *v, hone__extent *out)
{
    *out = (hone__extent){ .computed = v->kind == HONE__VALUE_SIZE };
    if (out->computed)
        out->reg = v->reg;
    else
        out->i = v->i;
    return out->computed || v->kind == HONE__VALUE_INT ||
           hone__complain(place, "a whole number is wanted here, not %s", hone__value_text(v));
}

/* ---- layers */

bool hone__emit_module(hone__frame *f, hone__place place, const char *name, hone_module *module,
                       const hone__arguments *a, hone__value *out)
{
    hone__step *s = hone__step_new(f, HONE__STEP_MODULE, place, name, a->n, 1);
    if (!s)
        return false;
    s->module = module;
    for (int i = 0; i < a->n; i++) {
        if (a->at[i].keyword)
            return hone__complain(a->at[i].place, "a layer's inputs have no names");
        if (!hone__operand_of(f, a->at[i].place, &a->at[i].value, &s->in[i]))
            return false;
    }
    return hone__network_uses(f->network, module) && hone__step_result(f, place, s, 1, out);
}

/* ---- sizes and what depends on them */

static bool emit_size(hone__frame *f, hone__place place, const hone__arguments *a, hone__value *out)
{
    if (a->n != 2 || a->at[1].keyword)
        return hone__complain(place, "size takes a tensor and one dim: x.size(0)");
    hone__step *s = hone__step_new(f, HONE__STEP_SIZE, place, "size", 1, 1);
    if (!s || !hone__operand_of(f, a->at[0].place, &a->at[0].value, &s->in[0]) ||
        !hone__extent_of(a->at[1].place, &a->at[1].value, &s->a))
        return false;
    *out = (hone__value){ .kind = HONE__VALUE_SIZE, .reg = s->out[0] };
    return true;
}

static bool emit_number(hone__frame *f, hone__place place, int sign, const hone__value *a,
                        const hone__value *b, hone__value *out)
{
    if (!strchr("+-*%", sign) && sign != HONE__SIGN_FLOOR)
        return hone__complain(place, "sizes have +, -, *, // and %%, not %s",
                              hone__sign_text(sign));
    hone__step *s = hone__step_new(f, HONE__STEP_NUMBER, place, hone__sign_text(sign), 0, 1);
    if (!s || !hone__extent_of(place, a, &s->a) || !hone__extent_of(place, b, &s->b))
        return false;
    s->sign = sign;
    *out = (hone__value){ .kind = HONE__VALUE_SIZE, .reg = s->out[0] };
    return true;
}

/* The argument of that name, or at that place; NULL: it isn't given. */
static const hone__argument_value *argument(const hone__arguments *a, const char *name, int at)
{
    for (int i = 0; i < a->n; i++)
        if (a->at[i].keyword ? strcmp(a->at[i].keyword, name) == 0 : i == at)
            return &a->at[i];
    return NULL;
}

/* f(x, a, b) with x a tensor, or without: see hone__step_kind. */
static bool emit_function(hone__frame *f, hone__place place, hone__step_kind kind, const char *name,
                          const char *const *names, const hone__arguments *a, int wanted,
                          hone__value *out)
{
    const bool x = kind != HONE__STEP_ARANGE;
    const hone__argument_value *first = argument(a, names[0], x),
                               *second = argument(a, names[1], 2);
    const int given = x + (first != NULL) + (second != NULL);
    const hone__value zero = hone__value_int(0);
    if ((x && (a->n == 0 || a->at[0].keyword)) || a->n != given ||
        (!first && kind != HONE__STEP_FLATTEN))
        return hone__complain(place, "%s is called as %s", name, names[2]);
    hone__step *s = hone__step_new(f, kind, place, name, x, kind == HONE__STEP_SPLIT ? wanted : 1);
    return s && (!x || hone__operand_of(f, a->at[0].place, &a->at[0].value, &s->in[0])) &&
           hone__extent_of(place, first ? &first->value : &zero, &s->a) &&
           hone__extent_of(place, second ? &second->value : &zero, &s->b) &&
           hone__step_result(f, place, s, wanted, out);
}

hone__outcome hone__emit_special(hone__frame *f, hone__place place, const char *name,
                                 const hone__arguments *a, int wanted, hone__value *out)
{
    static const struct {
        const char *name;
        hone__step_kind kind;
        const char *names[3];
    } functions[] = {
        { "split", HONE__STEP_SPLIT, { "split_size", "dim", "a, b = split(x, size, dim=1)" } },
        { "flatten", HONE__STEP_FLATTEN, { "start_dim", "", "flatten(x, 1)" } },
        { "arange", HONE__STEP_ARANGE, { "end", "", "arange(x.size(1))" } },
    };
    if (strcmp(name, "size") == 0)
        return emit_size(f, place, a, out) ? HONE__DONE : HONE__WRONG;
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (strcmp(name, functions[i].name) == 0)
            return emit_function(f, place, functions[i].kind, name, functions[i].names, a, wanted,
                                 out)
                       ? HONE__DONE
                       : HONE__WRONG;
    return HONE__OTHER;
}

/* ---- operators */

static const struct {
    int sign;
    const char *op, *turned; /* turned: b SIGN a */
} operators[] = { { '+', "add", "add" },
                  { '-', "sub", NULL },
                  { '*', "mul", "mul" },
                  { '/', "div", NULL },
                  { HONE__SIGN_POWER, "pow", NULL },
                  { HONE__SIGN_EQ, "eq", "eq" },
                  { HONE__SIGN_NE, "ne", "ne" },
                  { '<', "lt", "gt" },
                  { HONE__SIGN_LE, "le", "ge" },
                  { '>', "gt", "lt" },
                  { HONE__SIGN_GE, "ge", "le" } };

static bool call_op(hone__frame *f, hone__place place, const char *op, const hone__value *a,
                    const hone__value *b, hone__value *out)
{
    hone__argument_value arguments[] = { { .value = *a, .place = place },
                                         { .value = b ? *b : *a, .place = place } };
    return hone__emit_op(f, place, op, &(hone__arguments){ arguments, b ? 2 : 1 }, 1, out);
}

/* Of a number and a tensor: 1 - x, 1 / x, as PyTorch computes them. */
static bool number_first(hone__frame *f, hone__place place, int sign, const char *turned,
                         const hone__value *a, const hone__value *x, hone__value *out)
{
    if (turned)
        return call_op(f, place, turned, x, a, out);
    if (sign == '-')
        return call_op(f, place, "neg", x, NULL, out) && call_op(f, place, "add", out, a, out);
    if (sign == '/')
        return call_op(f, place, "reciprocal", x, NULL, out) &&
               call_op(f, place, "mul", out, a, out);
    return hone__complain(place, "a number %s a tensor has no meaning", hone__sign_text(sign));
}

static bool is_tensor(const hone__value *v)
{
    return v->kind == HONE__VALUE_TENSOR || v->kind == HONE__VALUE_FIELD;
}

bool hone__emit_binary(hone__frame *f, hone__place place, int sign, const hone__value *a,
                       const hone__value *b, hone__value *out)
{
    const bool both = is_tensor(a) && is_tensor(b);
    if (!is_tensor(a) && !is_tensor(b) &&
        (hone__value_is_number(a) || hone__value_is_number(b) || (a->kind == b->kind)))
        return emit_number(f, place, sign, a, b, out);
    if (sign == '@' && both)
        return call_op(f, place, "matmul", a, b, out);
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (operators[i].sign != sign)
            continue;
        const hone__value *other = is_tensor(a) ? b : a;
        if (!both && !hone__value_is_number(other) && other->kind != HONE__VALUE_SIZE)
            break;
        if (!is_tensor(a))
            return number_first(f, place, sign, operators[i].turned, a, b, out);
        return call_op(f, place, operators[i].op, a, b, out);
    }
    return hone__complain(place, "%s %s %s has no meaning", hone__value_text(a),
                          hone__sign_text(sign), hone__value_text(b));
}

bool hone__emit_unary(hone__frame *f, hone__place place, int sign, const hone__value *a,
                      hone__value *out)
{
    const hone__value zero = hone__value_int(0);
    *out = *a;
    if (sign == '+')
        return true;
    return is_tensor(a) ? call_op(f, place, "neg", a, NULL, out)
                        : emit_number(f, place, '-', &zero, a, out);
}
