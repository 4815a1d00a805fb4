/* llmc.c: checkpoints of llm.c (train_gpt2.c, 2024): 256 int32 of header, then GPT-2's tensors without
 * a name, all layers of one kind together. They are listed as Hugging Face's GPT2LMHeadModel names and
 * lays them out, so that the network gpt loads them; of the padded vocabulary the rows that are used. */
#include "core/core.h"
#include "io/file.h"

#include <string.h>

enum {
    MAGIC = 20240326,
    F32_VERSION = 3,
    BF16_VERSION = 5,
    HEADER = 256 * 4,
    CONTEXT = 2, /* places in the header */
    VOCAB,
    LAYERS,
    HEADS,
    WIDTH,
    PADDED,
};

static int32_t number(const unsigned char *header, int i)
{
    int32_t n;
    memcpy(&n, header + 4 * i, 4);
    return n;
}

static bool is(const hone_file *f, const unsigned char *head, size_t n)
{
    (void)f;
    return n >= 4 && number(head, 0) == MAGIC;
}

/* The kinds in the file's order: extents are multiples of the width; of a layer's, `turned` are
 * stored [out, in]. */
typedef struct {
    const char *name;
    int rows, columns; /* times the width; columns 0: one dim */
    bool turned;
} kind;

static const kind kinds[] = {
    { "ln_1.weight", 1, 0, false },       { "ln_1.bias", 1, 0, false },
    { "attn.c_attn.weight", 3, 1, true }, { "attn.c_attn.bias", 3, 0, false },
    { "attn.c_proj.weight", 1, 1, true }, { "attn.c_proj.bias", 1, 0, false },
    { "ln_2.weight", 1, 0, false },       { "ln_2.bias", 1, 0, false },
    { "mlp.c_fc.weight", 4, 1, true },    { "mlp.c_fc.bias", 4, 0, false },
    { "mlp.c_proj.weight", 1, 4, true },  { "mlp.c_proj.bias", 1, 0, false },
};

enum { N_KINDS = sizeof kinds / sizeof *kinds };

typedef struct {
    hone_file *file;
    const hone__cell *cell;
    int64_t at; /* the next tensor's place */
} writer;

/* A tensor [rows, columns] (columns 0: [rows]) that is stored row by row, or turned. */
static bool add(writer *w, const char *name, int64_t rows, int64_t columns, bool turned)
{
    int64_t *shape = hone__file_room(w->file, 4 * sizeof *shape);
    char *copy = shape ? hone__file_text(w->file, name, strlen(name)) : NULL;
    if (!copy)
        return false;
    const int64_t n = rows * (columns ? columns : 1);
    shape[0] = turned ? columns : rows;
    shape[1] = turned ? rows : columns;
    shape[2] = 1; /* strides */
    shape[3] = columns;
    const int i = hone__file_add(w->file, (hone_file_entry){ .name = copy,
                                                             .dtype = w->cell->name,
                                                             .ndim = columns ? 2 : 1,
                                                             .shape = shape,
                                                             .offset = w->at,
                                                             .bytes = n * w->cell->bits / 8 });
    if (i < 0)
        return false;
    w->file->lie[i] =
        (hone__lie){ .cell = w->cell, .stride = turned ? shape + 2 : NULL, .stored = n };
    w->at += w->file->at[i].bytes;
    return true;
}

/* In the order of layers; each kind's tensors of all layers lie together. */
static bool add_layers(writer *w, int64_t layers, int64_t width)
{
    const int64_t begin = w->at;
    for (int64_t l = 0; l < layers; l++) {
        int64_t before = 0; /* elements of the kinds before, of all layers */
        for (int k = 0; k < N_KINDS; k++) {
            const int64_t rows = kinds[k].rows * width, columns = kinds[k].columns * width;
            const int64_t n = rows * (columns ? columns : 1);
            char name[80];
            hone__format(name, sizeof name, "transformer.h.%lld.%s", (long long)l, kinds[k].name);
            w->at = begin + (before * layers + l * n) * w->cell->bits / 8;
            before += n;
            if (!add(w, name, rows, columns, kinds[k].turned))
                return false;
        }
    }
    return true;
}

static bool open_header(hone_file *f)
{
    unsigned char h[HEADER];
    if (f->bytes < HEADER)
        return hone__file_bad(f, "it is shorter than its header of 1024 bytes");
    if (!hone__file_read_at(f, h, HEADER, 0))
        return false;
    const int32_t version = number(h, 1);
    if (version != F32_VERSION && version != BF16_VERSION)
        return hone__file_bad(f, "its version is %d, and hone reads 3 (float32) and 5 (bfloat16)",
                              version);
    const int64_t context = number(h, CONTEXT), vocab = number(h, VOCAB),
                  layers = number(h, LAYERS), heads = number(h, HEADS), width = number(h, WIDTH),
                  padded = number(h, PADDED);
    enum { MOST = 1 << 24 };
    if (context < 1 || vocab < 1 || layers < 1 || heads < 1 || width < 1 || padded < vocab ||
        context > MOST || padded > MOST || layers > 1 << 14 || width > 1 << 16)
        return hone__file_bad(f, "its header has numbers that can't be");
    const hone__cell *cell = hone__cell_named(version == F32_VERSION ? "F32" : "BF16");
    const int64_t a_layer = 12 * width * width + 13 * width;
    const int64_t elements = (padded + context) * width + layers * a_layer + 2 * width;
    const int64_t wanted = HEADER + elements * cell->bits / 8;
    if (f->bytes != wanted)
        return hone__file_bad(f, "it has %lld bytes, and its header wants %lld",
                              (long long)f->bytes, (long long)wanted);
    writer w = { f, cell, HEADER };
    if (!add(&w, "transformer.wte.weight", vocab, width, false))
        return false;
    w.at = HEADER + padded * width * cell->bits / 8;
    if (!add(&w, "transformer.wpe.weight", context, width, false) || !add_layers(&w, layers, width))
        return false;
    w.at = wanted - 2 * width * cell->bits / 8;
    return add(&w, "transformer.ln_f.weight", width, 0, false) &&
           add(&w, "transformer.ln_f.bias", width, 0, false);
}

const hone__file_format hone__llmc_format = { .name = "llm.c", .is = is, .open = open_header };
