/* gemm_pack.h: bodies of `pack` and `transpose` (contract: gemm_kernels.h), written for f32 and f64
 * (real_begin.h). The ISA's file gives PACK_COLUMNS(k, width, valid, panel, x, ps): packs whole
 * groups of columns that are contiguous in k by register transposes, writes nothing else, and
 * returns how many columns it did.
 * (fragment) */

/* Columns are neighbours: every k is a copy of `valid` elements. */
static HONE__GEMM_INLINE void R(gemm_pack_rows)(const int nv, int64_t k, int64_t width, int valid,
                                                REAL *panel, const REAL *x, int64_t ks)
{
    const int last = valid - (nv - 1) * LANES;
    for (int64_t p = 0; p < k; p++) {
        const REAL *row = x + p * ks;
        VREAL v[HONE__GEMM_MAX_VECTORS];
        HONE__GEMM_UNROLL
        for (int j = 0; j < nv - 1; j++) {
            v[j] = R(load)(row + j * LANES);
        }
        const REAL *end = row + (nv - 1) * LANES;
        v[nv - 1] = last == LANES ? R(load)(end) : R(load_n)(end, last, R(set)(0));
        /* The last store may reach into the next k, which comes after it. */
        HONE__GEMM_UNROLL
        for (int j = 0; j < nv; j++) {
            R(store)(panel + p * width + j * LANES, v[j]);
        }
    }
}

static void R(gemm_transpose)(int64_t rows, int64_t cols, void *to, int64_t to_rs, const void *from,
                              int64_t from_rs)
{
    REAL *out = to;
    const REAL *x = from;
    for (int64_t j = PACK_COLUMNS(rows, to_rs, (int)cols, out, x, from_rs); j < cols; j++) {
        for (int64_t i = 0; i < rows; i++) {
            out[i * to_rs + j] = x[j * from_rs + i];
        }
    }
}

static void R(gemm_pack)(int64_t k, int width, int valid, void *panel, const void *x, int64_t ps,
                         int64_t ks)
{
    REAL *to = panel;
    const REAL *from = x;
    const int vectors = (valid + LANES - 1) / LANES;
    int done = 0;
    if (ps == 1) {
        switch (vectors) {
        case 1:
            R(gemm_pack_rows)(1, k, width, valid, to, from, ks);
            break;
        case 2:
            R(gemm_pack_rows)(2, k, width, valid, to, from, ks);
            break;
        case 3:
            R(gemm_pack_rows)(3, k, width, valid, to, from, ks);
            break;
        case 4:
            R(gemm_pack_rows)(4, k, width, valid, to, from, ks);
            break;
        }
        done = vectors <= HONE__GEMM_MAX_VECTORS ? valid : 0;
    } else if (ks == 1) {
        R(gemm_transpose)(k, valid, to, width, from, ps);
        done = valid;
    }
    for (int j = done; j < width; j++) {
        for (int64_t p = 0; p < k; p++) {
            to[p * width + j] = j < valid ? from[j * ps + p * ks] : 0;
        }
    }
}

#undef PACK_COLUMNS
