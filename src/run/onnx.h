/* onnx.h: a network's calls of ops, one after the other, as a graph of ONNX.
 *
 * Protocol buffers by protobuf-c: the format's own messages, of which onnx.proto has those that are written,
 * become C structs when hone is built. Google's C++ library is larger than hone; nanopb wants a bound for
 * every field. Without protobuf-c `hone export` says so. */
#ifndef HONE_RUN_ONNX_H
#define HONE_RUN_ONNX_H

#include "op/trace.h"
#include "run/source.h"

#include "onnx.pb-c.h"

#include <hone/nn.h>

typedef Hone__Onnx__NodeProto hone__onnx_node;

typedef struct {
    hone__tracer tracer; /* the first member */
    Hone__Onnx__GraphProto graph;
    int nodes_room, initializers_room;
    hone_tensor **tensors; /* those that have a name; held, so that no other gets its address */
    const char **names;
    bool *constants; /* known without the input */
    int n, room;
    int counter;
    const hone_context *ctx; /* the call that is told */
    hone_tensor *const *out;
    hone__arena arena;  /* of all blocks: scopes end while a network runs */
    hone_tensor **held; /* constants' data */
    int n_held, held_room;
    char error[300]; /* of the first op that can't be written */
    bool failed;     /* or out of memory */
} hone__onnx;

/* ---- onnx_graph.c */

void hone__onnx_end(hone__onnx *g);

/** The name of a tensor; what hasn't one becomes a constant. */
const char *hone__onnx_name(hone__onnx *g, hone_tensor *t);
/** From now on the tensor has that name. */
void hone__onnx_bind(hone__onnx *g, const hone_tensor *t, const char *name, bool constant);
/** Adds a constant; the name. */
const char *hone__onnx_constant(hone__onnx *g, hone_tensor *t, const char *name);
/** The same under a name that nothing has; NULL gives NULL. */
const char *hone__onnx_fresh(hone__onnx *g, hone_tensor *t);
/** Whether a tensor is known without the network's input. */
bool hone__onnx_is_constant(const hone__onnx *g, const hone_tensor *t);
const char *hone__onnx_ints(hone__onnx *g, const int64_t *at, int n);
const char *hone__onnx_number(hone__onnx *g, double value, hone_dtype dtype);
/** Adds a node of n inputs (NULL or "": absent) with one output, whose name this is; g->graph's last
 * node. */
const char *hone__onnx_add(hone__onnx *g, const char *type, const char *const *in, int n);
#define HONE__ONNX(g, type, ...)                                                                   \
    hone__onnx_add(g, type, (const char *[]){ __VA_ARGS__ },                                       \
                   (int)(sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *)))
/** The name of the last node's third output. */
const char *hone__onnx_third(hone__onnx *g);
/** Attributes of the last node; texts: a list of one. */
void hone__onnx_int(hone__onnx *g, const char *name, int64_t value);
void hone__onnx_float(hone__onnx *g, const char *name, double value);
void hone__onnx_text(hone__onnx *g, const char *name, const char *value);
void hone__onnx_texts(hone__onnx *g, const char *name, const char *value);
void hone__onnx_list(hone__onnx *g, const char *name, const int64_t *at, int n);
int hone__onnx_type(hone_dtype dtype);
/** The call can't be written: why. */
const char *hone__onnx_refuse(hone__onnx *g, const char *why);
void *hone__onnx_room(hone__onnx *g, size_t bytes);

/* ---- onnx_ops.c */

/** onnx_recurrent.c: the op recurrent_layer. */
const char *hone__onnx_recurrent(hone__onnx *g);

bool hone__onnx_knows(const hone__op *op);
void hone__onnx_called(hone__tracer *tracer, const hone_context *ctx, hone_tensor *const *out);

#endif
