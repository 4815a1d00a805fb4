/* named.c: ops by name. */
#include "op/named.h"
#include "op/node.h"
#include "op/options.h"

#include <hone/call.h>

#include <string.h>

const hone__op *const *hone__op_list;

static const hone__op *find(const char *name, size_t length)
{
    for (int i = 0; hone__ready() && hone__op_list[i]; i++)
        if (strlen(hone__op_list[i]->name) == length &&
            memcmp(hone__op_list[i]->name, name, length) == 0)
            return hone__op_list[i];
    return NULL;
}

static bool has_form(const hone__op *op, bool in_place)
{
    return op->forms == HONE__BOTH || op->forms == (in_place ? HONE__IN_PLACE : HONE__FRESH);
}

const hone__op *hone__op_find(const char *name, bool *in_place)
{
    const size_t length = strlen(name);
    *in_place = length > 1 && name[length - 1] == '_';
    const hone__op *op = find(name, length - *in_place);
    return op && has_form(op, *in_place) ? op : NULL;
}

static const hone__op *find_form(const char *name, bool *in_place)
{
    if (!name) {
        hone__error_missing("call", "the name of an op");
        return NULL;
    }
    const hone__op *op = hone__op_find(name, in_place);
    if (op)
        return op;
    op = find(name, strlen(name) - *in_place);
    if (!hone__ready())
        return NULL;
    if (op)
        hone_error_set(HONE_E_VALUE, "%.60s: there is no such form, only %s%s", name, op->name,
                       *in_place ? "" : "_");
    else
        hone_error_set(HONE_E_VALUE, "%.60s: there is no such op (hone ops lists them)", name);
    return NULL;
}

static int all_slots(const hone__op *op)
{
    int n = 0;
    while (n < HONE__OP_INPUTS && op->in[n].name)
        n++;
    return n;
}

/* Those that a caller fills. */
static int slots(const hone__op *op)
{
    int n = 0;
    while (n < HONE__OP_INPUTS && op->in[n].name && !(op->in[n].is & HONE__HIDDEN))
        n++;
    return n;
}

int hone__op_takes(const hone__op *op, int given)
{
    const int n = slots(op);
    const bool list = n > 0 && (op->in[n - 1].is & HONE__LIST);
    int least = 0;
    while (least < n && !(op->in[least].is & (HONE__OPTIONAL | HONE__LIST)))
        least++;
    if (given >= least && (list || given <= n))
        return list ? given : all_slots(op);
    hone_error_set(HONE_E_VALUE, "%s: %d tensors were given, %s%d%s wanted", op->name, given,
                   list || least < n ? "at least " : "", least, least == 1 ? " is" : " are");
    return -1;
}

/* Optional inputs left out at the end are HONE_NONE. NULL: too many, too few, or not a list. */
static hone_tensor *const *take_inputs(const hone__op *op, hone_tensor_list inputs, int *n_in,
                                       hone_tensor **room)
{
    if (inputs.n < 0 || (inputs.n > 0 && !inputs.at)) {
        hone__error_null(op->name);
        return NULL;
    }
    *n_in = hone__op_takes(op, inputs.n);
    if (*n_in < 0)
        return NULL;
    if (inputs.n == *n_in)
        return inputs.at ? inputs.at : room;
    for (int i = 0; i < *n_in; i++)
        room[i] = i < inputs.n ? inputs.at[i] : HONE_NONE;
    return room;
}

/* The number of visible outputs, -1 on error. */
static int call(const char *name, hone_tensor_list inputs, const char *attributes,
                hone__target target, hone_tensor **out)
{
    _Alignas(8) char options[HONE__OPTIONS_BYTES];
    hone_tensor *room[HONE__OP_INPUTS];
    bool in_place;
    int n_in;
    const hone__op *op = find_form(name, &in_place);
    if (!op)
        return -1;
    hone_tensor *const *in = take_inputs(op, inputs, &n_in, room);
    if (!in || !hone__options_read(op, attributes, options))
        return -1;
    if (in_place && target == HONE__INTO_GIVEN) {
        hone_error_set(HONE_E_VALUE, "%s: a call in place has no other result", name);
        return -1;
    }
    return hone__run(op, in, n_in, options, in_place ? HONE__INTO_FIRST : target, out);
}

hone_tensor_list hone_call(const char *op, hone_tensor_list inputs, const char *attributes)
{
    hone_tensor *out[HONE_MAX_OUTPUTS] = { NULL };
    const int n = call(op, inputs, attributes, HONE__INTO_FRESH, out);
    int made = 0;
    for (int o = 0; o < n; o++) /* an optional output may not be there */
        out[o] = out[o] ? out[o] : HONE_NONE, made++;
    return n < 0 ? (hone_tensor_list){ NULL, 0 } : hone_list_n(out, made);
}

static int visible_outputs(const hone__op *op)
{
    int n = 1;
    while (n < HONE__OP_OUTPUTS && op->out[n].name && !(op->out[n].is & HONE__HIDDEN))
        n++;
    return n;
}

hone_status hone_call_out(const char *op, hone_tensor_list inputs, const char *attributes,
                          hone_tensor_list out)
{
    bool in_place;
    const hone__op *found = find_form(op, &in_place);
    if (!found)
        return hone__error_last();
    const int n = visible_outputs(found);
    if (out.n != n || !out.at)
        return hone_error_set(HONE_E_VALUE, "%s: %d tensors for its results, %d wanted", op, out.n,
                              n);
    hone_tensor *results[HONE_MAX_OUTPUTS] = { NULL };
    for (int o = 0; o < n; o++) {
        if (!hone__needs_tensor(op, out.at[o]))
            return HONE_E_NULL;
        results[o] = out.at[o];
    }
    HONE_SCOPE();
    return call(op, inputs, attributes, HONE__INTO_GIVEN, results) < 0 ? hone__error_last()
                                                                       : HONE_OK;
}

/* ---- what there is */

int hone_op_count(void)
{
    int n = 0;
    while (hone__ready() && hone__op_list[n])
        n++;
    return n;
}

const char *hone_op_name(int i)
{
    return i >= 0 && i < hone_op_count() ? hone__op_list[i]->name : NULL;
}

static const hone__op *known(const char *name)
{
    const hone__op *op = name ? find(name, strlen(name)) : NULL;
    if (!op && hone__ready())
        hone_error_set(HONE_E_VALUE, "%.60s: there is no such op (hone ops lists them)",
                       name ? name : "NULL");
    return op;
}

typedef struct {
    char *at;
    size_t size, used;
} text;

static void append(text *t, const char *what)
{
    const size_t length = strlen(what);
    for (size_t i = 0; i < length; i++)
        if (t->used + i + 1 < t->size)
            t->at[t->used + i] = what[i];
    t->used += length;
    if (t->size > 0)
        t->at[t->used < t->size ? t->used : t->size - 1] = 0;
}

static void append_slot(text *t, const hone__slot *slot, bool first)
{
    append(t, first ? "" : ", ");
    append(t, slot->name);
    append(t, slot->is & HONE__LIST ? "..." : slot->is & HONE__OPTIONAL ? "?" : "");
}

int64_t hone_op_signature(const char *name, char *buffer, size_t bytes)
{
    const hone__op *op = known(name);
    if (!op)
        return -1;
    text t = { buffer, buffer ? bytes : 0, 0 };
    char options[1024];
    hone__options_print(op, options, sizeof options);
    append(&t, op->name);
    append(&t, op->forms == HONE__IN_PLACE ? "_(" : "(");
    for (int i = 0; i < slots(op); i++)
        append_slot(&t, &op->in[i], i == 0);
    append(&t, options);
    append(&t, ") -> ");
    if (!op->out[0].name)
        append(&t, "out");
    for (int o = 0; o < HONE__OP_OUTPUTS && op->out[o].name && !(op->out[o].is & HONE__HIDDEN); o++)
        append_slot(&t, &op->out[o], o == 0);
    return (int64_t)t.used;
}

hone_gradients hone_op_gradients(const char *name, const char **reason)
{
    const hone__op *op = known(name);
    if (reason)
        *reason = op && op->why ? op->why : "";
    return op && op->composite    ? HONE_GRADIENT_ANY
           : !op || !op->backward ? HONE_GRADIENT_NONE
           : op->once             ? HONE_GRADIENT_ONCE
                                  : HONE_GRADIENT_ANY;
}

bool hone_op_has_form(const char *name, bool in_place)
{
    const hone__op *op = known(name);
    return op && has_form(op, in_place);
}
