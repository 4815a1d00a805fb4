/* work.h: what `train` and `eval` share: the network of --model, the images of --data, one pass
 * over a test set. */
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
/** Prints why model_new failed; CLI_USAGE for what --model says of a named network, else what
 * cli_library_error gives. */
int model_failed(const char *command, const model_spec *spec);
/** Weights from a file; false with an error printed. */
bool model_load(const char *command, hone_module *model, const char *path, hone_layout layout);
/** "mlp 784-100-10". */
typedef struct {
    char s[256];
} model_text;
model_text model_describe(const model_spec *spec);

/* ---- images.c */

enum { IMAGES_CLASSES = 10 }; /* of MNIST and its kin */

/** Or a text: tokens i64 [windows, window] and those that follow them. */
typedef struct {
    hone_dataset train, test; /* x f32 [n, features] in 0..1, y i64 [n] */
    int64_t features, channels, height, width;
    int64_t window; /* tokens of a text's windows; 0: images */
    double entropy; /* of a text where it is known, nats a byte; else 0 */
} images;

/** Reads DIR or a text, or draws "digits" or "pictures"; at most `limit` of each set (0: all); the
 * training set only if asked. A text's windows are as long as the model of `spec` sees. False with
 * an error printed. */
bool images_load(const char *command, const char *source, const model_spec *spec, int64_t limit,
                 bool with_train, progress *p, images *out);
void images_free(images *set);
/** "images", "windows of 64 bytes". */
typedef struct {
    char s[96];
} images_text;
images_text images_name(const images *set);
/** Checks that the model takes these images and gives a score a class, and shapes them as it takes
 * them: rows for an mlp, else [n, 1, height, width]. False with an error printed, which names the
 * layer. model: NULL where an mlp isn't made yet. */
bool images_fit(const char *command, images *set, const model_spec *spec, hone_module *model);

/* ---- text.c */

enum { TEXT_VALUES = 256 }; /* of a byte, which is a token */
enum { TEXT_CONTEXT = 64 }; /* of a model that says none */

/** True for --data text, text:BYTES and text:FILE. */
bool text_is(const char *source);
/** What a model of text needs to be one of bytes: a named network whose vocab isn't given gets that
 * of bytes. No change for other data. False with a usage error printed. */
bool text_suits(const char *command, const char *source, model_spec *spec);
bool text_load(const char *command, const char *source, const model_spec *spec, int64_t limit,
               bool with_train, images *out);
images_text text_name(const images *set);
/** The most tokens that the model sees: its context, or `otherwise` of one that says none. */
int64_t text_context(const model_spec *spec, int64_t otherwise);
/** Checks that the model gives scores of bytes for [1, window] tokens; false with an error printed,
 * which names the layer. */
bool text_takes(const char *command, const model_spec *spec, hone_module *model, int64_t window);
/** A text's scores [n, T, values] and targets [n, T] as [n T, values] and [n T]; others stay. */
void text_rows(hone_tensor **scores, hone_tensor **targets);
/** The scores of a text's bytes alone, of a model that has more tokens; others stay. */
hone_tensor *text_bytes(hone_tensor *scores, const hone_dataset *set);
/** What a loss in nats a byte is in other measures. */
double text_perplexity(double loss);
double text_bits(double loss);

/* ---- eval.c */

typedef struct {
    double loss, error; /* means over the samples */
} score;

/** One pass over the set without gradients; m: counts its answers, too, unless NULL. False on an
 * error (pending) or when stopped. */
bool evaluate(hone_module *model, const hone_dataset *set, progress *p, score *out, metrics *m);

#endif
