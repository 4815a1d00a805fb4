/* Panels of bf16 as bf16_kernels.h draws them, from operands that end where a page does. */
#include "bf16_cases.h"

static guard some_words(int64_t n)
{
    guard g = guard_new((size_t)n * sizeof(uint32_t));
    for (int64_t i = 0; i < n; i++) {
        ((uint32_t *)(void *)g.data)[i] = next();
    }
    return g;
}

/* ---- pack ---- */

/* Where element p of column j is in a panel, in halves: the upper one of a word is its second. */
static int64_t place(const hone__bf16_kernel *kernel, bool of_a, int width, int64_t p, int j)
{
    if (!kernel->tiled) {
        return (p / 2 * width + j) * 2 + (p % 2 == 0);
    }
    const int64_t block = p / 32 * 32 * width, q = p % 32;
    return block + (of_a ? j * 32 + q : (q / 2 * width + j) * 2 + q % 2);
}

typedef struct {
    int64_t k, ps, ks;
    int valid;
    bool of_a;
} packing;

static void check_panel(const hone__bf16_kernel *kernel, const packing *x, int width,
                        const uint16_t *from, const void *panel)
{
    const int64_t unit = kernel->tiled ? 32 : 2, all = (x->k + unit - 1) / unit * unit;
    const uint16_t pad = x->of_a ? HONE__BF16_PAD_A : HONE__BF16_PAD_B;
    for (int64_t p = 0; p < (kernel->tiled || kernel->paired ? all : x->k); p++) {
        for (int j = 0; j < (p < x->k ? width : x->valid); j++) {
            const uint16_t e = j >= x->valid ? 0 : p >= x->k ? pad : from[j * x->ps + p * x->ks];
            if (kernel->tiled || kernel->paired) {
                const uint16_t *halves = panel;
                cr_assert_eq(halves[place(kernel, x->of_a, width, p, j)], e);
            } else {
                const uint32_t wide = (uint32_t)e << 16; /* a denormal is 0, if one asks a step */
                const uint32_t flushed = e & 0x7F80 ? wide : wide & 0x80000000;
                const uint32_t is = ((const uint32_t *)panel)[p * width + j];
                cr_assert(is == wide || is == flushed);
            }
        }
    }
}

static void check_packing(const packing *x)
{
    const int64_t n = (x->valid - 1) * x->ps + (x->k - 1) * x->ks + 1;
    guard from = guard_new((size_t)n * sizeof(uint16_t));
    for (int64_t i = 0; i < n; i++) {
        ((uint16_t *)(void *)from.data)[i] = hard();
    }
    const hone__bf16_kernel *kernel;
    for (int i = 0; (kernel = hone__bf16_available(i)); i++) {
        const int width = x->of_a ? kernel->shape.mr : kernel->shape.nr;
        if (x->valid > width) {
            continue;
        }
        guard panel = guard_new(hone__bf16_panel_bytes(kernel, false, width, x->k));
        memset(panel.data, 0xC3, panel.bytes);
        kernel->pack(x->k, width, x->valid, (uint32_t *)(void *)panel.data,
                     (const uint16_t *)(const void *)from.data, x->ps, x->ks,
                     x->of_a ? HONE__BF16_PAD_A : HONE__BF16_PAD_B);
        check_panel(kernel, x, width, (const uint16_t *)(const void *)from.data, panel.data);
        check_free(&panel);
    }
    check_free(&from);
}

static void check_packings(bool of_a)
{
    static const int64_t ks[] = { 1, 2, 3, 15, 16, 17, 31, 32, 33, 34, 63, 64, 65 };
    for (int i = 0; i < 13; i++) {
        for (int valid = 1; valid <= 48; valid++) {
            const int64_t k = ks[i], odd = k | 1;
            check_packing(&(packing){ k, 1, valid, valid, of_a }); /* columns are neighbours */
            check_packing(&(packing){ k, k, 1, valid, of_a });     /* lie along k */
            check_packing(&(packing){ k, odd, 1, valid, of_a });
            check_packing(&(packing){ k, odd + 1, 1, valid, of_a });
            check_packing(&(packing){ k, 2 * odd, 2, valid, of_a });
        }
    }
}

Test(bf16_pack, a)
{
    check_packings(true);
}

Test(bf16_pack, b)
{
    check_packings(false);
}

/* ---- lay ---- */

/* Runs of `len`, or if it is 0 of any length, that hold n words or fewer. */
static int some_runs(int64_t len, int64_t n, hone__bf16_run *runs)
{
    int count = 0;
    for (int64_t to = 0; to < n; count++) {
        const int64_t most = n - to, some = len ? len : 1 + below(most);
        runs[count] =
            (hone__bf16_run){ .from = below(90), .to = to, .n = some < most ? some : most };
        to += runs[count].n;
    }
    return count;
}

static void check_lay(const hone__bf16_kernel *kernel, int64_t len, int64_t n, int64_t rows)
{
    const int64_t nr = kernel->shape.nr, step = 1 + below(200);
    hone__bf16_run runs[64];
    const int n_runs = some_runs(len, n, runs);
    int64_t end = 0;
    for (int r = 0; r < n_runs; r++) {
        end = runs[r].from + runs[r].n > end ? runs[r].from + runs[r].n : end;
    }
    guard from = some_words((rows - 1) * step + end), to = some_words(rows * nr);
    const uint32_t *x = (const uint32_t *)(const void *)from.data;
    kernel->lay(x, step, rows, n_runs, runs, (uint32_t *)(void *)to.data);
    for (int64_t i = 0; i < rows; i++) {
        const uint32_t *row = (const uint32_t *)(const void *)to.data + i * nr;
        for (int r = 0; r < n_runs; r++) {
            cr_assert(memcmp(row + runs[r].to, x + i * step + runs[r].from,
                             (size_t)runs[r].n * sizeof *x) == 0);
        }
        for (int64_t j = n; j < nr; j++) {
            cr_assert_eq(row[j], 0);
        }
    }
    check_free(&from);
    check_free(&to);
}

Test(bf16_pack, lay)
{
    static const int64_t lengths[] = { 32, 16, 8, 4, 1, 2, 3, 5, 7, 11, 14, 28, 0, 0, 0, 0 };
    const hone__bf16_kernel *kernel;
    bool any = false;
    for (int i = 0; (kernel = hone__bf16_available(i)); i++) {
        for (int64_t n = 1; kernel->lay && n <= kernel->shape.nr; n++) {
            for (int l = 0; l < 16; l++) {
                check_lay(kernel, lengths[l], n, 1 + below(20));
            }
            any = true;
        }
    }
    if (!any) {
        cr_skip_test("no kernel of this CPU lays pairs");
    }
}
