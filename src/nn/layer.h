/* layer.h: what the layers share. */
#ifndef HONE_NN_LAYER_H
#define HONE_NN_LAYER_H

#include <hone/nn.h>

#include <stdint.h>

/* ---- layers by name: each has a table of its arguments beside its class, and a line in layers.def
 */

typedef enum {
    HONE__WHOLE,  /* a whole number */
    HONE__REAL,   /* a number */
    HONE__TRUTH,  /* True or False */
    HONE__WHOLES, /* whole numbers: `count` of them, or any number */
    HONE__REALS,  /* numbers: the argument's text, hone__argument_tensor() */
    HONE__CHOICE, /* one of `choices`, in quotes */
    HONE__DTYPE,  /* f32 or f64, torch.float32 or torch.float64 */
    HONE__LAYER,  /* a layer: "ReLU()" */
    HONE__LAYERS, /* the last: all that stands at its place and after it */
} hone__kind_of_argument;

/** How a layer that prints its arguments by its table shows one. */
typedef enum {
    HONE__BY_NAME, /* alpha=1.0 */
    HONE__ALONE,   /* 1.0 */
    HONE__CHANGED, /* inplace=True, where it isn't the default */
    HONE__HIDDEN_ARGUMENT,
} hone__shown;

typedef struct {
    const char *name; /* NULL after the last one */
    hone__kind_of_argument kind;
    const char *standard; /* the default as Python writes it; NULL: it has to be given */
    uint8_t count;        /* WHOLES: so many, of which one alone stands for all; 0: any number.
                             REALS: at most so many, or one without brackets */
    bool named;           /* given by name alone, not by place */
    bool none;            /* None may be given */
    bool spread;          /* WHOLES: one alone is printed as all of them, too: (2, 2) */
    uint8_t shown;        /* hone__shown */
    double min, max;      /* both 0: any */
    const char *const *choices; /* NULL-terminated: CHOICE, or what WHOLES may be instead */
} hone__parameter;

enum { HONE__ARGUMENTS = 16 }; /* at most, in a table */

/** An argument that was given, or the default: checked by its line of the table. */
typedef struct {
    bool none;   /* None */
    bool whole;  /* REAL: written as a whole number; Python prints it so */
    bool single; /* WHOLES, REALS: one number alone, which stands in all places */
    bool truth;
    bool standard; /* the default */
    int choice;    /* -1: WHOLES that are numbers */
    int n;
    int64_t at[HONE_MAX_DIMS]; /* WHOLE: at[0]; an int of min is what None in a tuple is */
    double number;
    hone_dtype dtype;
    hone_module **modules; /* LAYERS: n of them; LAYER: one */
    const char *text;      /* as it was written, while the layer is made */
    size_t length;
} hone__argument;

enum { HONE__KEPT_ARGUMENTS = 12 };
/** A layer that is an op and its arguments: HONE__PLAIN. */
typedef struct hone__plain {
    hone_module base;
    const struct hone__layer *layer;
    hone__argument at[HONE__KEPT_ARGUMENTS]; /* without their texts */
} hone__plain;

typedef struct hone__layer {
    const char *name;
    const hone__parameter *arguments; /* NULL: none */
    hone_module *(*make)(const hone__argument *a);
    /* or, of a hone__plain: */
    hone_tensor *(*op)(const hone__plain *self, hone_tensor *const *in);
    int inputs;
    hone_module_class type;
} hone__layer;

/** A layer that is a function of its inputs, of which there are `inputs`,
 *      hone_tensor *function(const hone__plain *self, hone_tensor *const *in)
 * and is printed by its table. What HONE__MADE_OF makes is a struct that begins with a hone__plain
 * and has these fields; make_ calls hone__plain_new() for it. */
#define HONE__MADE_OF(name_, inputs_, function, table, make_, struct_, fields_)                    \
    {                                                                                              \
        .name = (name_), .arguments = (table), .make = (make_), .op = (function),                  \
        .inputs = (inputs_), .type = {                                                             \
            .name = (name_),                                                                       \
            .size = sizeof(struct_),                                                               \
            .fields = (fields_),                                                                   \
            .forward = hone__plain_forward,                                                        \
            .print = hone__plain_print                                                             \
        }                                                                                          \
    }
#define HONE__MADE_PLAIN(name_, inputs_, function, table, make_)                                   \
    HONE__MADE_OF(name_, inputs_, function, table, make_, hone__plain, NULL)
#define HONE__PLAIN(name_, inputs_, function, table)                                               \
    HONE__MADE_PLAIN(name_, inputs_, function, table, NULL)
hone_module *hone__plain_new(const hone__layer *layer, const hone__argument *a);
/** A copy of n items of `size` bytes, each of which begins with its name, and their names, in one block
 * from hone_module_array(); NULL + E_VALUE for a name that is empty, has a dot or occurs twice. */
void *hone__named_items(const char *layer, const void *items, size_t size, int n);
hone_tensor *hone__plain_forward(hone_module *self, hone_tensor *const *in, int n_in);
int hone__plain_print(const hone_module *self, char *text, size_t size);
/** f32|f64 [n] of an argument of REALS; NULL + error. */
hone_tensor *hone__argument_tensor(const hone__argument *a, hone_dtype dtype);
/** Reads "3, 64, kernel_size=3" by a layer's table into HONE__ARGUMENTS of them; false + E_VALUE
 * that names the layer and the argument. Modules in it are the arguments' until somebody takes them
 * (hone__argument_take) and leaves NULL. */
bool hone__arguments_read(const hone__layer *layer, const char *text, size_t length,
                          hone__argument *a);
void hone__arguments_free(hone__argument *a);
static inline hone_module *hone__argument_take(const hone__argument *a, int i)
{
    hone_module *module = a->modules ? a->modules[i] : NULL;
    if (module)
        a->modules[i] = NULL;
    return module;
}
/** "in_features: int, out_features: int, bias: bool = True" as hone__format does. */
int hone__arguments_print(const hone__layer *layer, char *text, size_t size);
/** A number as Python prints it: 0.1, 1.0, 1e-05. */
int hone__format_real(char *text, size_t size, double value);

/** hone_nn_layer() of a layer / of a name of n letters. */
hone_module *hone__layer_make(const hone__layer *layer, const char *arguments);
hone_module *hone__layer_from(const char *name, size_t n, const char *arguments, size_t length);

/** Arguments that several tables have. */
#define HONE__DTYPE_ARGUMENT                                                                       \
    {                                                                                              \
        "dtype", HONE__DTYPE, "f32", .named = true, .shown = HONE__HIDDEN_ARGUMENT                 \
    }
extern const char *const hone__reduction_choices[]; /* in the order of hone_reduction */
#define HONE__REDUCTION_ARGUMENT                                                                   \
    {                                                                                              \
        "reduction", HONE__CHOICE, "'mean'", .named = true, .shown = HONE__HIDDEN_ARGUMENT,        \
                                             .choices = hone__reduction_choices                    \
    }
#define HONE__INPLACE_ARGUMENT                                                                     \
    {                                                                                              \
        "inplace", HONE__TRUTH, "False", .shown = HONE__CHANGED                                    \
    }

/* ---- what forwards share */

/** A Linear, and what Sequential needs to know to run it together with what follows. */
typedef struct {
    hone_module base;
    hone_tensor *weight; /* [in, out] */
    hone_tensor *bias;   /* [out] or NULL */
} hone__linear;
extern const hone_module_class hone__linear_class;
extern const hone_module_class hone__module_list_class;
/** The same as PyTorch names it in a MultiheadAttention. */
extern const hone_module_class hone__out_proj_class;
extern const hone__layer hone__layer_ReLU, hone__layer_GELU;

/** A parameter of values drawn evenly from -bound to bound; shape: n_dims extents. */
hone_tensor *hone__even_parameter(hone_dtype dtype, double bound, int n_dims, const int64_t *shape);

/** E_VALUE that a layer of this name can't have an argument that PyTorch's has; NULL. */
hone_module *hone__argument_refused(const char *layer, const char *argument, const char *why);

/** The losses of elements or samples made what a reduction wants. Through hone_hinge_embedding_loss,
 * which is its input where the target is 1, and whose mean knows of parts of a batch
 * (accumulate.h). */
hone_tensor *hone__reduced_losses(hone_tensor *each, int to);

/** A layer's targets as i64 without gaps, each of them least .. classes - 1; NULL + the error. */
hone_tensor *hone__classes_in(const char *name, hone_tensor *target, int64_t least,
                              int64_t classes);

/** True if a layer was given as many inputs as it takes; else E_VALUE. */
bool hone__takes_inputs(const hone_module *self, int n_in, int wanted);

#endif
