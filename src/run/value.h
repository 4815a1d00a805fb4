/* value.h: what expressions stand for while a network is built. */
#ifndef HONE_RUN_VALUE_H
#define HONE_RUN_VALUE_H

#include "run/syntax.h"

#include <hone/nn.h>

typedef enum {
    HONE__VALUE_NONE,
    HONE__VALUE_BOOL,
    HONE__VALUE_INT,
    HONE__VALUE_FLOAT,
    HONE__VALUE_TEXT,
    HONE__VALUE_LIST,
    HONE__VALUE_CLASS,  /* a model or layer, not yet made: its name is `text` */
    HONE__VALUE_MODULE, /* one that is made */
    HONE__VALUE_FIELD,  /* a parameter or buffer */
    HONE__VALUE_TENSOR, /* what a forward computes: a register */
    HONE__VALUE_SIZE,   /* an extent of it: a register of whole numbers */
} hone__value_kind;

typedef struct hone__value hone__value;
struct hone__value {
    hone__value_kind kind;
    int n; /* LIST: elements */
    union {
        bool b;
        int64_t i;
        double f;
        const char *text;
        hone__value *list;
        hone_module *module; /* MODULE; FIELD: whose it is, NULL: nobody's yet */
        int reg;
    };
    hone_tensor *tensor;   /* FIELD */
    hone_tensor **slot;    /* FIELD: where its owner has it */
    hone_field_kind field; /* FIELD: PARAM, WEIGHT or BUFFER */
};

/** "a whole number", for messages. */
const char *hone__value_text(const hone__value *v);
bool hone__value_is_number(const hone__value *v); /* INT or FLOAT */
double hone__value_number(const hone__value *v);
bool hone__value_equal(const hone__value *a, const hone__value *b);
/** False + an error: it isn't known while the network is built. */
bool hone__value_truth(hone__place place, const hone__value *v, bool *truth);
/** a SIGN b and SIGN a of values that are known; false + an error. */
bool hone__value_binary(hone__arena *arena, hone__place place, int sign, const hone__value *a,
                        const hone__value *b, hone__value *out);
bool hone__value_unary(hone__place place, int sign, const hone__value *a, hone__value *out);
/** As Python writes it, appended; false: there is no room, or no such text. */
bool hone__value_print(const hone__value *v, char *text, size_t size);
const char *hone__sign_text(int sign);

static inline hone__value hone__value_int(int64_t i)
{
    return (hone__value){ .kind = HONE__VALUE_INT, .i = i };
}
static inline hone__value hone__value_bool(bool b)
{
    return (hone__value){ .kind = HONE__VALUE_BOOL, .b = b };
}

/** i SIGN j of whole numbers; false + an error (overflow, a division by 0). `message` (may be NULL)
 * says which. */
bool hone__int_binary(int sign, int64_t i, int64_t j, int64_t *out, const char **message);

#endif
