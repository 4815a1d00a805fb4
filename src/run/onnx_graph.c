/* onnx_graph.c: names, nodes, attributes and constants of a graph that is being written. */
#if HONE_HAS_PROTOBUF_C

#include "run/onnx.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#include "onnx.pb-c.c" /* made by protoc-c */
#pragma GCC diagnostic pop

#include "runtime/memory.h"

#include <hone/ops.h>

#include <string.h>

void *hone__onnx_room(hone__onnx *g, size_t bytes)
{
    void *block = hone__arena_take(&g->arena, bytes ? bytes : 1);
    g->failed = g->failed || !block;
    return block;
}

static char *copy(hone__onnx *g, const char *text)
{
    char *to = hone__onnx_room(g, strlen(text) + 1);
    return to ? strcpy(to, text) : NULL;
}

const char *hone__onnx_refuse(hone__onnx *g, const char *why)
{
    if (!g->error[0])
        hone__format(g->error, sizeof g->error, "the op %s %s", hone__call_name(g->ctx), why);
    return NULL;
}

/* A block for twice as many as there are; without memory (g->failed) the old one. */
static void *grown(hone__onnx *g, void *at, size_t n, int *room, size_t size)
{
    if (n < (size_t)*room)
        return at;
    const int more = 2 * *room + 64;
    void *block = hone__onnx_room(g, (size_t)more * size);
    if (!block)
        return at;
    if (n)
        memcpy(block, at, n * size);
    *room = more;
    return block;
}

static bool hold(hone__onnx *g, hone_tensor *t)
{
    g->held = grown(g, g->held, (size_t)g->n_held, &g->held_room, sizeof *g->held);
    if (g->failed)
        return false;
    g->held[g->n_held++] = hone_retain(t);
    return true;
}

void hone__onnx_end(hone__onnx *g)
{
    for (int i = 0; i < g->n; i++)
        hone_release(g->tensors[i]);
    for (int i = 0; i < g->n_held; i++)
        hone_release(g->held[i]);
    hone__arena_free(&g->arena);
}

/* ---- names */

void hone__onnx_bind(hone__onnx *g, const hone_tensor *t, const char *name, bool constant)
{
    int rooms[3] = { g->room, g->room, g->room };
    g->tensors = grown(g, g->tensors, (size_t)g->n, &rooms[0], sizeof *g->tensors);
    g->names = grown(g, g->names, (size_t)g->n, &rooms[1], sizeof *g->names);
    g->constants = grown(g, g->constants, (size_t)g->n, &rooms[2], sizeof *g->constants);
    if (g->failed)
        return;
    g->room = rooms[0];
    g->tensors[g->n] = hone_retain((hone_tensor *)(uintptr_t)t);
    g->names[g->n] = name;
    g->constants[g->n++] = constant;
}

static int find(const hone__onnx *g, const hone_tensor *t)
{
    for (int i = g->n; i-- > 0;)
        if (g->tensors[i] == t)
            return i;
    return -1;
}

bool hone__onnx_is_constant(const hone__onnx *g, const hone_tensor *t)
{
    const int i = find(g, t);
    return i < 0 || g->constants[i];
}

const char *hone__onnx_name(hone__onnx *g, hone_tensor *t)
{
    if (t == HONE_NONE)
        return "";
    int i = find(g, t);
    if (i < 0) {
        char name[32];
        hone__format(name, sizeof name, "constant_%d", g->counter++);
        hone__onnx_bind(g, t, copy(g, name), true);
        i = g->n - 1;
    }
    if (g->failed)
        return NULL;
    /* a constant is written when somebody first asks for it */
    for (size_t k = 0; g->constants[i] && k < g->graph.n_initializer; k++)
        if (strcmp(g->graph.initializer[k]->name, g->names[i]) == 0)
            return g->names[i];
    return g->constants[i] ? hone__onnx_constant(g, t, g->names[i]) : g->names[i];
}

/* ---- constants */

int hone__onnx_type(hone_dtype dtype)
{
    static const int types[HONE_DTYPES] = { 1, 11, 7, 6, 2, 9 }; /* f32 f64 i64 i32 u8 bool */
    return types[dtype];
}

const char *hone__onnx_constant(hone__onnx *g, hone_tensor *t, const char *name)
{
    hone_tensor *flat = hone_contiguous(t);
    Hone__Onnx__TensorProto *p = hone__onnx_room(g, sizeof *p);
    int64_t *dims = hone__onnx_room(g, HONE_MAX_DIMS * sizeof *dims);
    char *own_name = copy(g, name);
    g->graph.initializer =
        grown(g, g->graph.initializer, g->graph.n_initializer, &g->initializers_room, sizeof p);
    if (!flat || g->failed || !hold(g, flat))
        return NULL;
    hone__onnx__tensor_proto__init(p);
    memcpy(dims, flat->shape, (size_t)flat->ndim * sizeof *dims);
    p->n_dims = flat->ndim;
    p->dims = dims;
    p->has_data_type = p->has_raw_data = 1;
    p->data_type = hone__onnx_type((hone_dtype)flat->dtype);
    p->name = own_name;
    p->raw_data.len = (size_t)flat->numel * hone__size_of(flat->dtype);
    p->raw_data.data = hone__data(flat);
    g->graph.initializer[g->graph.n_initializer++] = p;
    return own_name;
}

const char *hone__onnx_fresh(hone__onnx *g, hone_tensor *t)
{
    char name[32];
    hone__format(name, sizeof name, "constant_%d", g->counter++);
    return t ? hone__onnx_constant(g, t, name) : NULL;
}

const char *hone__onnx_ints(hone__onnx *g, const int64_t *at, int n)
{
    hone_tensor *t = hone__own(hone__new("export", HONE_I64, 1, &(int64_t){ n }));
    if (t && n)
        memcpy(hone__data(t), at, (size_t)n * sizeof *at);
    return hone__onnx_fresh(g, t);
}

const char *hone__onnx_number(hone__onnx *g, double value, hone_dtype dtype)
{
    return hone__onnx_fresh(
        g, hone_to(hone_full_v(HONE_F64, value, (int64_t[]){ HONE_END_DIM }), dtype));
}

/* ---- nodes */

const char *hone__onnx_add(hone__onnx *g, const char *type, const char *const *in, int n)
{
    char name[32];
    hone__onnx_node *p = hone__onnx_room(g, sizeof *p);
    char **inputs = hone__onnx_room(g, (size_t)n * sizeof *inputs);
    char **outputs = hone__onnx_room(g, sizeof *outputs);
    hone__format(name, sizeof name, "%s_%d", type, g->counter++);
    char *out = copy(g, name);
    g->graph.node = grown(g, g->graph.node, g->graph.n_node, &g->nodes_room, sizeof p);
    if (g->failed)
        return NULL;
    while (n > 0 && in[n - 1] && !*in[n - 1]) /* absent ones at the end */
        n--;
    for (int i = 0; i < n; i++) {
        if (!in[i])
            return NULL;
        inputs[i] = copy(g, in[i]);
    }
    hone__onnx__node_proto__init(p);
    p->n_input = (size_t)n;
    p->input = inputs;
    p->n_output = 1;
    p->output = outputs;
    outputs[0] = out;
    p->name = out;
    p->op_type = copy(g, type);
    g->graph.node[g->graph.n_node++] = p;
    return g->failed ? NULL : out;
}

const char *hone__onnx_third(hone__onnx *g)
{
    char name[48];
    hone__onnx_node *p = g->graph.n_node ? g->graph.node[g->graph.n_node - 1] : NULL;
    char **outputs = hone__onnx_room(g, 3 * sizeof *outputs);
    if (!p || g->failed)
        return NULL;
    hone__format(name, sizeof name, "%s_last", p->output[0]);
    outputs[0] = p->output[0];
    outputs[1] = (char *)"";
    outputs[2] = copy(g, name);
    p->output = outputs;
    p->n_output = 3;
    return outputs[2];
}

static Hone__Onnx__AttributeProto *attribute(hone__onnx *g, const char *name, int type)
{
    enum { MOST = 8 };
    hone__onnx_node *p = g->graph.n_node ? g->graph.node[g->graph.n_node - 1] : NULL;
    Hone__Onnx__AttributeProto *a = hone__onnx_room(g, sizeof *a);
    if (p && !p->attribute)
        p->attribute = hone__onnx_room(g, MOST * sizeof a);
    char *own_name = copy(g, name);
    if (g->failed || !p || p->n_attribute == MOST)
        return NULL;
    hone__onnx__attribute_proto__init(a);
    a->name = own_name;
    a->has_type = 1;
    a->type = type;
    p->attribute[p->n_attribute++] = a;
    return a;
}

enum { FLOAT = 1, INT = 2, STRING = 3, INTS = 7, STRINGS = 8 }; /* the format's numbers */

void hone__onnx_int(hone__onnx *g, const char *name, int64_t value)
{
    Hone__Onnx__AttributeProto *a = attribute(g, name, INT);
    if (a) {
        a->has_i = 1;
        a->i = value;
    }
}

void hone__onnx_float(hone__onnx *g, const char *name, double value)
{
    Hone__Onnx__AttributeProto *a = attribute(g, name, FLOAT);
    if (a) {
        a->has_f = 1;
        a->f = (float)value;
    }
}

void hone__onnx_text(hone__onnx *g, const char *name, const char *value)
{
    Hone__Onnx__AttributeProto *a = attribute(g, name, STRING);
    char *text = copy(g, value);
    if (a && text) {
        a->has_s = 1;
        a->s.len = strlen(text);
        a->s.data = (uint8_t *)text;
    }
}

void hone__onnx_texts(hone__onnx *g, const char *name, const char *value)
{
    Hone__Onnx__AttributeProto *a = attribute(g, name, STRINGS);
    char *text = copy(g, value);
    ProtobufCBinaryData *list = hone__onnx_room(g, sizeof *list);
    if (a && text && list) {
        *list = (ProtobufCBinaryData){ strlen(text), (uint8_t *)text };
        a->n_strings = 1;
        a->strings = list;
    }
}

void hone__onnx_list(hone__onnx *g, const char *name, const int64_t *at, int n)
{
    Hone__Onnx__AttributeProto *a = attribute(g, name, INTS);
    int64_t *ints = hone__onnx_room(g, (size_t)n * sizeof *ints);
    if (a && ints) {
        memcpy(ints, at, (size_t)n * sizeof *ints);
        a->n_ints = (size_t)n;
        a->ints = ints;
    }
}

#else
typedef int hone__nothing_without_protobuf_c;
#endif
