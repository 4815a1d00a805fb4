/* build.h: building a network from its description.
 *
 * A model's body is run once: what it assigns are the module's layers, parameters and buffers, and
 * the numbers they are made of. Then its forward is run twice, for training and for evaluation,
 * with tensors that stand for registers, and leaves the program that computes it (program.h). */
#ifndef HONE_RUN_BUILD_H
#define HONE_RUN_BUILD_H

#include "run/program.h"
#include "run/value.h"

/** A module that was made. The builder owns it until the network is whole. */
typedef struct hone__made hone__made;
struct hone__made {
    hone_module *module;
    hone_tensor *tensor; /* or a tensor */
    bool placed;         /* some module has it */
    const char *recipe;  /* as hone_nn_layer() would make it again, or NULL */
    hone__made *next;
};

typedef struct {
    hone__arena *arena;
    const hone__model *models;
    hone__made *made;
    int depth;    /* of models, blocks and expressions in each other */
    int64_t work; /* what was done so far, against texts that would never end */
} hone__builder;

typedef struct hone__binding hone__binding;
struct hone__binding {
    const char *name;
    hone__value value;
    enum {
        HONE__OWN,
        HONE__GIVEN,
        HONE__LOOP
    } kind; /* a model's own name, a parameter of the
                                                         model, a variable of a loop */
    hone__place place;
    hone__binding *next;
};

typedef struct hone__frame hone__frame;
struct hone__frame {
    hone__builder *b;
    const hone__model *model;
    hone__binding *names;
    const hone__stmt *forward; /* of a model's body: where it is */
    /* of a forward: */
    const hone__frame *outer; /* the body's names */
    hone__network *network;
    hone__program *program;
    bool training, returned;
    hone__value result;
    int n_in;
};

/* ---- build.c */

/** A module of a model of the text; the builder owns it. */
typedef struct {
    hone__value value;
    const char *keyword; /* or NULL */
    hone__place place;
} hone__argument_value;
typedef struct {
    hone__argument_value *at;
    int n;
} hone__arguments;
bool hone__build_model(hone__builder *b, const hone__model *model, hone__place place,
                       const hone__arguments *arguments, hone__value *out);
bool hone__run_body(hone__frame *f, const hone__stmt *body);
/** Enters a module or tensor in the builder's list, whose owner it becomes (also when it fails). */
hone__made *hone__made_new(hone__builder *b, hone_module *module, hone_tensor *tensor);
void hone__builder_free(hone__builder *b);
/** The module has a place in another. */
void hone__has_place(hone__builder *b, const hone_module *module);
bool hone__is_placed(const hone__builder *b, const hone_module *module);

/** False + an error: it goes too deep, or on for ever. */
bool hone__deeper(hone__builder *b, hone__place place);
bool hone__works(hone__builder *b, hone__place place, int64_t work);

bool hone__bind(hone__frame *f, hone__place place, const char *name, const hone__value *value,
                int kind);
void hone__unbind(hone__frame *f, const hone__expr *names);
/** Gives loop variables an element of what is gone through. */
bool hone__bind_each(hone__frame *f, const hone__expr *names, const hone__value *value);
hone__binding *hone__find(const hone__frame *f, const char *name);

/* ---- eval.c */

bool hone__eval(hone__frame *f, const hone__expr *e, hone__value *out);
/** The same where n values are wanted: `n` names on the left of "=". */
bool hone__eval_for(hone__frame *f, const hone__expr *e, int n, hone__value *out);
/** What a loop goes through, as a list. */
bool hone__eval_list(hone__frame *f, const hone__expr *e, hone__value *out);
bool hone__values_new(hone__frame *f, hone__place place, int64_t n, hone__value *out);

/* ---- members.c */

/** A layer's member: a child, parameter or buffer (NONE: it has none of this name that is there). */
bool hone__member_of(hone__frame *f, hone__place place, hone_module *module, const char *name,
                     hone__value *out);
/** What Sequential and ModuleList have, as a list. */
bool hone__items_of(hone__frame *f, hone__place place, hone_module *module, hone__value *out);
/** module.name = a parameter of another: both have it from then on. */
bool hone__tie(hone__frame *f, hone__place place, hone_module *module, const char *name,
               const hone__value *value);

/* ---- call.c, layers.c, tensors.c */

bool hone__eval_call(hone__frame *f, const hone__expr *call, int wanted, hone__value *out);

/** The values between a call's brackets. */
bool hone__eval_arguments(hone__frame *f, const hone__expr *list, hone__arguments *out);

/** A layer or model by its class. */
bool hone__make_layer(hone__frame *f, hone__place place, const char *name, const hone__arguments *a,
                      hone__value *out);

typedef enum { HONE__OTHER, HONE__DONE, HONE__WRONG } hone__outcome; /* OTHER: no such function */
/** range, len, min, ... */
hone__outcome hone__call_builtin(hone__frame *f, hone__place place, const char *name,
                                 const hone__arguments *a, hone__value *out);
/** Parameter(zeros(..)), normal_(weight, std=0.02) and their like. */
hone__outcome hone__make_tensor(hone__frame *f, hone__place place, const char *name,
                                const hone__arguments *a, hone__value *out);

/* ---- emit.c: steps of a forward */

bool hone__in_forward(const hone__frame *f);
bool hone__is_computed(const hone__value *v); /* TENSOR, SIZE, or a FIELD, which is a tensor here */
bool hone__emit_module(hone__frame *f, hone__place place, const char *name, hone_module *module,
                       const hone__arguments *arguments, hone__value *out);
bool hone__emit_op(hone__frame *f, hone__place place, const char *name,
                   const hone__arguments *arguments, int wanted, hone__value *out);
/** x.size(dim), split, flatten, arange. */
hone__outcome hone__emit_special(hone__frame *f, hone__place place, const char *name,
                                 const hone__arguments *arguments, int wanted, hone__value *out);
bool hone__emit_binary(hone__frame *f, hone__place place, int sign, const hone__value *a,
                       const hone__value *b, hone__value *out);
bool hone__emit_unary(hone__frame *f, hone__place place, int sign, const hone__value *a,
                      hone__value *out);
/** An operand for a value; false + an error: it is no tensor. */
bool hone__operand_of(hone__frame *f, hone__place place, const hone__value *v, hone__operand *out);

#endif
