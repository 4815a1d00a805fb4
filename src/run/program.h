/* program.h: a forward as steps without branches, and the module that runs it.
 *
 * Loops and conditions are gone when a network is built: there is one program for training and one
 * for evaluation. Ops, layers, parameters and attributes are found by then. */
#ifndef HONE_RUN_PROGRAM_H
#define HONE_RUN_PROGRAM_H

#include "run/source.h"

#include "op/op.h"

#include <hone/nn.h>

/** Where a step finds an input. */
typedef struct {
    enum { HONE__OPERAND_NONE, HONE__OPERAND_REGISTER, HONE__OPERAND_FIELD } kind;
    int reg;
    hone_tensor **slot; /* of a module, in which the tensor may change */
} hone__operand;

/** A whole number: one that is known, or a register of its own kind. */
typedef struct {
    bool computed;
    int reg;
    int64_t i;
} hone__extent;

/** A part of an attribute text: characters, then perhaps a number. */
typedef struct {
    const char *text;
    hone__extent number;
    bool has_number;
} hone__piece;

typedef enum {
    HONE__STEP_OP,      /* an op, with its options, or with pieces of their text */
    HONE__STEP_MODULE,  /* a layer */
    HONE__STEP_SIZE,    /* number of in[0]'s dim a */
    HONE__STEP_NUMBER,  /* number of a SIGN b */
    HONE__STEP_SPLIT,   /* in[0] in pieces of a along dim b */
    HONE__STEP_FLATTEN, /* in[0] from dim a on */
    HONE__STEP_ARANGE,  /* 0 to a - 1, i64 */
} hone__step_kind;

typedef struct hone__step hone__step;
struct hone__step {
    hone__step_kind kind;
    int line;
    const char *name; /* of the layer or op */
    hone__operand *in;
    int n_in;
    int *out, n_out;   /* registers; of SIZE and NUMBER: of numbers */
    int *dead, n_dead; /* registers that nobody reads after this step */
    const hone__op *op;
    const void *options;
    const hone__piece *pieces; /* NULL: the options are known */
    int n_pieces;
    hone_module *module;
    int sign;
    hone__extent a, b;
    hone__step *next;
};

typedef struct {
    hone__step *first, **last;
    int n_registers, n_numbers;
    hone__operand result;
} hone__program;

/** A module of a described network. Its class and its fields are its own. */
typedef struct {
    hone_module base;
    hone_module_class type;
    hone__arena arena; /* of names and programs */
    const char *where;
    int n_in;
    bool last_optional;
    hone__program programs[2][2]; /* evaluation, training; without the last input, with all */
    struct hone__user *users;     /* modules that the programs use */
    int n_fields;
    void **slots;
    hone_field fields[];
} hone__network;

typedef struct {
    hone_field_kind kind; /* PARAM, WEIGHT, BUFFER, CHILD */
    const char *name;
    void *value;
} hone__member;

/** Takes over the members, also when it fails (NULL + an error). */
hone__network *hone__network_new(const char *name, const char *where, const hone__member *members,
                                 int n);
/** The place of a field, which a program may read; NULL: there is none of that name. */
void **hone__network_slot(hone__network *n, const char *name);
/** Keeps a module as long as the network lives; false + E_NOMEM. */
bool hone__network_uses(hone__network *n, hone_module *module);
/** The programs are whole: from now on hone_forward runs them. */
void hone__network_ready(hone__network *n, int n_in);
/** Says which registers die where and uses them again; false + E_NOMEM. */
bool hone__program_end(hone__arena *arena, hone__program *program, int n_in);

hone_tensor *hone__program_run(const hone__program *program, const char *where,
                               hone_tensor *const *in, int n_in);

#endif
