/** @file model.h
 * Networks from text, and by name.
 *
 * A description says what a network is made of, in the words of its layers:
 *
 *      # two convolutions and a classifier, for images of one channel
 *      model Net(classes=10, width=32):
 *          conv1 = Conv2d(1, width, 3, padding=1)
 *          conv2 = Conv2d(width, 2 * width, 3, padding=1)
 *          pool = MaxPool2d(2)
 *          fc = Linear(2 * width * 7 * 7, classes)
 *          forward(x):
 *              x = pool(relu(conv1(x)))
 *              x = pool(relu(conv2(x)))
 *              return fc(flatten(x, 1))
 *
 *      hone_module *net = hone_model_load("net.hone", "classes=26");
 *
 * The last model of a text is the network; those above it are its parts. README.md has the language
 * and three examples, src/run/models the named networks. The result is a module as any other: what
 * the body assigns are its children, parameters and buffers ("conv1.weight"), and forward is what
 * hone_forward() runs.
 */
#ifndef HONE_MODEL_H
#define HONE_MODEL_H

#include <hone/nn.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A network from a description.
 *  @param where      what messages call the text: "net.hone"; NULL: "model".
 *  @param arguments  of its last model, as a call has them: "classes=26, width=16"; NULL: none.
 *  @return           the module, the caller's (hone_module_free); NULL on error. Initial weights take
 *                    the thread's generator.
 *  Errors:  HONE_E_VALUE for what is wrong in the text, as "net.hone:3:13: MESSAGE", the line and a
 *           mark below the place; what layers and ops say of their arguments in the same form;
 *           HONE_E_NULL, HONE_E_NOMEM. */
HONE_API hone_module *hone_model_parse(const char *text, const char *where, const char *arguments);

/** The same from a file. Errors also: HONE_E_IO, HONE_E_FORMAT (no text, more than a megabyte). */
HONE_API hone_module *hone_model_load(const char *path, const char *arguments);

/** A network that hone has, with torchvision's or Hugging Face's names and shapes of parameters:
 *      hone_model_named("resnet18", "num_classes=10")
 * Errors also: HONE_E_VALUE (no such name; the message lists them). */
HONE_API hone_module *hone_model_named(const char *name, const char *arguments);

/** What `hone train --model` takes: "resnet18", "gpt:layers=4,heads=4", "net.hone",
 * "dir/net.hone:width=16". A file's name has a dot or a slash. */
HONE_API hone_module *hone_model(const char *spec);

/** Writes a folder as Hugging Face has it: config.json and model.safetensors, or shards and their index,
 * of the networks gpt (GPT2LMHeadModel), bert (BertModel, or with labels
 * BertForSequenceClassification) and resnet18 (timm's). transformers and timm read it, and so does
 * hone: hone_model(folder) makes the network, hone_load_state(model, folder) its weights; both take
 * folders of others, too, in which names may lack "transformer." or "bert.", resnet's may be
 * transformers', LayerNorm's gamma and beta, and lm_head.weight left out.
 *  @param spec         what hone_model() made it of: "gpt:layers=2,width=64", arguments by name.
 *  @param shard_bytes  at most so many bytes a file; 0: one file. The other form is removed.
 *  Errors:  HONE_E_VALUE (another network, an argument that config.json can't tell), HONE_E_IO,
 *           HONE_E_NULL, HONE_E_NOMEM. */
HONE_API hone_status hone_model_save_folder(hone_module *model, const char *spec,
                                            const char *folder, int64_t shard_bytes);

/** Number of named networks / the name of network i; NULL past the end. */
HONE_API int hone_model_count(void);
HONE_API const char *hone_model_name(int i);
/** Its description; NULL + HONE_E_VALUE: there is none of that name. */
HONE_API const char *hone_model_text(const char *name);
/** "resnet18(num_classes=1000)", of a name or the path of a file, as snprintf does: returns the length
 * it needs without the 0, -1 on error. */
HONE_API int64_t hone_model_signature(const char *name, char *buffer, size_t bytes);

/* ---- position by position */

/** A network of tokens [n, t] -> [n, t, values] that goes on: what was computed for the positions
 * before isn't computed again.
 *
 *      hone_decoder *d = hone_decoder_new(model);
 *      hone_tensor *scores = hone_decoder_step(d, prompt);          // [1, 5] -> [1, 5, values]
 *      while (..) scores = hone_decoder_step(d, next);              // [1, 1] -> [1, 1, values]
 *
 * In a described network scaled_dot_product_attention with is_causal keeps keys and values, lstm,
 * gru, rnn_tanh and rnn_relu and the layers RNN, GRU and LSTM keep their states, and arange(number of
 * positions) goes on counting;
 * everything else must treat each position by itself. Then scores have the bits that a forward over
 * all positions gives at these places. Where another step looks at several positions (a convolution,
 * a layer such as TransformerEncoder) that can't be seen here, and what comes out is something else:
 * compare a few positions, as `hone generate` does. */
typedef struct hone_decoder hone_decoder;

/** @return  at position 0, the caller's; keeps the network alive. NULL on error (HONE_E_NULL,
 *           HONE_E_NOMEM). */
HONE_API hone_decoder *hone_decoder_new(hone_module *model);
/** The scores of the next positions, without gradients.
 *  @param tokens  i64 [n, t]; after the first step one position each, if there is attention.
 *  @return        owned by the current scope; NULL on error, and the decoder is at position 0 again.
 *  Errors:  HONE_E_SHAPE, HONE_E_STATE (the network is training, its forward has changed, attention
 *           without is_causal, a recurrence in both directions), HONE_E_VALUE (several positions in a
 *           later step), HONE_E_NULL, HONE_E_NOMEM, those of the network. */
HONE_API hone_tensor *hone_decoder_step(hone_decoder *decoder, hone_tensor *tokens);
/** How many positions it has seen; -1 and HONE_E_NULL for NULL. */
HONE_API int64_t hone_decoder_position(const hone_decoder *decoder);
/** Back to position 0: nothing is kept. NULL is ignored, as by: */
HONE_API void hone_decoder_reset(hone_decoder *decoder);
HONE_API void hone_decoder_free(hone_decoder *decoder);

#ifdef __cplusplus
}
#endif
#endif
