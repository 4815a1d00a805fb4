/* work.h: what `train`, `eval` and `predict` share: the network of --model, the samples of --data, one
 * pass over a test set. */
#ifndef HONE_CLI_WORK_H
#define HONE_CLI_WORK_H

#include "metrics.h"
#include "progress.h"

#include <hone/hone.h>

/* ---- model.c */

enum { MODEL_MAX_SIZES = 32 };

/** mlp: the extents from input to output. Else what hone_model() takes. */
typedef struct {
    int64_t size[MODEL_MAX_SIZES];
    int n;
    const char *text; /* "lenet", "net.hone:width=16"; NULL: an mlp */
    char longer[512]; /* where it is if something was added to what was given */
} model_spec;

/** "mlp:784,100,10", "lenet", "net.hone" -> spec; false with a usage error printed. */
bool model_parse(const char *command, const char *text, model_spec *spec);
/** "out,in" or "in,out"; NULL is HONE_LAYOUT_AUTO. False with a usage error printed. */
bool model_layout(const char *command, const char *text, hone_layout *layout);
/** The spec of a saved mlp, from the shapes in the file; AUTO: its weights lie as it says, else as
 * they fit each other. False with an error printed. */
bool model_of_file(const char *command, const char *path, hone_layout layout, model_spec *spec);
/** An mlp: Linear and ReLU in turn, weights drawn as in the lecture. NULL + the library's error. */
hone_module *model_new(const model_spec *spec);
/** The same with parameters of no values, for a network that model_load_as fills. */
hone_module *model_blank(const model_spec *spec);
/** Prints why one of the two failed; CLI_USAGE for what --model says of a named network, else what
 * cli_library_error gives. */
int model_failed(const char *command, const model_spec *spec);
/** What the file says of the table that it was trained on (hone_source.columns), owned by the current scope; NULL:
 * nothing, or it can't be read. */
const char *model_columns(const char *path);
#define MODEL_COLUMNS "hone.columns" /* the metadata's key */
/** Weights from a file; false with an error printed. */
bool model_load(const char *command, hone_module *model, const char *path, hone_layout layout);
/** The same for a network of model_blank, that is used only: it and what `set` (may be NULL) gives it become of that
 * dtype, and the file's weights are rounded to it. */
bool model_load_as(const char *command, hone_module *model, const char *path, hone_layout layout,
                   hone_dtype dtype, struct images *set);
/** "f32", "bf16", "f16"; NULL is f32. False with a usage error printed. */
bool model_dtype(const char *command, const char *text, hone_dtype *dtype);
/** "mlp 784-100-10". */
typedef struct {
    char s[256];
} model_text;
model_text model_describe(const model_spec *spec);

/* ---- images.c */

/** --data, --data-options, --transform. */
typedef struct {
    const char *source, *options, *transform;
    const char *columns; /* none of the options: how a model's file says that a table's are taken */
} data_spec;

/** Their rows in a command's table. */
#define DATA_OPTIONS(at)                                                                           \
    { "data",                                                                                      \
      "SOURCE",                                                                                    \
      "a directory or file whose kind its content tells, KIND:PATH, or a built-in set: digits, "   \
      "pictures, text[:BYTES]; see hone data --kinds",                                             \
      CLI_TEXT,                                                                                    \
      (at) + offsetof(data_spec, source),                                                          \
      "digits",                                                                                    \
      0,                                                                                           \
      0 },                                                                                         \
        { "data-options",                                                                          \
          "NAME=VALUE,...",                                                                        \
          "arguments of its kind: target=price, missing=mean ...",                                 \
          CLI_TEXT,                                                                                \
          (at) + offsetof(data_spec, options),                                                     \
          NULL,                                                                                    \
          0,                                                                                       \
          0 },                                                                                     \
    {                                                                                              \
        "transform", "STEP+STEP+...",                                                              \
            "what is done to pictures: resize:64+crop:56,padding=4+flip+jitter:0.4+"               \
            "normalize:0.5,0.25 ...; outside of training nothing is drawn (README: Pictures)",     \
            CLI_TEXT, (at) + offsetof(data_spec, transform), NULL, 0, 0                            \
    }

/** What was read. A set that is small is in memory as the model takes it: f32 rows [n, features] (pictures
 * in 0..1), or tokens i64 [n, window]; a larger one is as its source gives it. */
typedef struct images {
    hone_dataset train, test;
    /* --transform: what train and test are made of; the training set without what is drawn; and, with
     * --val-split, what train is a part of. */
    hone_dataset raw_train, raw_test, still_train, whole_train;
    hone_source source; /* what is known of them; its sets are those above */
    hone_task task;
    int64_t outputs; /* classes, numbers to tell, or values of a token */
    int64_t features, channels, height, width;
    bool has_shape;   /* samples are [height, width] or [channels, height, width] */
    bool shaped;      /* and the model takes them so */
    int64_t window;   /* tokens of a text's windows; 0: no text */
    double entropy;   /* of a text where it is known, nats a byte; else 0 */
    hone_dtype dtype; /* of what the model gets that is no token; 0: f32 */
} images;

typedef enum { IMAGES_TRAIN, IMAGES_EVAL, IMAGES_PREDICT } images_purpose;

/** Opens the source; at most `limit` samples of each set (0: all); the training set for IMAGES_TRAIN
 * alone. A text's windows are as long as the model of `spec` sees. CLI_OK, or a status with an error
 * printed. */
int images_load(const char *command, const data_spec *data, const model_spec *spec, int64_t limit,
                images_purpose purpose, progress *p, images *out);
/** Takes the samples held[0..n-1] out of a training set that isn't in memory, and puts them into *val,
 * which is, as tests see them; rest[0..n_rest-1] stay. False + an error: they are too large, for one. */
bool images_hold_out(images *set, const int64_t *held, int64_t n, const int64_t *rest,
                     int64_t n_rest, hone_dataset *val);
/** Prints why a source couldn't be opened, without the name of the library's function; an exit status. */
int images_not_opened(const char *command);
void images_free(images *set);
/** A batch as the model takes it, of one as the set gives it; NULL + the library's error. */
hone_tensor *images_input(const images *set, hone_tensor *x);
hone_tensor *images_target(const images *set, hone_tensor *y);
/** Samples begin..end-1 (as far as there are any) as a batch, owned by the current scope; y is HONE_NONE
 * without targets. False + the library's error. */
bool images_rows(const images *set, const hone_dataset *of, int64_t begin, int64_t end,
                 hone_tensor **x, hone_tensor **y);
/** "images", "samples", "windows of 64 bytes". */
typedef struct {
    char s[96];
} images_text;
images_text images_name(const images *set);
/** Makes the model's spec that of the data: the default mlp gets its extents, a named network of tokens
 * their number. False with a usage error printed. */
bool images_suit(const char *command, const data_spec *data, const images *set, bool is_default,
                 model_spec *spec);
/** Checks that the model takes these samples and gives what is to be learnt of them; pictures go into
 * anything but an mlp as [n, channels, height, width]. False with an error printed, which names the
 * layer. model: NULL where an mlp isn't made yet. */
bool images_fit(const char *command, images *set, const model_spec *spec, hone_module *model);

/* ---- text.c */

enum { TEXT_VALUES = 256 }; /* of a byte */
enum { TEXT_CONTEXT = 64 }; /* of a model that says none */

/** What a model of tokens needs to be one of so many: a named network whose vocab isn't given gets it.
 * False with a usage error printed. */
bool text_suits(const char *command, const char *source, int64_t values, model_spec *spec);
images_text text_name(const images *set);
/** The most tokens that the model sees: its context, or `otherwise` of one that says none. */
int64_t text_context(const model_spec *spec, int64_t otherwise);
/** Checks that the model gives scores of so many values for [1, window] tokens; false with an error
 * printed, which names the layer. */
bool text_takes(const char *command, const model_spec *spec, hone_module *model, int64_t window,
                int64_t values);
/** A text's scores [n, T, values] and targets [n, T] as [n T, values] and [n T]; others stay. */
void text_rows(hone_tensor **scores, hone_tensor **targets);
/** The scores of a text's tokens alone, of a model that has more; others stay. */
hone_tensor *text_tokens(const images *set, hone_tensor *scores);
/** What a loss in nats a byte is in other measures. */
double text_perplexity(double loss);
double text_bits(double loss);

/* ---- eval.c */

/** The loss that is learnt and told: cross entropy, or of numbers the mean squared error. */
hone_tensor *work_loss(const images *set, hone_tensor *scores, hone_tensor *y);
/** Whether targets are shares of classes f32 [n, classes], as mixup makes them. */
bool work_is_mixed(const images *set, const hone_tensor *y);
/** Which answers are wrong, or of numbers the distances. */
hone_tensor *work_wrong(const images *set, hone_tensor *scores, hone_tensor *y);

typedef struct {
    double loss, error; /* means over the samples; of numbers MSE and MAE */
} score;

/** One pass over a set without gradients; m: counts its answers, too, unless NULL. False on an error
 * (pending) or when stopped. */
bool evaluate(hone_module *model, const images *set, const hone_dataset *of, progress *p,
              score *out, metrics *m);

#endif
