/* Position by position: the bits of the whole forward. */
#include "support.h"

#include <hone/hone.h>

#include <string.h>

SUITE(decoder);

static hone_tensor *some_tokens(int64_t n, int64_t t)
{
    hone_tensor *tokens = hone_empty(HONE_I64, n, t);
    int64_t *to = hone_data(tokens);
    for (int64_t i = 0; i < n * t; i++)
        to[i] = (i * i * 31 + i * 7 + 3) % 40;
    return tokens;
}

/* Steps of `first` positions and then one each: each has the bits of the whole. */
static void same_bits(hone_module *model, hone_decoder *d, hone_tensor *tokens, int64_t first)
{
    const int64_t n = hone_size(tokens, 1);
    hone_tensor *whole = hone_forward(model, tokens);
    cr_assert(whole, "%s", hone_error_message());
    for (int64_t at = 0; at < n;) {
        HONE_SCOPE();
        const int64_t end = at == 0 ? first : at + 1;
        hone_tensor *part = hone_decoder_step(d, hone_slice(tokens, 1, at, end, 1));
        cr_assert(part, "%s", hone_error_message());
        hone_tensor *same = hone_contiguous(hone_slice(whole, 1, at, end, 1));
        cr_assert(hone_numel(part) == hone_numel(same));
        cr_assert(memcmp(hone_data(hone_contiguous(part)), hone_data(same),
                         (size_t)hone_numel(same) * 4) == 0,
                  "other bits at position %d", (int)at);
        at = end;
        cr_assert(hone_decoder_position(d) == at);
    }
}

static void same_bits_of(hone_module *model, int64_t samples, int64_t positions)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    cr_assert(model, "%s", hone_error_message());
    hone_module_train(model, false);
    hone_decoder *d = hone_decoder_new(model);
    hone_tensor *tokens = some_tokens(samples, positions);
    same_bits(model, d, tokens, 1);
    hone_decoder_reset(d);
    same_bits(model, d, tokens, positions / 3 + 1);
    hone_decoder_reset(d);
    same_bits(model, d, some_tokens(1, positions), 2); /* other samples after a reset */
    hone_module_free(model);                           /* which the decoder keeps */
    hone_decoder_free(d);
}

Test(decoder, gpt)
{
    same_bits_of(hone_model("gpt:vocab=40,context=16,layers=2,heads=2,width=8"), 1, 16);
    same_bits_of(hone_model("gpt:vocab=40,context=16,layers=1,heads=4,width=48"), 3, 16);
}

Test(decoder, gpt_past_the_blocks_of_attention)
{
    same_bits_of(hone_model("gpt:vocab=40,context=300,layers=2,heads=2,width=24"), 2, 300);
}

Test(decoder, lstm)
{
    same_bits_of(hone_model("lstm:vocab=40,width=8,hidden=12,layers=2"), 1, 30);
    same_bits_of(hone_model("lstm:vocab=40,width=24,hidden=32"), 3, 30);
}

#define RECURRENT(op)                                                                              \
    "model Net():\n"                                                                               \
    "    e = Embedding(40, 6)\n"                                                                   \
    "    a = Parameter(uniform(9, 6, low=-1, high=1))\n"                                           \
    "    b = Parameter(uniform(9, 9, low=-1, high=1))\n"                                           \
    "    forward(t): return " op "(e(t), None, a, b, batch_first=True)\n"

Test(decoder, other_recurrences)
{
    same_bits_of(hone_model_parse(RECURRENT("rnn_tanh"), NULL, NULL), 2, 20);
    same_bits_of(hone_model_parse(RECURRENT("rnn_relu"), NULL, NULL), 2, 20);
    same_bits_of(
        hone_model_parse("model Net():\n"
                         "    e = Embedding(40, 6)\n"
                         "    a = Parameter(uniform(27, 6, low=-1, high=1))\n"
                         "    b = Parameter(uniform(27, 9, low=-1, high=1))\n"
                         "    forward(t): return gru(e(t), None, a, b, batch_first=True)\n",
                         NULL, NULL),
        2, 20);
}

#define LAYER(make)                                                                                \
    "model Net():\n"                                                                               \
    "    e = Embedding(40, 6)\n"                                                                   \
    "    layer = " make "\n"                                                                       \
    "    forward(t): return layer(e(t))\n"

Test(decoder, recurrent_layers)
{
    same_bits_of(hone_model_parse(LAYER("LSTM(6, 9, num_layers=2, batch_first=True)"), NULL, NULL),
                 2, 20);
    same_bits_of(hone_model_parse(LAYER("GRU(6, 9, batch_first=True)"), NULL, NULL), 2, 20);
    same_bits_of(hone_model_parse(LAYER("RNN(6, 9, batch_first=True)"), NULL, NULL), 2, 20);
}

/* A layer that two places share keeps two states. */
Test(decoder, shared_layers)
{
    same_bits_of(
        hone_model_parse("model Layer():\n"
                         "    a = Parameter(uniform(24, 6, low=-1, high=1))\n"
                         "    b = Parameter(uniform(24, 6, low=-1, high=1))\n"
                         "    forward(x): return lstm(x, None, None, a, b, batch_first=True)\n"
                         "model Net():\n"
                         "    e = Embedding(40, 6)\n"
                         "    layer = Layer()\n"
                         "    forward(t): return layer(layer(e(t)))\n",
                         NULL, NULL),
        2, 20);
}

#define ATTENTION(arguments)                                                                       \
    "model Net():\n"                                                                               \
    "    e = Embedding(40, 6)\n"                                                                   \
    "    forward(t):\n"                                                                            \
    "        x = e(t)\n"                                                                           \
    "        return scaled_dot_product_attention(x, x, x" arguments ")\n"

static hone_decoder *decoder_of(const char *text)
{
    hone_module *model = hone_model_parse(text, NULL, NULL);
    cr_assert(model, "%s", hone_error_message());
    hone_module_train(model, false);
    hone_decoder *d = hone_decoder_new(model);
    hone_module_free(model);
    return d;
}

Test(decoder, what_it_refuses)
{
    HONE_SCOPE();
    hone_tensor *t = some_tokens(1, 4);
    hone_decoder *d = decoder_of(ATTENTION(""));
    CHECK_FAILS(hone_decoder_step(d, t) ? HONE_OK : hone_error_code(), HONE_E_STATE,
                "scaled_dot_product_attention without is_causal");
    hone_decoder_free(d);
    d = decoder_of("model Net():\n"
                   "    e = Embedding(40, 6)\n"
                   "    a = Parameter(ones(9, 6))\n"
                   "    b = Parameter(ones(9, 9))\n"
                   "    forward(t): return rnn_tanh(e(t), None, a, b, a, b, bidirectional=True)\n");
    CHECK_FAILS(hone_decoder_step(d, t) ? HONE_OK : hone_error_code(), HONE_E_STATE,
                "rnn_tanh in both directions");
    hone_decoder_free(d);
    d = decoder_of(LAYER("GRU(6, 9, batch_first=True, bidirectional=True)"));
    CHECK_FAILS(hone_decoder_step(d, t) ? HONE_OK : hone_error_code(), HONE_E_STATE,
                "layer in both directions");
    hone_decoder_free(d);
    d = decoder_of(ATTENTION(", is_causal=True"));
    CHECK_FAILS(hone_decoder_step(d, hone_zeros(HONE_I64, 4)) ? HONE_OK : hone_error_code(),
                HONE_E_SHAPE, "tokens are [samples, positions]");
    cr_assert(hone_decoder_step(d, t) && hone_decoder_position(d) == 4);
    CHECK_FAILS(hone_decoder_step(d, some_tokens(2, 1)) ? HONE_OK : hone_error_code(), HONE_E_SHAPE,
                "the steps before had 1 samples");
    cr_assert(hone_decoder_position(d) == 4);
    CHECK_FAILS(hone_decoder_step(d, some_tokens(1, 2)) ? HONE_OK : hone_error_code(), HONE_E_VALUE,
                "2 tokens at once");
    cr_assert(hone_decoder_position(d) == 0); /* and it goes on from the first */
    cr_assert(hone_decoder_step(d, t));
    hone_decoder_free(d);
    hone_module *gpt = hone_model("gpt:vocab=40,context=4,layers=1,heads=1,width=4");
    d = hone_decoder_new(gpt);
    CHECK_FAILS(hone_decoder_step(d, t) ? HONE_OK : hone_error_code(), HONE_E_STATE,
                "the network is training");
    hone_module_train(gpt, false);
    cr_assert(hone_decoder_step(d, t));
    CHECK_FAILS(hone_decoder_step(d, some_tokens(1, 1)) ? HONE_OK : hone_error_code(), HONE_E_INDEX,
                "embedding"); /* past its context */
    hone_decoder_free(d);
    hone_module_free(gpt);
    CHECK_FAILS(hone_decoder_new(NULL) ? HONE_OK : hone_error_code(), HONE_E_NULL, "decoder_new");
    CHECK_FAILS(hone_decoder_step(NULL, t) ? HONE_OK : hone_error_code(), HONE_E_NULL,
                "decoder_step");
    CHECK_FAILS(hone_decoder_position(NULL) < 0 ? hone_error_code() : HONE_OK, HONE_E_NULL,
                "decoder_position");
}
