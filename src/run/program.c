/* program.c: running a forward's steps. */
#include "run/program.h"

#include "nn/norm_relu.h"
#include "nn/relu_pool.h"
#include "op/options.h"
#include "run/decode.h"
#include "run/value.h"
#include "runtime/memory.h"

#include <hone/call.h>
#include <hone/ops.h>

#include <string.h>

/* ---- one run */

enum { FEW = 32 }; /* registers on the stack */

typedef struct {
    const char *where;
    hone_tensor **tensors; /* NULL: not computed yet, or dead */
    int64_t *numbers;
} run;

static hone_tensor *input(const run *r, const hone__operand *o)
{
    hone_tensor *t = o->kind == HONE__OPERAND_REGISTER ? r->tensors[o->reg]
                     : o->kind == HONE__OPERAND_FIELD  ? *o->slot
                                                       : NULL;
    return t ? t : HONE_NONE;
}

static int64_t number(const run *r, const hone__extent *e)
{
    return e->computed ? r->numbers[e->reg] : e->i;
}

static bool keep(const run *r, int reg, hone_tensor *t)
{
    r->tensors[reg] = hone_retain(t);
    return r->tensors[reg] != NULL;
}

/* The attributes, with the numbers that are known now. */
static bool read_pieces(const run *r, const hone__step *s, char *text, size_t size, void *options)
{
    size_t used = 0;
    for (int i = 0; i < s->n_pieces; i++) {
        const hone__piece *p = &s->pieces[i];
        char digits[24] = "";
        if (p->has_number)
            hone__format(digits, sizeof digits, "%lld", (long long)number(r, &p->number));
        used += (size_t)hone__format(text + used, size - used, "%s%s", p->text, digits);
        if (used >= size) {
            hone_error_set(HONE_E_VALUE, "%s: its attributes are too long", s->name);
            return false;
        }
    }
    return hone__options_read(s->op, text, options);
}

static bool run_op(const run *r, const hone__step *s, hone_tensor **in)
{
    _Alignas(8) char read[HONE__OPTIONS_BYTES], changed[HONE__OPTIONS_BYTES];
    const void *options = s->pieces ? read : s->options;
    hone_decoder *decoder = hone__decoding();
    char text[600] = "";
    hone_tensor *out[HONE_MAX_OUTPUTS] = { NULL };
    if (s->pieces && !read_pieces(r, s, text, sizeof text, read))
        return false;
    if (decoder && !hone__decode_before(decoder, s, in, &options, changed))
        return false;
    if (hone__run(s->op, in, s->n_in, options, HONE__INTO_FRESH, out) < 0)
        return false;
    if (decoder && !hone__decode_after(decoder, s, out))
        return false;
    for (int o = 0; o < s->n_out; o++)
        if (!keep(r, s->out[o], out[o]))
            return false;
    return true;
}

static bool run_number(const run *r, const hone__step *s)
{
    const char *message;
    if (hone__int_binary(s->sign, number(r, &s->a), number(r, &s->b), &r->numbers[s->out[0]],
                         &message))
        return true;
    hone_error_set(HONE_E_VALUE, "%s %s %s: %s", "sizes", hone__sign_text(s->sign), "sizes",
                   message);
    return false;
}

static bool run_split(const run *r, const hone__step *s, hone_tensor *x)
{
    const hone_tensor_list parts = hone_split(x, number(r, &s->a), (int)number(r, &s->b));
    if (!parts.at)
        return false;
    if (parts.n != s->n_out) {
        hone_error_set(HONE_E_SHAPE, "split: %s gives %d pieces of %lld, but there are %d names",
                       hone__tensor_text(x).s, parts.n, (long long)number(r, &s->a), s->n_out);
        return false;
    }
    for (int i = 0; i < s->n_out; i++)
        if (!keep(r, s->out[i], parts.at[i]))
            return false;
    return true;
}

static bool run_size(const run *r, const hone__step *s, hone_tensor *x)
{
    if (!hone__needs_tensor("size", x))
        return false;
    const int dim = hone__dim_index("size", x, number(r, &s->a));
    if (dim < 0)
        return false;
    if (x->ndim == 0) {
        hone_error_set(HONE_E_SHAPE, "size: a 0-d tensor has no dims");
        return false;
    }
    r->numbers[s->out[0]] = x->shape[dim];
    return true;
}

/* 0 .. n - 1; while a decoder goes on, of positions: where they stand. */
static hone_tensor *counting(int64_t n)
{
    const hone_decoder *decoder = hone__decoding();
    const int64_t begin = decoder ? hone__decode_begin(decoder, n) : 0;
    return hone_arange(HONE_I64, (double)begin, (double)(begin + n), 1);
}

static bool run_step(const run *r, const hone__step *s, hone_tensor **in)
{
    for (int i = 0; i < s->n_in; i++)
        in[i] = input(r, &s->in[i]);
    in[s->n_in] = HONE_END_TENSOR;
    switch (s->kind) {
    case HONE__STEP_OP:
        return run_op(r, s, in);
    case HONE__STEP_MODULE:
        return keep(r, s->out[0],
                    hone__decoding() ? hone__decode_module(hone__decoding(), s, in)
                                     : hone_forward_v(s->module, in));
    case HONE__STEP_SIZE:
        return run_size(r, s, in[0]);
    case HONE__STEP_NUMBER:
        return run_number(r, s);
    case HONE__STEP_SPLIT:
        return run_split(r, s, in[0]);
    case HONE__STEP_FLATTEN:
        return keep(r, s->out[0], hone_flatten(in[0], (int)number(r, &s->a)));
    case HONE__STEP_ARANGE:
        return keep(r, s->out[0], counting(number(r, &s->a)));
    }
    return false;
}

static bool dies_in(const hone__step *s, int reg)
{
    bool dies = false;
    for (int i = 0; i < s->n_dead; i++)
        dies = dies || s->dead[i] == reg;
    return dies;
}

static bool is_relu(const hone__step *s)
{
    return s->kind == HONE__STEP_OP && strcmp(s->op->name, "relu") == 0;
}

/* The step behind s that is all that reads what s gives, and has the same bits in one pass with it: a
 * batch norm's ReLU, a ReLU's max pooling; or NULL. */
static const hone__step *joined(const run *r, const hone__step *s)
{
    const hone__step *next = s->next;
    if (!next || s->n_in != 1 || next->n_in != 1 || hone__decoding() ||
        next->in[0].kind != HONE__OPERAND_REGISTER || next->in[0].reg != s->out[0] ||
        !dies_in(next, s->out[0]))
        return NULL;
    const hone_tensor *x = input(r, &s->in[0]);
    const bool joins = s->kind == HONE__STEP_MODULE
                           ? is_relu(next) && hone__norm_takes_relu(s->module)
                           : is_relu(s) && next->kind == HONE__STEP_MODULE && hone__is_real(x) &&
                                 hone__pool_takes_relu(next->module, x);
    return joins ? next : NULL;
}

static void release_dead(const run *r, const hone__step *s)
{
    for (int i = 0; i < s->n_dead; i++) {
        hone_release(r->tensors[s->dead[i]]);
        r->tensors[s->dead[i]] = NULL;
    }
}

/* The result's register may be one that dies in s. */
static bool run_joined(const run *r, const hone__step *s, const hone__step *next)
{
    hone_tensor *x = input(r, &s->in[0]);
    hone_tensor *y = !hone__needs_tensor_or_none(s->name, x) ? NULL
                     : s->kind == HONE__STEP_MODULE          ? hone__norm_relu(s->module, x)
                                                             : hone__relu_pool(next->module, x);
    if (!y)
        return false;
    hone_retain(y);
    release_dead(r, s);
    r->tensors[next->out[0]] = y;
    return true;
}

/* False with an error that names the step. */
static bool run_steps(const run *r, const hone__program *p)
{
    hone_tensor *few[FEW];
    for (const hone__step *s = p->first; s; s = s->next) {
        const uint64_t errors = hone__error_count();
        hone_tensor **in = few;
        if (s->n_in >= FEW && !(in = hone__malloc((size_t)(s->n_in + 1) * sizeof *in)))
            return false;
        /* What a step makes besides its results goes at once; they themselves when they were read. */
        const size_t mark = hone__scope_mark();
        const hone__step *next = joined(r, s);
        const bool ok = next ? run_joined(r, s, next) : run_step(r, s, in);
        hone__scope_settle(mark, NULL);
        if (in != few)
            hone__free(in);
        if (!ok) {
            hone__prefix_error(errors, r->where, s->line,
                               s->kind == HONE__STEP_MODULE ? s->name : NULL);
            return false;
        }
        s = next ? next : s;
        release_dead(r, s);
    }
    return true;
}

hone_tensor *hone__program_run(const hone__program *p, const char *where, hone_tensor *const *in,
                               int n_in)
{
    void *few[2 * FEW] = { NULL };
    const size_t n = (size_t)(p->n_registers + p->n_numbers);
    void **room = n > 2 * FEW ? hone__calloc(n * sizeof *room) : few;
    if (!room)
        return NULL;
    const run r = { where, (hone_tensor **)room, (int64_t *)(room + p->n_registers) };
    memcpy(r.tensors, in, (size_t)n_in * sizeof *in);
    hone_tensor *out = run_steps(&r, p) ? input(&r, &p->result) : NULL;
    if (out)
        out = hone__own(hone_retain(out));
    for (int i = n_in; i < p->n_registers; i++) /* inputs are the caller's */
        hone_release(r.tensors[i]);
    if (room != few)
        hone__free(room);
    return out;
}

/* ---- who reads what for the last time */

typedef struct {
    int *last;   /* the number of the step that reads a register last */
    int *place;  /* of a register: its number afterwards */
    int *unused; /* numbers that are free again */
    int n_unused, n_used;
} lives;

static bool lives_begin(hone__arena *arena, lives *l, const hone__program *p, int n_in)
{
    const size_t n = (size_t)p->n_registers + 1;
    l->last = hone__arena_take(arena, n * sizeof *l->last);
    l->place = hone__arena_take(arena, n * sizeof *l->place);
    l->unused = hone__arena_take(arena, n * sizeof *l->unused);
    l->n_unused = 0;
    l->n_used = n_in;
    if (!l->last || !l->place || !l->unused)
        return false;
    for (int i = 0; i < p->n_registers; i++)
        l->last[i] = -1;
    for (int i = 0; i < n_in; i++)
        l->place[i] = i;
    int at = 0;
    for (const hone__step *s = p->first; s; s = s->next, at++) {
        for (int i = 0; s->kind != HONE__STEP_SIZE && s->kind != HONE__STEP_NUMBER && i < s->n_out;
             i++)
            l->last[s->out[i]] = at; /* if nobody reads it */
        for (int i = 0; i < s->n_in; i++)
            if (s->in[i].kind == HONE__OPERAND_REGISTER)
                l->last[s->in[i].reg] = at;
    }
    if (p->result.kind == HONE__OPERAND_REGISTER)
        l->last[p->result.reg] = at;
    return true;
}

/* Register `reg` is read for the last time. */
static void dies(lives *l, hone__step *s, int reg)
{
    const int place = l->place[reg];
    for (int i = 0; i < s->n_dead; i++)
        if (s->dead[i] == place)
            return;
    s->dead[s->n_dead++] = place;
}

static bool place_step(hone__arena *arena, lives *l, hone__step *s, int at, int n_in)
{
    const bool tensors = s->kind != HONE__STEP_SIZE && s->kind != HONE__STEP_NUMBER;
    s->dead = hone__arena_take(arena, (size_t)(s->n_in + s->n_out + 1) * sizeof *s->dead);
    if (!s->dead)
        return false;
    for (int i = 0; tensors && i < s->n_out; i++) {
        const int reg = s->out[i];
        s->out[i] = l->place[reg] = l->n_unused > 0 ? l->unused[--l->n_unused] : l->n_used++;
        if (l->last[reg] == at)
            dies(l, s, reg);
    }
    for (int i = 0; i < s->n_in; i++) {
        if (s->in[i].kind != HONE__OPERAND_REGISTER)
            continue;
        const int reg = s->in[i].reg;
        s->in[i].reg = l->place[reg];
        if (l->last[reg] == at && reg >= n_in)
            dies(l, s, reg);
    }
    for (int i = 0; i < s->n_dead; i++)
        l->unused[l->n_unused++] = s->dead[i];
    return true;
}

bool hone__program_end(hone__arena *arena, hone__program *p, int n_in)
{
    lives l;
    int at = 0;
    if (!lives_begin(arena, &l, p, n_in))
        return false;
    for (hone__step *s = p->first; s; s = s->next, at++)
        if (!place_step(arena, &l, s, at, n_in))
            return false;
    if (p->result.kind == HONE__OPERAND_REGISTER)
        p->result.reg = l.place[p->result.reg];
    p->n_registers = l.n_used;
    return true;
}
