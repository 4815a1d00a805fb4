/* generate.c: `hone generate`: a trained model of bytes goes on with a text. */
#include "cli.h"
#include "work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const char *load, *model, *layout, *prompt;
    int64_t length, top_k, threads;
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
    { "prompt", "TEXT", "what it goes on with; default: a blank, which isn't printed", CLI_TEXT,
      FIELD(prompt), NULL, 0, 0 },
    { "length", "N", "bytes to generate", CLI_INT, FIELD(length), "200", 0, 1e9 },
    { "temperature", "X", "scores are divided by it; 0: always the likeliest byte", CLI_REAL,
      FIELD(temperature), "1", 0, 1e6 },
    { "top-k", "K", "of the K likeliest bytes only; 0: of all", CLI_INT, FIELD(top_k), "0", 0,
      TEXT_VALUES },
    { "top-p", "P", "of the likeliest bytes whose probabilities reach P together", CLI_REAL,
      FIELD(top_p), "1", 0, 1 },
    { "seed", "N", "of what is drawn", CLI_SEED, FIELD(seed), "0", 0, 0 },
    { "no-cache", NULL, "run the whole forward for every byte: slower, the same text", CLI_FLAG,
      FIELD(no_cache), NULL, 0, 0 },
    { "threads", "N", "N threads, whatever the environment says", CLI_INT, FIELD(threads), NULL, 1,
      1024 },
    { 0 },
};

/* ---- one byte */

typedef struct {
    double probability;
    int value;
} candidate;

static int by_probability(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    return x->probability > y->probability   ? -1
           : x->probability < y->probability ? 1
                                             : x->value - y->value;
}

/* The byte of a row of scores; -1: an error is pending. */
static int choose(const generate_options *o, hone_tensor *scores)
{
    HONE_SCOPE();
    candidate all[TEXT_VALUES];
    scores = hone_to(hone_slice(scores, 0, 0, TEXT_VALUES, 1), HONE_F64);
    if (o->temperature == 0)
        return (int)hone_item(hone_argmax(scores, 0, false));
    hone_tensor *p = hone_contiguous(hone_softmax(hone_div_scalar(scores, o->temperature), 0));
    const double *probability = hone_data(p);
    if (!probability)
        return -1;
    for (int i = 0; i < TEXT_VALUES; i++)
        all[i] = (candidate){ probability[i], i };
    qsort(all, TEXT_VALUES, sizeof *all, by_probability);
    int n = 0;
    double sum = 0;
    while (n < (o->top_k ? o->top_k : TEXT_VALUES) && (n == 0 || sum < o->top_p))
        sum += all[n++].probability;
    double left = hone_item(hone_rand(HONE_F64, 1)) * sum;
    int i = 0;
    while (i + 1 < n && left >= all[i].probability)
        left -= all[i++].probability;
    return hone_error_code() == HONE_OK ? all[i].value : -1;
}

/* ---- scores: with what is kept of the bytes before, or by the whole forward */

typedef struct {
    hone_module *model;
    hone_decoder *decoder; /* NULL: the whole forward */
    int64_t context;       /* the most bytes that the model sees; 0: any number, with a decoder */
    int64_t window;        /* that the whole forward sees */
    uint8_t *text;
    int64_t n;
} generation;

static hone_tensor *tokens_of(const uint8_t *bytes, int64_t n)
{
    hone_tensor *tokens = hone_empty(HONE_I64, 1, n);
    int64_t *to = hone_data(tokens);
    for (int64_t i = 0; to && i < n; i++)
        to[i] = bytes[i];
    return tokens;
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

/* Whether a decoder gives the bits of the whole forward: of some bytes, each position. What goes
 * wrong here is not an error, but an answer. */
static bool decoder_fits(hone_module *model, int64_t context)
{
    enum { PROBE = 48, AT_ONCE = 5 };
    HONE_SCOPE();
    uint8_t bytes[PROBE];
    const int64_t n = context && context < PROBE ? context : PROBE;
    for (int i = 0; i < PROBE; i++)
        bytes[i] = (uint8_t)(31 * i * i + 7 * i + 65);
    hone_tensor *whole = hone_forward(model, tokens_of(bytes, n));
    hone_decoder *d = hone_decoder_new(model);
    bool same = whole && d;
    for (int64_t at = 0; same && at < n;) {
        const int64_t end = at == 0 && n > AT_ONCE ? AT_ONCE : at + 1;
        hone_tensor *part = hone_decoder_step(d, tokens_of(bytes + at, end - at));
        same = part && hone_equal(part, hone_slice(whole, 1, at, end, 1));
        at = end;
    }
    hone_decoder_free(d);
    hone_error_clear();
    return same;
}

/* ---- a text */

static bool write_byte(int byte, bool at_once)
{
    putchar(byte);
    return (!at_once || fflush(stdout) == 0) && !ferror(stdout);
}

static int generate(const generate_options *o, generation *g)
{
    const bool at_once = isatty(STDOUT_FILENO);
    if (o->prompt)
        fwrite(g->text, 1, (size_t)g->n, stdout);
    hone_seed(o->seed);
    for (int64_t i = 0; i < o->length && !cli_stopped(); i++) {
        HONE_SCOPE();
        const int byte = choose(o, scores_of(g));
        if (byte < 0 || hone_error_code() != HONE_OK)
            return cli_library_error(cli_generate.name);
        g->text[g->n++] = (uint8_t)byte;
        if (!write_byte(byte, at_once))
            break;
    }
    putchar('\n');
    return cli_stopped() ? cli_stopped() : CLI_OK;
}

static int run_model(const generate_options *o, const model_spec *spec, hone_layout layout,
                     generation *g)
{
    HONE_NO_GRAD();
    g->model = model_new(spec);
    if (!g->model)
        return model_failed(cli_generate.name, spec);
    if (!model_load(cli_generate.name, g->model, o->load, layout))
        return CLI_FAILED;
    hone_module_train(g->model, false);
    g->context = text_context(spec, 0);
    g->window = text_context(spec, TEXT_CONTEXT);
    if (!text_takes(cli_generate.name, spec, g->model, g->window, TEXT_VALUES))
        return CLI_FAILED;
    const bool fits = decoder_fits(g->model, g->context);
    if (fits && !g->context)
        g->window = INT64_MAX; /* a recurrence remembers everything */
    if (fits && !o->no_cache)
        g->decoder = hone_decoder_new(g->model);
    else if (!fits && !o->no_cache)
        cli_error(0, cli_generate.name,
                  "%s can't go on byte by byte: the whole forward is run for every one, over the "
                  "last %lld",
                  spec->text, (long long)g->window);
    const char *prompt = o->prompt ? o->prompt : " ";
    const size_t n = strlen(prompt);
    g->text = malloc(n + (size_t)o->length + 1);
    if (!g->text)
        return cli_error(CLI_FAILED, cli_generate.name, "no memory for the text");
    memcpy(g->text, prompt, n);
    g->n = (int64_t)n;
    return generate(o, g);
}

static int run(int argc, char **argv)
{
    HONE_SCOPE();
    const char *name = cli_generate.name;
    generate_options o = { 0 };
    model_spec spec;
    hone_layout layout;
    cli_parsed parsed = cli_parse(&cli_generate, table, &o, argc, argv);
    if (parsed != CLI_GO_ON)
        return parsed == CLI_DONE ? CLI_OK : CLI_USAGE;
    if (!o.load || !o.model)
        return cli_error(CLI_USAGE, name, "--%s is missing", o.load ? "model SPEC" : "load FILE");
    if (!model_layout(name, o.layout, &layout) || !model_parse(name, o.model, &spec) ||
        !text_suits(name, "text", TEXT_VALUES, &spec))
        return CLI_USAGE;
    if (hone_init() != HONE_OK || (o.threads && hone_set_threads((int)o.threads) != HONE_OK))
        return cli_library_error(name);
    generation g = { 0 };
    const int status = run_model(&o, &spec, layout, &g);
    hone_decoder_free(g.decoder);
    hone_module_free(g.model);
    free(g.text);
    return status;
}

const cli_command cli_generate = { "generate", "Goes on with a text, by a model trained on text.",
                                   run, NULL };
