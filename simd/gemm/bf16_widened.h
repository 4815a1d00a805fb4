/* bf16_widened.h: `pack` into widened panels (bf16_kernels.h). The file that includes it has
 * f32_kernel(), the ISA's products of f32. (fragment of an ISA's file) */
#include "gemm/bf16_kernels.h"
#include "gemm/bf16_step.h"

/* `valid` neighbours of every k. */
static void pack_across(int64_t k, int width, int valid, float *panel, const uint16_t *x,
                        int64_t ks)
{
    for (int64_t p = 0; p < k; p++, panel += width, x += ks) {
        for (int j = 0; j < valid; j++) {
            panel[j] = hone__bf16_widen(x[j]);
        }
        for (int j = valid; j < width; j++) {
            panel[j] = 0;
        }
    }
}

enum { WIDENED_K = 64, WIDENED_MOST = 48, WIDENED_SLACK = 16 };

/* Columns that lie along k: widened a little at a time, then turned as f32's are. */
static void pack_along(int64_t k, int width, int valid, float *panel, const uint16_t *x, int64_t ps)
{
    float columns[WIDENED_MOST][WIDENED_K];
    for (int64_t p = 0; p < k; p += WIDENED_K) {
        const int64_t some = k - p < WIDENED_K ? k - p : WIDENED_K;
        for (int j = 0; j < valid; j++) {
            for (int64_t q = 0; q < some; q++) {
                columns[j][q] = hone__bf16_widen(x[j * ps + p + q]);
            }
        }
        float *const to = panel + p * width;
        if ((k - p - some) * width >=
            WIDENED_SLACK) { /* what is written too far is written again */
            f32_kernel()->pack(some, width, valid, to, columns, WIDENED_K, 1);
        } else {
            float turned[WIDENED_MOST * WIDENED_K + WIDENED_SLACK];
            f32_kernel()->pack(some, width, valid, turned, columns, WIDENED_K, 1);
            memcpy(to, turned, (size_t)(some * width) * sizeof *turned);
        }
    }
}

static void pack(int64_t k, int width, int valid, uint32_t *panel, const uint16_t *x, int64_t ps,
                 int64_t ks, uint16_t pad)
{
    (void)pad;
    float *to = (float *)(void *)panel;
    if (ps == 1) {
        pack_across(k, width, valid, to, x, ks);
    } else if (ks == 1 && width <= WIDENED_MOST) {
        pack_along(k, width, valid, to, x, ps);
    } else {
        for (int64_t p = 0; p < k; p++) {
            for (int j = 0; j < width; j++) {
                to[p * width + j] = j < valid ? hone__bf16_widen(x[j * ps + p * ks]) : 0;
            }
        }
    }
}
