/* catalog_einsum.c: rows of src/ops/einsum.c. */
#include "catalog.h"

#include <string.h>

/* An oracle that reads equations without ... and takes every index of every letter in turn. */
static void einsum_oracle(const catalog_row *row, const catalog_array *in, int n_in,
                          catalog_array *out)
{
    const catalog_words words = catalog_text(row, "equation");
    char letters[60] = { 0 }, *terms[CATALOG_INPUTS + 1], copy[200];
    int64_t extent[128] = { 0 }, at[128] = { 0 }, shape[HONE_MAX_DIMS];
    strcpy(copy, words.at);
    char *result = strstr(copy, "->");
    if (result) {
        *result = 0;
        result += 2;
    }
    for (int i = 0; i < n_in; i++) {
        terms[i] = i == 0 ? copy : terms[i - 1] + strlen(terms[i - 1]) + 1;
        terms[i][strcspn(terms[i], ",")] = 0;
        for (int d = 0; terms[i][d]; d++) {
            const int c = terms[i][d];
            extent[c] = extent[c] > 1 ? extent[c] : in[i].shape[d];
        }
    }
    char once[60] = { 0 };
    for (int c = 0; c < 128; c++) {
        int times = 0;
        for (int i = 0; i < n_in; i++)
            for (const char *t = terms[i]; (t = strchr(t, c)) && *t; t++)
                times++;
        if (c && times > 0)
            letters[strlen(letters)] = (char)c;
        if (c && times == 1)
            once[strlen(once)] = (char)c;
    }
    result = result ? result : once;
    const int n = (int)strlen(result);
    for (int d = 0; d < n; d++)
        shape[d] = extent[(int)result[d]];
    catalog_shape(out, in[0].dtype, n, shape);
    int64_t total = 1;
    for (const char *l = letters; *l; l++)
        total *= extent[(int)*l];
    for (int64_t i = 0; i < total; i++) {
        int64_t rest = i, to = 0;
        double product = 1;
        for (const char *l = letters; *l; rest /= extent[(int)*l++])
            at[(int)*l] = rest % extent[(int)*l];
        for (int k = 0; k < n_in; k++) {
            int64_t from = 0;
            for (int d = 0; terms[k][d]; d++)
                from = from * in[k].shape[d] + (in[k].shape[d] == 1 ? 0 : at[(int)terms[k][d]]);
            product *= in[k].at[from];
        }
        for (int d = 0; d < n; d++)
            to = to * shape[d] + at[(int)result[d]];
        out->at[to] += product;
    }
}

#define CASES(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define ROW(equation, ...)                                                                         \
    {                                                                                              \
        "einsum", equation, CASES(__VA_ARGS__),                                                    \
            .in = { { catalog_any } }, .attributes = "equation=" equation,                         \
            .oracle = einsum_oracle, .ulps = 8, .scale = 40, .view = true                          \
    }

static const catalog_row rows[] = {
    ROW("ij,jk->ik", "3x5 5x4", "3x5:t 5x4:s", "3x0 0x4", "3x1 5x4", "1x5 1x4"),
    ROW("bij,bjk->bik", "2x3x4 2x4x5", "1x3x4 2x4x5:t"),
    ROW("ij,bj->bi", "3x5 4x5", "3x5 0x5"),
    ROW("i,i->", "5 5", "5:s 1"),
    ROW("i,j", "3 4", "3 0"),
    ROW("ij", "3x4", "3x4:t"),
    ROW("ba", "3x4"),
    ROW("ij->", "3x4", "0x4"),
    ROW("ij->j", "3x4:s"),
    ROW("ii", "4x4", "4x4:t"),
    ROW("ii->i", "4x4", "1x1", "0x0"),
    ROW("iijj->ji", "2x2x3x3"),
    ROW("iji->j", "3x2x3:s"),
    ROW("bhqd,bhkd->bhqk", "2x2x3x4 2x2x5x4:t"),
    ROW("ij,ij->ij", "3x4 3x4", "1x4 3x1"),
    ROW("ab,bc,cd->ad", "2x3 3x4 4x5", "2x3 3x1 4x5"),
    ROW("ab,cb,dc,ea->ed", "2x3 4x3 5x4 2x2"),
    ROW("bn,anm,bm->ba", "2x3 4x3x5 2x5"),
    ROW("aB,Bc", "2x3 3x2"),
};
CATALOG_FAMILY(einsum);
