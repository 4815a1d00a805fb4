/* bf16_few_run.h: `few` (bf16_kernels.h), of few_fast, which was included before, as was bf16_fma.h.
 * (fragment of an ISA's file) */

static void exact_few(int64_t k, int rows, int64_t n, const uint16_t *a, int64_t a_rs, int64_t a_cs,
                      const uint16_t *b, int64_t b_cs, float *c, int64_t c_rs, bool resume)
{
    exact_strided(k, rows, n, a, a_rs, a_cs, b, 1, b_cs, c, c_rs, resume);
}

static void few(int64_t k, int rows, int64_t n, const uint16_t *a, int64_t a_rs, int64_t a_cs,
                const uint16_t *b, int64_t b_cs, float *c, int64_t c_rs, bool resume)
{
    run_rows(few_fast, exact_few, k, rows, n, a, a_rs, a_cs, b, b_cs, c, c_rs, resume);
}
