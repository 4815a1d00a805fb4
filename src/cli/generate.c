/* generate.c: `hone generate`: a trained model of bytes or tokens goes on with a text. */
#include "cli.h"
#include "machine.h"
#include "work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const char *load, *model, *layout, *dtype, *prompt, *tokenizer;
    machine_options machine;
    int64_t length, top_k;
    double temperature, top_p;
    uint64_t seed;
    bool no_cache;
} generate_options;

#define FIELD(name) offsetof(generate_options, name)

static const cli_option table[] = {
    { "load", "FILE", "network saved by hone train --data text --save", CLI_TEXT, FIELD(load), NULL,
      0, 0 },
    { "model", "SPEC", "what it is, as --model of hone train was", CLI_TEXT, FIELD(model), NULL, 0,
      0 },
    { "layout", "out,in|in,out",
      "how its weights lie; default: as it says, else as they fit each other", CLI_TEXT,
      FIELD(layout), NULL, 0, 0 },
    { "tokenizer", "PATH", "that of the text it was trained on; default: bytes", CLI_TEXT,
      FIELD(tokenizer), NULL, 0, 0 },
    { "prompt", "TEXT", "what it goes on with; default: a blank, which isn't printed", CLI_TEXT,
      FIELD(prompt), NULL, 0, 0 },
    { "length", "N", "bytes or tokens to generate", CLI_INT, FIELD(length), "200", 0, 1e9 },
    { "temperature", "X", "scores are divided by it; 0: always the likeliest token", CLI_REAL,
      FIELD(temperature), "1", 0, 1e6 },
    { "top-k", "K", "of the K likeliest tokens only; 0: of all", CLI_INT, FIELD(top_k), "0", 0,
      1e9 },
    { "top-p", "P", "of the likeliest tokens whose probabilities reach P together", CLI_REAL,
      FIELD(top_p), "1", 0, 1 },
    { "seed", "N", "of what is drawn", CLI_SEED, FIELD(seed), "0", 0, 0 },
    { "no-cache", NULL, "run the whole forward for every token: slower, the same text", CLI_FLAG,
      FIELD(no_cache), NULL, 0, 0 },
    { "dtype", "f32|bf16|f16", "what the weights and all that is computed are kept in", CLI_TEXT,
      FIELD(dtype), "f32", 0, 0 },
    MACHINE_OPTIONS(FIELD(machine)),
    { 0 },
};

/* ---- one token */

typedef struct {
    double probability;
    int64_t value;
} candidate;

static int by_probability(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    return x->probability > y->probability   ? -1
           : x->probability < y->probability ? 1
           : x->value < y->value             ? -1
                                             : 1;
}

/* The token of a row of scores, of which `values` count; all: room for as many. -1: an error is
 * pending. */
static int64_t choose(const generate_options *o, hone_tensor *scores, int64_t values,
                      candidate *all)
{
    HONE_SCOPE();
    scores = hone_to(hone_slice(scores, 0, 0, values, 1), HONE_F64);
    if (o->temperature == 0)
        return hone_item_i64(hone_argmax(scores, 0, false));
    hone_tensor *p = hone_contiguous(hone_softmax(hone_div_scalar(scores, o->temperature), 0));
    const double *probability = hone_data(p);
    if (!probability)
        return -1;
    for (int64_t i = 0; i < values; i++)
        all[i] = (candidate){ probability[i], i };
    qsort(all, (size_t)values, sizeof *all, by_probability);
    int64_t n = 0;
    double sum = 0;
    while (n < (o->top_k ? o->top_k : values) && (n == 0 || sum < o->top_p))
        sum += all[n++].probability;
    double left = hone_item(hone_rand(HONE_F64, 1)) * sum;
    int64_t i = 0;
    while (i + 1 < n && left >= all[i].probability)
        left -= all[i++].probability;
    return hone_error_code() == HONE_OK ? all[i].value : -1;
}

/* ---- scores: with what is kept of the bytes before, or by the whole forward */

typedef struct {
    hone_module *model;
    hone_decoder *decoder; /* NULL: the whole forward */
    int64_t context;       /* the most tokens that the model sees; 0: any number, with a decoder */
    int64_t window;        /* that the whole forward sees */
    int64_t *text;         /* tokens */
    int64_t n;
    hone_tokenizer *tokenizer; /* NULL: tokens are bytes */
    int64_t values;            /* of a token */
    candidate *all;
} generation;

static hone_tensor *tokens_of(const int64_t *tokens, int64_t n)
{
    return hone_from_data(HONE_I64, tokens, 1, n);
}

/* The last position's row of [1, t, values]. */
static hone_tensor *last_row(hone_tensor *scores)
{
    return hone_select(hone_select(scores, 0, 0), 0, -1);
}

static hone_tensor *scores_of(generation *g)
{
    const int64_t seen = g->decoder ? hone_decoder_position(g->decoder) : 0;
    if (g->decoder && (!g->context || g->n <= g->context))
        return last_row(hone_decoder_step(g->decoder, tokens_of(g->text + seen, g->n - seen)));
    const int64_t n = g->n < g->window ? g->n : g->window;
    return last_row(hone_forward(g->model, tokens_of(g->text + g->n - n, n)));
}

/* Whether a decoder gives the bits of the whole forward: of some tokens, each position. What goes
 * wrong here is not an error, but an answer. */
static bool decoder_fits(hone_module *model, int64_t context, int64_t values)
{
    enum { PROBE = 48, AT_ONCE = 5 };
    HONE_SCOPE();
    int64_t tokens[PROBE];
    const int64_t n = context && context < PROBE ? context : PROBE;
    for (int i = 0; i < PROBE; i++)
        tokens[i] = ((31 * i * i + 7 * i + 65) & 255) % values;
    hone_tensor *whole = hone_forward(model, tokens_of(tokens, n));
    hone_decoder *d = hone_decoder_new(model);
    bool same = whole && d;
    for (int64_t at = 0; same && at < n;) {
        const int64_t end = at == 0 && n > AT_ONCE ? AT_ONCE : at + 1;
        hone_tensor *part = hone_decoder_step(d, tokens_of(tokens + at, end - at));
        same = part && hone_equal(part, hone_slice(whole, 1, at, end, 1));
        at = end;
    }
    hone_decoder_free(d);
    hone_error_clear();
    return same;
}

/* ---- a text */

static bool write_token(const generation *g, int64_t token, bool at_once)
{
    int64_t n = 1;
    const char byte = (char)token;
    const char *text = g->tokenizer ? hone_tokenizer_token(g->tokenizer, token, &n) : &byte;
    if (!text) { /* a number that no token has: nothing is printed */
        hone_error_clear();
        return true;
    }
    fwrite(text, 1, (size_t)n, stdout);
    return (!at_once || fflush(stdout) == 0) && !ferror(stdout);
}

static int generate(const generate_options *o, generation *g)
{
    const bool at_once = isatty(STDOUT_FILENO);
    if (o->prompt)
        fputs(o->prompt, stdout);
    hone_seed(o->seed);
    for (int64_t i = 0; i < o->length && !cli_stopped(); i++) {
        HONE_SCOPE();
        const int64_t token = choose(o, scores_of(g), g->values, g->all);
        if (token < 0 || hone_error_code() != HONE_OK)
            return cli_library_error(cli_generate.name);
        g->text[g->n++] = token;
        if (!write_token(g, token, at_once))
            break;
    }
    putchar('\n');
    return cli_stopped() ? cli_stopped() : CLI_OK;
}

/* The prompt's tokens, and room for those that follow. False with an error printed. */
static bool begin(const generate_options *o, generation *g)
{
    HONE_SCOPE();
    const char *prompt = o->prompt ? o->prompt : " ";
    const int64_t bytes = (int64_t)strlen(prompt);
    hone_tensor *ids = NULL;
    if (g->tokenizer && !(ids = hone_tokenizer_encode(g->tokenizer, prompt, bytes, NULL))) {
        cli_library_error(cli_generate.name);
        return false;
    }
    g->n = ids ? hone_numel(ids) : bytes;
    g->text = malloc(((size_t)g->n + (size_t)o->length + 1) * sizeof *g->text);
    g->all = malloc((size_t)g->values * sizeof *g->all);
    if (!g->text || !g->all) {
        cli_error(CLI_FAILED, cli_generate.name, "no memory for the text");
        return false;
    }
    for (int64_t i = 0; i < g->n; i++)
        g->text[i] = ids ? ((const int64_t *)hone_data(ids))[i] : (uint8_t)prompt[i];
    return true;
}

static int run_model(const generate_options *o, const model_spec *spec, hone_layout layout,
                     hone_dtype dtype, generation *g)
{
    HONE_NO_GRAD();
    g->model = model_blank(spec);
    if (!g->model)
        return model_failed(cli_generate.name, spec);
    if (!model_load_as(cli_generate.name, g->model, o->load, layout, dtype, NULL))
        return CLI_FAILED;
    hone_module_train(g->model, false);
    g->context = text_context(spec, 0);
    g->window = text_context(spec, TEXT_CONTEXT);
    if (!text_takes(cli_generate.name, spec, g->model, g->window, g->values))
        return CLI_FAILED;
    const bool fits = decoder_fits(g->model, g->context, g->values);
    if (fits && !g->context)
        g->window = INT64_MAX; /* a recurrence remembers everything */
    if (fits && !o->no_cache)
        g->decoder = hone_decoder_new(g->model);
    else if (!fits && !o->no_cache)
        cli_error(0, cli_generate.name,
                  "%s can't go on byte by byte: the whole forward is run for every one, over the "
                  "last %lld",
                  spec->text, (long long)g->window);
    return begin(o, g) ? generate(o, g) : CLI_FAILED;
}

static int run(int argc, char **argv)
{
    HONE_SCOPE();
    const char *name = cli_generate.name;
    generate_options o = { 0 };
    model_spec spec;
    hone_layout layout;
    hone_dtype dtype;
    cli_parsed parsed = cli_parse(&cli_generate, table, &o, argc, argv);
    if (parsed != CLI_GO_ON)
        return parsed == CLI_DONE ? CLI_OK : CLI_USAGE;
    if (!o.load || !o.model)
        return cli_error(CLI_USAGE, name, "--%s is missing", o.load ? "model SPEC" : "load FILE");
    if (!model_layout(name, o.layout, &layout) || !model_dtype(name, o.dtype, &dtype) ||
        !model_parse(name, o.model, &spec))
        return CLI_USAGE;
    const int begun = machine_begin(name, &o.machine);
    if (begun != CLI_OK)
        return begun;
    generation g = { .values = TEXT_VALUES };
    if (o.tokenizer && !(g.tokenizer = hone_tokenizer_open(o.tokenizer)))
        return cli_library_error(name);
    if (g.tokenizer)
        g.values = hone_tokenizer_size(g.tokenizer);
    int status = CLI_USAGE;
    if (o.top_k > g.values)
        cli_error(CLI_USAGE, name, "--top-k %lld: a token has %lld values", (long long)o.top_k,
                  (long long)g.values);
    else if (text_suits(name, "text", g.values, &spec))
        status = run_model(&o, &spec, layout, dtype, &g);
    hone_decoder_free(g.decoder);
    hone_module_free(g.model);
    hone_tokenizer_free(g.tokenizer);
    free(g.text);
    free(g.all);
    return status;
}

const cli_command cli_generate = { "generate", "Goes on with a text, by a model trained on text.",
                                   run, NULL };
