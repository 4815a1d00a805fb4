/** @file nn.h
 * Modules: networks made of parts that own their parameters.
 *
 * A module type is a struct that begins with `hone_module base`, a hone_module_class, and a table
 * that says which members are parameters, buffers and children. From that table come names
 * ("linear1.weight"), parameter lists, saving, loading, printing and freeing. A new layer needs a
 * struct, a table, a constructor and a forward; gradients come by themselves:
 *
 *      typedef struct {
 *          hone_module base;
 *          hone_tensor *scale;
 *      } scaler;
 *      static const hone_field scaler_fields[] = { HONE_PARAM(scaler, scale), HONE_FIELDS_END };
 *      static hone_tensor *scaler_forward(hone_module *self, hone_tensor *const *in, int n_in)
 *      {
 *          return hone_mul(in[0], ((scaler *)self)->scale);
 *      }
 *      static const hone_module_class scaler_class = { .name = "Scaler", .size = sizeof(scaler),
 *                                                      .fields = scaler_fields,
 *                                                      .forward = scaler_forward };
 *
 *      scaler *s = hone_module_new(&scaler_class);
 *      if (s)
 *          s->scale = hone_parameter(hone_ones(HONE_F32, 10));
 */
#ifndef HONE_NN_H
#define HONE_NN_H

#include <hone/named.h>
#include <hone/net.h>
#include <hone/ops.h>
#include <hone/random.h>
#include <hone/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hone_module hone_module;
typedef struct hone_module_class hone_module_class;

/** What every module begins with. hone_module_new() fills it; read it, but leave it alone. */
struct hone_module {
    const hone_module_class *type;
    int owners;      /**< see hone_module_retain() */
    int places;      /**< in Sequentials and lists, each of which is one of the owners */
    bool training;   /**< true at first; see hone_module_train() */
    bool recomputes; /**< false at first; see hone_module_recompute_() */
    union {          /* hone's own */
        struct hone__hook *hooks;  /* as long as it lives: hone_module_forward_hook() */
        hone_module *next_to_free; /* hone_module_free() */
    } own;
};

/* ---- fields: which members of a module's struct hold what */

typedef enum {
    HONE_FIELD_END,
    HONE_FIELD_PARAM,    /**< hone_tensor *: learned */
    HONE_FIELD_WEIGHT,   /**< the same, [.., in, out], which PyTorch has as [.., out, in] */
    HONE_FIELD_BUFFER,   /**< hone_tensor *: saved with the state but not learned */
    HONE_FIELD_CHILD,    /**< hone_module * */
    HONE_FIELD_PARAMS,   /**< hone_tensor **, with an int that counts them */
    HONE_FIELD_CHILDREN, /**< hone_module **, with an int that counts them */
    HONE_FIELD_DICT,     /**< hone_named_module *, with an int that counts them */
    HONE_FIELD_NAMED,    /**< hone_named *, parameters, with an int that counts them */
    HONE_FIELD_WEIGHTS,  /**< as PARAMS, each of them like WEIGHT */
} hone_field_kind;

/** A member of a module's struct. Any of them may be NULL: then it is not there (no bias). */
typedef struct {
    hone_field_kind kind;
    const char *name; /**< NULL for an array: its elements are named "0", "1", ... alone */
    size_t offset;    /**< of the member */
    size_t count;     /**< of the int that belongs to an array */
} hone_field;

#define HONE_PARAM(type, member)                                                                   \
    {                                                                                              \
        HONE_FIELD_PARAM, #member, offsetof(type, member), 0                                       \
    }
#define HONE_WEIGHT(type, member)                                                                  \
    {                                                                                              \
        HONE_FIELD_WEIGHT, #member, offsetof(type, member), 0                                      \
    }
#define HONE_BUFFER(type, member)                                                                  \
    {                                                                                              \
        HONE_FIELD_BUFFER, #member, offsetof(type, member), 0                                      \
    }
#define HONE_CHILD(type, member)                                                                   \
    {                                                                                              \
        HONE_FIELD_CHILD, #member, offsetof(type, member), 0                                       \
    }
/** Arrays, made by hone_module_array(): elements are named "member.0", "member.1", ...; those of
 * HONE_WEIGHTS lie the other way round in PyTorch's files, as HONE_WEIGHT. */
#define HONE_PARAMS(type, member, count)                                                           \
    {                                                                                              \
        HONE_FIELD_PARAMS, #member, offsetof(type, member), offsetof(type, count)                  \
    }
#define HONE_CHILDREN(type, member, count)                                                         \
    {                                                                                              \
        HONE_FIELD_CHILDREN, #member, offsetof(type, member), offsetof(type, count)                \
    }
#define HONE_WEIGHTS(type, member, count)                                                          \
    {                                                                                              \
        HONE_FIELD_WEIGHTS, #member, offsetof(type, member), offsetof(type, count)                 \
    }
/** The same, but the elements are named "0", "1", ... (Sequential). */
#define HONE_ITEMS(type, member, count)                                                            \
    {                                                                                              \
        HONE_FIELD_CHILDREN, NULL, offsetof(type, member), offsetof(type, count)                   \
    }
/** Children that have their own names: an array of hone_named_module in one block from
 * hone_module_array(). */
#define HONE_DICT(type, member, count)                                                             \
    {                                                                                              \
        HONE_FIELD_DICT, NULL, offsetof(type, member), offsetof(type, count)                       \
    }
/** Parameters that have their own names ("weight_ih_l0"): an array of hone_named, names and all in
 * one block from hone_module_array(). */
#define HONE_NAMED_PARAMS(type, member, count)                                                     \
    {                                                                                              \
        HONE_FIELD_NAMED, NULL, offsetof(type, member), offsetof(type, count)                      \
    }
#define HONE_FIELDS_END                                                                            \
    {                                                                                              \
        HONE_FIELD_END, NULL, 0, 0                                                                 \
    }

struct hone_module_class {
    const char *name;         /**< for printing and messages: "Linear" */
    size_t size;              /**< of the struct that begins with a hone_module */
    const hone_field *fields; /**< ends with HONE_FIELDS_END; NULL: none */
    /** The module's output; what it makes besides dies when it returns, unless the graph needs it.
     */
    hone_tensor *(*forward)(hone_module *self, hone_tensor *const *in, int n_in);
    /** Text between the parentheses when printed ("in_features=784, out_features=100"), like
     * snprintf; NULL: none. */
    int (*print)(const hone_module *self, char *text, size_t size);
    /** Frees what the fields don't name; NULL: nothing. */
    void (*destroy)(hone_module *self);
};

/* ---- making and freeing */

/** A module of the given class in training mode, every other member zero. The caller owns it.
 *  @return  void *, so that `linear *l = hone_module_new(&linear_class);` needs no cast; NULL on
 *           error.
 *  Errors:  HONE_E_VALUE (size below sizeof(hone_module)), HONE_E_NOMEM. */
HONE_API void *hone_module_new(const hone_module_class *type);

/** Frees a module, its children, parameters, buffers and arrays, unless it has more owners. NULL is
 * ignored. */
HONE_API void hone_module_free(hone_module *module);

/** One more owner, for a module that is put in two places; each of them frees it. Call it before
 * the second place: a Sequential or list refuses a module of which it would be an owner too many.
 * Returns it. */
HONE_API hone_module *hone_module_retain(hone_module *module);

/** A zeroed array of n pointers for a HONE_PARAMS, HONE_CHILDREN or HONE_ITEMS member, freed with
 * the module. */
HONE_API void *hone_module_array(int n);

/** Makes t a parameter: a contiguous leaf that requires a gradient, owned by the caller (the
 * module), not by the scope.
 *  @param t  f32|f64; NULL gives NULL and keeps the pending error.
 *  @return   t itself where it can be, else a copy or a view of its data; NULL on error.
 *  Errors:   HONE_E_DTYPE, HONE_E_NULL, HONE_E_NOMEM. (A buffer is hone_retain(t).) */
HONE_API hone_tensor *hone_parameter(hone_tensor *t);

/* ---- running */

/** The module's output: hone_forward(model, x), with as many inputs as the module takes. Owned by
 * the current scope; all else that the module made is dropped unless the graph needs it.
 * Modules may be nested as deeply as memory allows; a forward of one's own that calls its child's
 * takes some of the thread's stack for each level, Sequential doesn't.
 *  Errors:  those of its ops; HONE_E_NULL (NULL module or input), HONE_E_STATE (a class without
 *           a forward, such as ModuleList; a parameter or buffer that only a scope owns, because it
 *           was not made by hone_parameter or kept by hone_retain: so do all lists and optimizers
 *           refuse it). */
#define hone_forward(module, ...) hone_forward_v(module, HONE_TENSOR_ARGS(__VA_ARGS__))
HONE_API hone_tensor *hone_forward_v(hone_module *module, hone_tensor *const *in_then_end);

/** Calls a function each time the module has run by hone_forward or inside a Sequential, with its
 * inputs and its output: to look at activations, to count, or to put another tensor in the output's
 * place. Functions are called in the order in which they were added, each with what the one before
 * it returned.
 *  @param hook  returns the output, or what takes its place; NULL is an error, which fails the
 *               forward. What it makes besides dies with the forward. NULL takes all the module's
 *               hooks away.
 *  Errors:  HONE_E_NULL, HONE_E_NOMEM. Source: torch.nn.Module.register_forward_hook. */
HONE_API hone_status hone_module_forward_hook(hone_module *module,
                                              hone_tensor *(*hook)(hone_module *module,
                                                                   hone_tensor *const *in, int n_in,
                                                                   hone_tensor *out, void *user),
                                              void *user);

/** Training (true) or evaluation (false) mode, for the module and all below it.
 *  Errors:  HONE_E_NULL, HONE_E_NOMEM (modules nested deeper than 16), pending. */
HONE_API void hone_module_train(hone_module *module, bool training);

/** Sets every gradient below the module to zero (those that exist), as hone_optim_zero_grad. */
HONE_API hone_status hone_module_zero_grad(hone_module *module);

typedef struct {
    bool set_to_none; /**< leave no gradient instead of zeros */
    HONE_RESERVE(31);
} hone_zero_grad_options;
/** The same with options (NULL: none), as hone_optim_zero_grad_with. */
HONE_API hone_status hone_module_zero_grad_with(hone_module *module,
                                                const hone_zero_grad_options *options);

/** Calls fn on every module below and on `module` itself, children first; ends at the first status
 * that isn't HONE_OK and returns it. */
HONE_API hone_status hone_module_apply(hone_module *module,
                                       hone_status (*fn)(hone_module *module, void *user),
                                       void *user);

/* ---- looking inside: lists in the order of the field tables, owned by the current scope */

typedef struct {
    const char *name; /**< "encoder.layers.0"; "" for the module that was asked */
    hone_module *module;
} hone_named_module;

typedef struct {
    hone_named_module *at;
    int n;
} hone_module_list;

/** The parameters below the module, each once, also if it is used in several places. */
HONE_API hone_tensor_list hone_parameters(hone_module *module);
HONE_API hone_named_list hone_named_parameters(hone_module *module);
/** The buffers below the module (running statistics), each once. */
HONE_API hone_named_list hone_named_buffers(hone_module *module);
/** Parameters and buffers, under each of their names: what a state file holds. */
HONE_API hone_named_list hone_named_state(hone_module *module);
/** Numbers in all parameters; -1 on error. */
HONE_API int64_t hone_parameter_count(hone_module *module);
/** The modules directly below / the module itself, named "", and all below it. The modules stay
 * with their owner. */
HONE_API hone_module_list hone_children(hone_module *module);
HONE_API hone_module_list hone_modules(hone_module *module);

/* ---- by path: names as the lists have them, "encoder.layers.0.linear1" */

/** The module of that path; "" is the module itself. It stays with its owner. NULL on error.
 *  Errors:  HONE_E_INDEX (there is none), HONE_E_NULL, HONE_E_NOMEM. */
HONE_API hone_module *hone_module_get(hone_module *module, const char *path);
/** The parameter or buffer of that path, owned by the current scope. Errors: as above. */
HONE_API hone_tensor *hone_module_tensor(hone_module *module, const char *path);

/** With `on` a module of that path keeps no activations: its forward runs again in the backward, with the same
 * bits (hone_recompute). The pattern is as below: "h.*" for each block of a list h; those within such a
 * module do nothing more. Forward hooks and a forward of one's own are called twice, too.
 *  @return  how many modules there are; -1 on error.
 *  Errors:  HONE_E_INDEX (none fits), HONE_E_NULL, HONE_E_NOMEM. */
HONE_API int hone_module_recompute_(hone_module *module, const char *pattern, bool on);

/** Freezes (false) or sets free parameters: those whose name, or that of a module they are in, is
 * the pattern, in which "*" stands for any characters and "?" for one: "encoder" or "encoder.*" for
 * all of it, "*.bias", "layers.?.weight". NULL: all of them.
 *  @return  how many there are; -1 on error.
 *  Errors:  HONE_E_INDEX (none fits), HONE_E_NULL, HONE_E_NOMEM. */
HONE_API int hone_module_requires_grad_(hone_module *module, const char *pattern,
                                        bool requires_grad);
/** Brings parameters and buffers of floats to f32 or f64, all or none. They become new tensors,
 * shared where they were shared, without gradients: make optimizers afterwards.
 *  Errors:  HONE_E_DTYPE (neither f32 nor f64), HONE_E_NULL, HONE_E_NOMEM. */
HONE_API hone_status hone_module_to(hone_module *module, hone_dtype dtype);

/** Prints to stdout / a stream as PyTorch prints, then a line with the number of parameters:
 *      Sequential(
 *        (0): Linear(in_features=784, out_features=10, bias=True)
 *        (1): ReLU()
 *      )
 *      7850 parameters */
HONE_API hone_status hone_print_module(hone_module *module);
HONE_API hone_status hone_fprint_module(FILE *stream, hone_module *module);
/** The layout alone, without a last newline, into a buffer, like snprintf: returns the length it
 * needs without the 0, or -1 on error. */
HONE_API int64_t hone_sprint_module(char *text, size_t size, hone_module *module);

/* ---- layers by name: all there are, for text, bindings and programs */

/** A layer by the name and the arguments that it has in PyTorch, written as Python writes them:
 *      hone_nn_layer("Conv2d", "3, 64, 3, stride=2, padding=1, bias=False")
 *      hone_nn_layer("Sequential", "Linear(784, 100), ReLU(), Linear(100, 10)")
 * Arguments by place come first, then those by name; what isn't given is PyTorch's default. Values
 * are whole numbers, numbers, True, False, None, 'texts', tuples such as (3, 5), and layers. Every
 * layer with parameters also takes dtype=f64. Linear alone begins as hone's does, and as PyTorch's
 * with init='torch'; initial weights take the thread's generator. inplace=True is printed, and the
 * result is a tensor of its own all the same. A weight of classes is a list:
 * CrossEntropyLoss(weight=[1, 2.5]). What PyTorch's arguments ask for and hone hasn't (max_norm of an
 * Embedding, proj_size of an LSTM, return_indices of a pooling) is refused with the reason.
 *
 * Most take one tensor, losses input and target. In the order of hone_forward's arguments take,
 * those in brackets left out at the end or HONE_NONE:
 *  - Bilinear, CosineSimilarity, PairwiseDistance: x1, x2. GaussianNLLLoss: input, target, var.
 *    CTCLoss: log_probs, targets, input_lengths, target_lengths.
 *    MarginRankingLoss, CosineEmbeddingLoss: input1, input2, target. TripletMarginLoss: anchor,
 *    positive, negative;
 *  - RNNCell, GRUCell: x [h]. LSTMCell: x [h, c], see hone_nn_lstm_step();
 *  - RNN, GRU: x [h0]. LSTM: x [h0, c0] -> the output alone: hone_nn_rnn_states() and
 *    hone_nn_lstm_states() give the last states, too;
 *  - EmbeddingBag: indices [offsets, per_sample_weights];
 *  - AdaptiveLogSoftmaxWithLoss: x, target -> the loss alone; x -> its log_prob();
 *  - FractionalMaxPool2d, 3d: x [random_samples], PyTorch's _random_samples [N, C, 2 or 3];
 *  - MaxUnpool1d, 2d, 3d: x, indices; output_size=(5, 5) is the layer's;
 *  - MultiheadAttention: x, or query, key, value [key_padding_mask, attn_mask] -> the output alone;
 *    masks as PyTorch's: true hides, numbers are added. is_causal=True of the layer hides what
 *    comes later;
 *  - TransformerEncoderLayer, TransformerEncoder: src [src_mask, src_key_padding_mask];
 *  - TransformerDecoderLayer, TransformerDecoder: tgt, memory [tgt_mask, memory_mask,
 *    tgt_key_padding_mask, memory_key_padding_mask]. is_causal=True of a layer is of tgt;
 *  - Transformer: src, tgt [src_mask, tgt_mask, memory_mask, src_, tgt_ and
 *    memory_key_padding_mask]; tgt_is_causal=True.
 *  @param name       "Conv2d", also "nn.Conv2d".
 *  @param arguments  may be NULL: none.
 *  @return           the module, the caller's; NULL on error.
 *  Errors:  HONE_E_VALUE (no such layer or argument, which names the nearest; one that is missing,
 *           given twice, too many, of another kind or out of range), HONE_E_NULL, and what the
 *           layer's own constructor says. */
HONE_API hone_module *hone_nn_layer(const char *name, const char *arguments);
/** The same with numbers put in as printf does, in the C locale:
 *      hone_nn_layer_format("Linear", "%d, %d, bias=False", width, classes) */
HONE_API hone_module *hone_nn_layer_format(const char *name, const char *format, ...)
    HONE_PRINTF(2, 3);
/** Number of layers / the name of layer i, in the order of the list; NULL past its end. */
HONE_API int hone_nn_layer_count(void);
HONE_API const char *hone_nn_layer_name(int i);
/** "Linear(in_features: int, out_features: int, bias: bool = True, ...)" as snprintf does: returns
 * the length it needs without the 0, -1 for an unknown layer (HONE_E_VALUE). */
HONE_API int64_t hone_nn_layer_signature(const char *name, char *buffer, size_t bytes);

/* ---- layers that have a constructor of their own: each hone_nn_<name> makes one; NULL on error */

typedef struct {
    double init_factor; /**< weight = randn * sqrt(init_factor / in); default 2 */
    bool no_bias;
    hone_dtype dtype;          /**< HONE_F32 (default) or HONE_F64 */
    hone_generator *generator; /**< of the weight; default: the thread's */
    bool torch_init; /**< begin as torch.nn.Linear: evenly from -b to b, b = 1 / sqrt(in) */
    HONE_RESERVE(39);
} hone_nn_linear_options;

/** y = x W + b: x [.., in] -> [.., out]; weight [in, out] = randn * sqrt(2 / in), bias [out] = 0.
 *  Errors:  HONE_E_VALUE (sizes below 1, init_factor negative or not finite, or given
 *           beside torch_init), HONE_E_DTYPE,
 *           HONE_E_STATE (a second thread without a generator: random.h), HONE_E_NOMEM. */
HONE_API hone_module *hone_nn_linear(int64_t in, int64_t out);
HONE_API hone_module *hone_nn_linear_with(int64_t in, int64_t out,
                                          const hone_nn_linear_options *options);

typedef struct {
    double eps;       /**< default 1e-5; HONE_ZERO is 0 */
    bool no_affine;   /**< neither weight nor bias */
    bool no_bias;     /**< a weight alone */
    hone_dtype dtype; /**< HONE_F32 (default) or HONE_F64 */
    HONE_RESERVE(48);
} hone_nn_layer_norm_options;

/** Layer norm over the last dims, which must be those given: hone_nn_layer_norm(768), or
 * hone_nn_layer_norm(3, 4) for [.., 3, 4]. weight = 1 and bias = 0 of that shape.
 *  Errors:  HONE_E_VALUE (no dims, extents below 1, eps negative or not finite), HONE_E_DTYPE,
 *           HONE_E_NOMEM. */
#define hone_nn_layer_norm(...) hone_nn_layer_norm_v(HONE_DIM_ARGS(__VA_ARGS__))
HONE_API hone_module *hone_nn_layer_norm_v(const int64_t *dims_then_end);
/** The same with options: hone_nn_layer_norm_with(HONE_DIM_ARGS(768), &options). */
HONE_API hone_module *hone_nn_layer_norm_with(const int64_t *dims_then_end,
                                              const hone_nn_layer_norm_options *options);

typedef struct {
    hone_conv2d_options conv; /**< stride, padding, dilation, groups, auto_pad */
    bool no_bias;
    hone_dtype dtype;          /**< HONE_F32 (default) or HONE_F64 */
    hone_generator *generator; /**< of weight and bias; default: the thread's */
    HONE_RESERVE(48);
} hone_nn_conv2d_options;

/** 2-D convolution: x [n, in, h, w] or [in, h, w], weight [out, in / groups, height, width] and bias
 * [out] drawn evenly from -b to b, b = 1 / sqrt(in / groups height width), as torch.nn.Conv2d has
 * them. hone_nn_conv2d(3, 64, 3) has a square kernel and every option at its default.
 *  Errors:  HONE_E_VALUE (an extent below 1, groups that don't divide the channels, a negative
 *           option), HONE_E_DTYPE, HONE_E_STATE (a second thread without a generator: random.h),
 *           HONE_E_NOMEM. */
HONE_API hone_module *hone_nn_conv2d(int64_t in_channels, int64_t out_channels,
                                     int64_t kernel_size);
HONE_API hone_module *hone_nn_conv2d_with(int64_t in_channels, int64_t out_channels, int64_t height,
                                          int64_t width, const hone_nn_conv2d_options *options);

/** hone_max_pool2d with a square kernel that is also the stride, or with any options.
 *  Errors:  HONE_E_NULL (no options), HONE_E_VALUE (a kernel_size below 1), HONE_E_NOMEM. */
HONE_API hone_module *hone_nn_max_pool2d(int64_t kernel_size);
HONE_API hone_module *hone_nn_max_pool2d_with(const hone_max_pool2d_options *options);

typedef struct {
    double eps;            /**< default 1e-5; HONE_ZERO is 0 */
    double momentum;       /**< weight of a batch in the running statistics: default 0.1; HONE_ZERO
                                is 0 */
    bool cumulative;       /**< they are the average over all batches (momentum=None) */
    bool no_affine;        /**< neither weight nor bias */
    bool no_bias;          /**< a weight alone */
    bool no_running_stats; /**< none: the batch's are used in evaluation, too */
    hone_dtype dtype;      /**< HONE_F32 (default) or HONE_F64 */
    HONE_RESERVE(40);
} hone_nn_batch_norm_options;

/** Batch norm (hone_batch_norm) of [n, features] or [n, features, length], and of [n, features, h,
 * w]. In training mode (hone_module_train) by the batch's statistics, which the running ones
 * follow, in evaluation by those. State as torch.nn.BatchNorm1d and 2d: weight = 1, bias = 0,
 * running_mean = 0, running_var = 1, num_batches_tracked (i64, 0-d). options may be NULL.
 *  Errors:  HONE_E_VALUE (features below 1, eps negative, momentum outside 0 to 1), HONE_E_DTYPE,
 *           HONE_E_NOMEM. */
HONE_API hone_module *hone_nn_batch_norm1d(int64_t features,
                                           const hone_nn_batch_norm_options *options);
HONE_API hone_module *hone_nn_batch_norm2d(int64_t features,
                                           const hone_nn_batch_norm_options *options);

/** Activations by element: max(x, 0), hone_gelu and hone_gelu_tanh, 1 / (1 + e^-x), tanh x. */
HONE_API hone_module *hone_nn_relu(void);
HONE_API hone_module *hone_nn_gelu(void);
HONE_API hone_module *hone_nn_gelu_tanh(void);
HONE_API hone_module *hone_nn_sigmoid(void);
HONE_API hone_module *hone_nn_tanh(void);

/** [n, d1, d2, ...] -> [n, d1 * d2 * ...]. */
HONE_API hone_module *hone_nn_flatten(void);
/** [n, d1 * d2 * .., ..] -> [n, d1, d2, .., ..]: hone_nn_unflatten(1, 28, 28) makes images of rows of
 * 784. Errors: HONE_E_VALUE (no extents, or below 1), HONE_E_NOMEM. */
#define hone_nn_unflatten(...) hone_nn_unflatten_v(HONE_DIM_ARGS(__VA_ARGS__))
HONE_API hone_module *hone_nn_unflatten_v(const int64_t *dims_then_end);

/** Its input. */
HONE_API hone_module *hone_nn_identity(void);

/** One step of hone_nn_layer("LSTMCell", ..), with both states; hone_forward(cell, x, h, c) gives
 * h_next alone. x [n, inputs] or [inputs]; h and c [n, hidden] (or without n), or HONE_NONE: zeros.
 *  Errors:  HONE_E_VALUE (another module), HONE_E_NULL, and those of hone_lstm_cell. */
HONE_API hone_lstm_state hone_nn_lstm_step(hone_module *cell, hone_tensor *x, hone_tensor *h,
                                           hone_tensor *c);

/** A whole sequence through hone_nn_layer("RNN", ..) or GRU, with the states after the last step;
 * hone_forward(rnn, x, h0) gives the output alone. x [T, N, inputs], with batch_first [N, T, inputs],
 * or [T, inputs]; h0 [layers (twice if bidirectional), N, hidden] (or without N), or HONE_NONE: zeros.
 *  Errors:  HONE_E_VALUE (another module), HONE_E_NULL, and those of hone_rnn_tanh. */
HONE_API hone_rnn_result hone_nn_rnn_states(hone_module *rnn, hone_tensor *x, hone_tensor *h0);
/** The same of hone_nn_layer("LSTM", ..), with both states. */
HONE_API hone_lstm_result hone_nn_lstm_states(hone_module *lstm, hone_tensor *x, hone_tensor *h0,
                                              hone_tensor *c0);

/** Mean of logsumexp(logits) - logits[i, target[i]]: hone_forward(loss, logits [batch, classes],
 * target [batch] of integers) -> 0-d. */
HONE_API hone_module *hone_nn_cross_entropy(void);

/** How far a is from b: of [n, ..] each the distances [n], made of ops; ctx is the options'. */
typedef hone_tensor *hone_distance_function(void *ctx, hone_tensor *a, hone_tensor *b);

typedef struct {
    hone_distance_function *function; /**< NULL: `distance` */
    void *ctx;                        /**< handed to it; must live as long as the module */
    hone_module *distance; /**< of two inputs, owned from the call on, its parameters learned; NULL:
                                PairwiseDistance() */
    double margin;         /**< 0: the default, 1 */
    bool swap; /**< the distance of positive and negative where it is less than that of anchor and
                    negative */
    hone_reduction reduction;
    HONE_RESERVE(24);
} hone_nn_triplet_options;

/** max(0, d(anchor, positive) - d(anchor, negative) + margin) with a distance of one's own:
 * hone_forward(loss, anchor, positive, negative). options may be NULL. Source:
 * torch.nn.TripletMarginWithDistanceLoss.
 *  Errors:  HONE_E_VALUE (a margin below 0, a function and a module, BATCHMEAN), HONE_E_NOMEM; at its
 *           call HONE_E_SHAPE (other numbers of dims), HONE_E_NULL (the function gave NULL). */
HONE_API hone_module *hone_nn_triplet_margin_with_distance(const hone_nn_triplet_options *options);

#ifdef __cplusplus
#define HONE_MODULE_ARGS(...)                                                                      \
    (std::initializer_list<hone_module *>{ __VA_ARGS__, HONE_END_MODULE }.begin())
#else
#define HONE_MODULE_ARGS(...) ((hone_module *const[]){ __VA_ARGS__, HONE_END_MODULE })
#endif
#define HONE_END_MODULE (&hone_end_module)
extern HONE_API hone_module hone_end_module; /* ends an argument list; never a module */

/** Modules one after the other: hone_nn_sequential(hone_nn_linear(784, 100), hone_nn_relu()). Owns
 * them from the call on: if one is NULL the others are freed, and so on any error. The first may
 * take several inputs. One op: a linear layer and the ReLU or GELU behind it; batch norm and ReLU.
 *  Errors:  HONE_E_NULL (or the pending one), HONE_E_STATE (a module in more places than it has
 *           owners: hone_module_retain), HONE_E_NOMEM. */
#define hone_nn_sequential(...) hone_nn_sequential_v(HONE_MODULE_ARGS(__VA_ARGS__))
HONE_API hone_module *hone_nn_sequential_v(hone_module *const *modules_then_end);
HONE_API hone_module *hone_nn_sequential_n(hone_module *const *modules, int n);

/** Modules kept together, "0", "1", ..., for a forward of one's own; owns them as Sequential does.
 * hone_children() lists them. */
#define hone_nn_module_list(...) hone_nn_module_list_v(HONE_MODULE_ARGS(__VA_ARGS__))
HONE_API hone_module *hone_nn_module_list_v(hone_module *const *modules_then_end);
HONE_API hone_module *hone_nn_module_list_n(hone_module *const *modules, int n);

/** Modules kept together under names of their own, for a forward of one's own; owns them as
 * Sequential does:
 *      hone_nn_module_dict({ "conv", hone_nn_conv2d(1, 4, 3) }, { "pool", hone_nn_max_pool2d(2) })
 * hone_nn_module_dict_get() finds one; it stays the dict's.
 *  Errors:  as Sequential's; HONE_E_VALUE (a name that is empty, has a dot or occurs twice);
 *           get: HONE_E_INDEX (no such name), HONE_E_VALUE (no ModuleDict), HONE_E_NULL. */
#define hone_nn_module_dict(...) hone_nn_module_dict_v(HONE_NAMED_MODULE_ARGS(__VA_ARGS__))
HONE_API hone_module *hone_nn_module_dict_v(const hone_named_module *modules_then_end);
HONE_API hone_module *hone_nn_module_dict_n(const hone_named_module *modules, int n);
HONE_API hone_module *hone_nn_module_dict_get(hone_module *dict, const char *name);
/** Parameters kept together, "0", "1", ..., or under names of their own, for a module of one's own
 * whose child this is; owns them (hone_parameter) from the call on, also when it fails:
 *      hone_nn_parameter_dict({ "left", hone_parameter(hone_randn(HONE_F32, 3)) },
 *                             { "right", hone_parameter(hone_randn(HONE_F32, 3)) })
 * hone_module_tensor(module, "0") finds one. Source: torch.nn.ParameterList, ParameterDict.
 *  Errors:  HONE_E_NULL (or the pending one), HONE_E_VALUE (a name that is empty, has a dot or occurs
 *           twice), HONE_E_NOMEM. */
#define hone_nn_parameter_list(...) hone_nn_parameter_list_v(HONE_TENSOR_ARGS(__VA_ARGS__))
HONE_API hone_module *hone_nn_parameter_list_v(hone_tensor *const *parameters_then_end);
HONE_API hone_module *hone_nn_parameter_list_n(hone_tensor *const *parameters, int n);
#define hone_nn_parameter_dict(...) hone_nn_parameter_dict_v(HONE_NAMED_ARGS(__VA_ARGS__))
HONE_API hone_module *hone_nn_parameter_dict_v(const hone_named *parameters_then_end);
HONE_API hone_module *hone_nn_parameter_dict_n(const hone_named *parameters, int n);

#ifdef __cplusplus
#define HONE_NAMED_MODULE_ARGS(...)                                                                \
    (std::initializer_list<hone_named_module>{ __VA_ARGS__, { nullptr, HONE_END_MODULE } }.begin())
#else
#define HONE_NAMED_MODULE_ARGS(...)                                                                \
    ((const hone_named_module[]){ __VA_ARGS__, { NULL, HONE_END_MODULE } })
#endif

#ifdef __cplusplus
}
#endif
#endif
