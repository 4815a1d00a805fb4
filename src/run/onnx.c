/* onnx.c: runs a network once, on an example, and writes what was called. */
#include <hone/io.h>

#include "core/core.h"
#include "io/replace.h"
#include "runtime/memory.h"

#include <hone/autograd.h>
#include <hone/ops.h>

#include <string.h>

static const char where[] = "onnx_save";

#if HONE_HAS_PROTOBUF_C

#include "run/onnx.h"

enum { IR_VERSION = 10, OPSET = 21 };

/* ---- what goes in and comes out */

typedef struct {
    Hone__Onnx__ValueInfoProto info, *list[1];
    Hone__Onnx__TypeProto type;
    Hone__Onnx__TypeProto__Tensor tensor;
    Hone__Onnx__TensorShapeProto shape;
    Hone__Onnx__TensorShapeProto__Dimension dims[HONE_MAX_DIMS], *dim_list[HONE_MAX_DIMS];
} value_info;

static void fill_info(value_info *v, const char *name, const hone_tensor *t)
{
    hone__onnx__value_info_proto__init(&v->info);
    hone__onnx__type_proto__init(&v->type);
    hone__onnx__type_proto__tensor__init(&v->tensor);
    hone__onnx__tensor_shape_proto__init(&v->shape);
    for (int d = 0; d < t->ndim; d++) {
        hone__onnx__tensor_shape_proto__dimension__init(&v->dims[d]);
        v->dims[d].has_dim_value = 1;
        v->dims[d].dim_value = t->shape[d];
        v->dim_list[d] = &v->dims[d];
    }
    v->shape.n_dim = t->ndim;
    v->shape.dim = v->dim_list;
    v->tensor.has_elem_type = 1;
    v->tensor.elem_type = hone__onnx_type((hone_dtype)t->dtype);
    v->tensor.shape = &v->shape;
    v->type.tensor_type = &v->tensor;
    v->info.name = (char *)(uintptr_t)name;
    v->info.type = &v->type;
    v->list[0] = &v->info;
}

/* ---- the file */

static hone_status write_model(hone__onnx *g, const char *path)
{
    Hone__Onnx__ModelProto model;
    Hone__Onnx__OperatorSetIdProto opset, *opsets[1] = { &opset };
    hone__onnx__model_proto__init(&model);
    hone__onnx__operator_set_id_proto__init(&opset);
    opset.domain = (char *)"";
    opset.has_version = 1;
    opset.version = OPSET;
    model.has_ir_version = 1;
    model.ir_version = IR_VERSION;
    model.producer_name = (char *)"hone";
    model.graph = &g->graph;
    model.n_opset_import = 1;
    model.opset_import = opsets;
    const size_t bytes = hone__onnx__model_proto__get_packed_size(&model);
    if (bytes > INT32_MAX)
        return hone_error_set(HONE_E_VALUE, "%s: %zu bytes are more than the 2 GB of one file",
                              where, bytes);
    uint8_t *packed = hone__own_block(hone__malloc(bytes + 1));
    if (!packed)
        return hone__error_last();
    hone__onnx__model_proto__pack(&model, packed);
    return hone__replace_file(where, path, &(hone__part){ packed, bytes }, 1);
}

/* ---- the run */

static hone_tensor *trace(hone__onnx *g, hone_module *model, hone_tensor *x)
{
    const hone_named_list state = hone_named_state(model);
    if (!state.at)
        return NULL;
    for (int i = 0; i < state.n;
         i++) /* the last name counts: the first of what is tied comes last */
        hone__onnx_bind(g, state.at[state.n - 1 - i].tensor, state.at[state.n - 1 - i].name, true);
    hone__onnx_bind(g, x, "input", false);
    hone__tracing = &g->tracer;
    hone_tensor *y = hone_forward(model, x);
    hone__tracing = NULL;
    return y;
}

static hone_status save(hone__onnx *g, hone_module *model, hone_tensor *x, const char *path)
{
    HONE_SCOPE();
    value_info input, output;
    hone_tensor *y = trace(g, model, x);
    if (!y)
        return hone__error_last();
    if (g->error[0])
        return hone_error_set(HONE_E_VALUE, "%s: %s: %s", where, model->type->name, g->error);
    const char *last = HONE__ONNX(g, "Identity", hone__onnx_name(g, y));
    if (!last || g->failed)
        return hone__error_last();
    g->graph.node[g->graph.n_node - 1]->output[0] = (char *)"output";
    fill_info(&input, "input", x);
    fill_info(&output, "output", y);
    g->graph.name = (char *)(uintptr_t)model->type->name;
    g->graph.n_input = g->graph.n_output = 1;
    g->graph.input = input.list;
    g->graph.output = output.list;
    return write_model(g, path);
}

static hone_status run(hone_module *model, hone_tensor *x, const char *path)
{
    hone__onnx g = { .tracer = { hone__onnx_knows, hone__onnx_called } };
    hone__onnx__graph_proto__init(&g.graph);
    const hone_status status = save(&g, model, x, path);
    hone__onnx_end(&g);
    return status;
}

#else

static hone_status run(hone_module *model, hone_tensor *x, const char *path)
{
    (void)model, (void)x;
    return hone_error_set(HONE_E_CONFIG, "%s: %s: this hone was built without protobuf-c", where,
                          path);
}

#endif

hone_status hone_onnx_save(hone_module *model, hone_tensor *x, const char *path)
{
    HONE_NO_GRAD();
    if (!model || !path)
        return hone__error_missing(where, model ? "a path" : "a module");
    if (!hone__ready() || !hone__needs_tensor(where, x))
        return hone__error_last();
    if (model->training)
        return hone_error_set(HONE_E_STATE,
                              "%s: the module is in training mode: "
                              "hone_module_train(model, false) first",
                              where);
    return run(model, x, path);
}
