/* dot.c: products under the reductions' rule: few columns of a B that is contiguous in k.
 *
 * k is cut into the reductions' blocks; each block's sum comes from the `dot` kernel, and blocks
 * are combined pairwise in order: neighbours (0,1) (2,3) ..., an odd last one carried up. The work
 * is cut into tiles of up to 8 x 8 outputs, or 1 x 128. What lies across k is read where it is by
 * vectors along the outputs (8 x 16 or 16 x 8), or if it doesn't lie along these either, is
 * straightened on the stack, four rows of a block at a time. */
#include "gemm/dot.h"
#include "gemm/finish.h"
#include "gemm/plan.h"

#include "isa/isa.h"
#include "kernels/kernels.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

#include <string.h>

enum {
    SIDE = 8,
    WIDE = 16,
    ACROSS = 4,
    LEVELS = 52,
    MAX_BLOCK_BYTES = 16384,
    PACK_SLACK_BYTES = 128
};

/* A tile's sums over one block, or over several: rows of tile_n. */
typedef union {
    float f32[SIDE * WIDE];
    double f64[SIDE * WIDE];
} sums;

typedef struct {
    const hone__gemm_plan *plan;
    int64_t tile_m, tile_n;
    int64_t row_tiles, col_tiles;
    int64_t block, blocks; /* elements a block, blocks in k */
    int64_t tile;          /* the one being cut over blocks */
    sums *partial;         /* [blocks] of it */
} job;

typedef struct {
    hone__gemm_region region;
    int rows, cols;
} tile;

static tile tile_of(const job *j, int64_t index)
{
    const hone__gemm_plan *plan = j->plan;
    const hone__gemm_args *x = &plan->x;
    const int64_t tiles = j->row_tiles * j->col_tiles;
    const hone__gemm_offsets at = hone__gemm_batch_offsets(x, index / tiles);
    const int64_t m0 = index % tiles / j->col_tiles * j->tile_m;
    const int64_t n0 = index % j->col_tiles * j->tile_n;
    const hone__gemm_region region = {
        .a = (const char *)x->a + (at.a + m0 * x->a_rs) * plan->size,
        .b = (const char *)x->b + (at.b + n0 * x->b_cs) * plan->size,
        .c = (char *)x->c + at.c * plan->size,
        .c_rs = x->c_rs,
        .c_cs = x->c_cs,
        .k = x->k,
        .m0 = m0,
        .m1 = min64(m0 + j->tile_m, x->m),
        .n0 = n0,
        .n1 = min64(n0 + j->tile_n, x->n),
        .epilogue = &plan->epilogue,
        .bias = x->bias,
        .activate = plan->activate,
        .activated = hone__gemm_activated(plan, at.c),
    };
    return (tile){ region, (int)(region.m1 - m0), (int)(region.n1 - n0) };
}

/* `rows` of an operand's rows, at most ACROSS, k elements each, contiguous in `to`, a block apart. */
static const char *straighten(const job *j, int64_t k, int rows, const char *from, int64_t rs,
                              int64_t cs, char *to)
{
    const hone__gemm_kernel *kernel = j->plan->kernel;
    const int64_t size = j->plan->size;
    if (rs == 1) {
        kernel->transpose(rows, k, to, j->block, from, cs);
        return to;
    }
    for (int i = 0; i < rows; i++) {
        kernel->pack(k, 1, 1, to + i * j->block * size, from + i * rs * size, 0, cs);
    }
    return to;
}

/* Does what lies across k lie along the outputs? Then vectors run along these, and each of the rule's
 * lanes is a chain of them. */
static bool wide_n(const hone__gemm_args *x)
{
    return x->b_rs != 1 && x->b_cs == 1 && x->n > 1;
}

static bool wide_m(const hone__gemm_args *x)
{
    return x->a_cs != 1 && x->a_rs == 1 && x->m > 1;
}

/* One block's sums. One of the two operands at most is across; the other is along k, or a single row
 * that is strided. (What was A in the call may be B here, and the other way round.) */
static void run_block(const job *j, const tile *t, int64_t block, sums *out)
{
    const hone__gemm_plan *plan = j->plan;
    const hone__gemm_args *x = &plan->x;
    const hone__gemm_kernel *kernel = plan->kernel;
    const int64_t k0 = block * j->block, k = min64(j->block, x->k - k0);
    const char *a = t->region.a + k0 * x->a_cs * plan->size;
    const char *b = t->region.b + k0 * x->b_rs * plan->size;
    const bool a_is_across = x->a_cs != 1 && t->rows > 1;
    _Alignas(64) char copy[ACROSS * MAX_BLOCK_BYTES + PACK_SLACK_BYTES];
    _Alignas(64) char row[MAX_BLOCK_BYTES + PACK_SLACK_BYTES];
    int64_t a_rs = x->a_rs, b_cs = x->b_cs;
    if (x->a_cs != 1 && !wide_m(x)) {
        a = straighten(j, k, t->rows, a, a_rs, x->a_cs, a_is_across ? copy : row);
        a_rs = j->block;
    }
    if (x->b_rs != 1 && !wide_n(x)) {
        b = straighten(j, k, t->cols, b, b_cs, x->b_rs, a_is_across ? row : copy);
        b_cs = j->block;
    }
    if (wide_m(x)) {
        sums turned;
        kernel->dot_wide(t->cols, t->rows, k, b, b_cs, a, x->a_cs, &turned, WIDE);
        kernel->transpose(t->rows, t->cols, out, j->tile_n, &turned, WIDE);
    } else if (wide_n(x)) {
        kernel->dot_wide(t->rows, t->cols, k, a, a_rs, b, x->b_rs, out, j->tile_n);
    } else if (t->rows == 1) {
        kernel->dot_rows(k, t->cols, b, b_cs, a, out, plan->near ? HONE__GEMM_L2 : HONE__GEMM_L3);
    } else {
        kernel->dot(k, t->rows, t->cols, a, a_rs, b, b_cs, out, j->tile_n);
    }
}

/* to = from + to, `from` being the earlier blocks. */
static void add(const job *j, const tile *t, sums *to, const sums *from)
{
    for (int i = 0; i < t->rows; i++) {
        for (int64_t at = i * j->tile_n; at < i * j->tile_n + t->cols; at++) {
            if (j->plan->x.dtype == HONE__GEMM_F32) {
                to->f32[at] = from->f32[at] + to->f32[at];
            } else {
                to->f64[at] = from->f64[at] + to->f64[at];
            }
        }
    }
}

/* All blocks of a tile, pairwise in order: a binary counter of the blocks seen has one pending sum
 * for each of its bits, which is the same tree. The blocks come from j->partial if it is there. */
static void run_tile(const job *j, int64_t index)
{
    const tile t = tile_of(j, index);
    sums pending[LEVELS];
    sums now;
    for (int64_t block = 0; block < j->blocks; block++) {
        if (j->partial) {
            now = j->partial[block];
        } else {
            run_block(j, &t, block, &now);
        }
        int level = 0;
        for (; block >> level & 1; level++) {
            add(j, &t, &now, &pending[level]);
        }
        if (block + 1 < j->blocks) {
            pending[level] = now;
            continue;
        }
        for (int64_t left = j->blocks - 1; left >> level; level++) {
            if (left >> level & 1) {
                add(j, &t, &now, &pending[level]);
            }
        }
    }
    hone__gemm_finish(j->plan, &t.region, &now, j->tile_n);
}

static void run_tiles(void *ctx, int64_t begin, int64_t end)
{
    for (int64_t i = begin; i < end; i++) {
        run_tile(ctx, i);
    }
}

static void run_blocks(void *ctx, int64_t begin, int64_t end)
{
    const job *j = ctx;
    const tile t = tile_of(j, j->tile);
    for (int64_t block = begin; block < end; block++) {
        run_block(j, &t, block, &j->partial[block]);
    }
}

int hone__gemm_dot(const hone__gemm_plan *plan)
{
    const hone__gemm_args *x = &plan->x;
    job j = { .plan = plan };
    j.tile_m = x->m == 1 ? 1 : wide_m(x) ? WIDE : x->a_cs != 1 ? ACROSS : SIDE;
    j.tile_n = wide_n(x) || (x->b_rs == 1 && x->m == 1) ? SIDE * WIDE / j.tile_m
               : x->b_rs != 1                           ? ACROSS
                                                        : SIDE;
    j.row_tiles = (x->m + j.tile_m - 1) / j.tile_m;
    j.col_tiles = (x->n + j.tile_n - 1) / j.tile_n;
    j.block = hone__reduce_block((int)x->dtype);
    j.blocks = (x->k + j.block - 1) / j.block;
    const int64_t tiles = j.row_tiles * j.col_tiles * plan->batch;
    const double outputs = (double)min64(x->m, j.tile_m) * (double)min64(x->n, j.tile_n);
    const double ns = 4 * outputs / plan->kernel->flops_per_ns; /* of one k of one tile */
    const double block_ns = ns * (double)min64(x->k, j.block);
    if (j.blocks < 2 * tiles ||
        hone__team_for(block_ns * (double)(j.blocks * tiles), j.blocks) == 1) {
        hone__parallel_for(tiles, 1, ns * (double)x->k, run_tiles, &j);
        return 0;
    }
    const size_t bytes = hone__bytes(j.blocks, sizeof(sums));
    j.partial = hone__pool_alloc(bytes);
    if (!j.partial) {
        return -1;
    }
    for (j.tile = 0; j.tile < tiles; j.tile++) {
        hone__parallel_for(j.blocks, 1, block_ns, run_blocks, &j);
        run_tile(&j, j.tile);
    }
    hone__pool_free(j.partial, bytes);
    return 0;
}
