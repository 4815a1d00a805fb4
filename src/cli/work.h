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

typedef struct {
    hone_dataset train, test; /* x f32 [n, features] in 0..1, y i64 [n] */
    int64_t features, height, width;
} images;

/** Reads DIR, or draws digits for "digits"; at most `limit` of each set (0: all); the training set
 * only if asked. False with an error printed. */
bool images_load(const char *command, const char *source, int64_t limit, bool with_train,
                 progress *p, images *out);
void images_free(images *set);
/** Checks that the model takes these images and gives a score a class, and shapes them as it takes
 * them: rows for an mlp, else [n, 1, height, width]. False with an error printed, which names the
 * layer. model: NULL where an mlp isn't made yet. */
bool images_fit(const char *command, images *set, const model_spec *spec, hone_module *model);

/* ---- eval.c */

typedef struct {
    double loss, error; /* means over the samples */
} score;

/** One pass over the set without gradients; m: counts its answers, too, unless NULL. False on an
 * error (pending) or when stopped. */
bool evaluate(hone_module *model, const hone_dataset *set, progress *p, score *out, metrics *m);

#endif
