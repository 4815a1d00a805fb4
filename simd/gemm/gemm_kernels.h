/* gemm_kernels.h: what the matrix product needs from an ISA, one struct a dtype.
 *
 * The micro-kernel (`tile`) computes one tile of C, mr rows by nr columns, over a range of k:
 *
 *                       b: k rows, b_rs apart, of nr contiguous elements
 *                       +------------- nr -------------+
 *                     k |                              |
 *                       +------------------------------+
 *      a: mr x k,       c: mr rows, c_rs apart
 *      +--- k ---+      +------------------------------+
 *   mr |         |   mr |  acc = fma(a[i,p], b[p,j], acc)  for p = 0, 1, ... k-1
 *      +---------+      +------------------------------+
 *
 * a's element [i,p] is at a + i * a_rs + p * a_cs, so that A can be read where it lies, transposed
 * or not, or from a packed panel. Operands are packed by `pack` into panels of a fixed width W (B:
 * W = nr of the full tile, A: W = mr), k-major:
 *
 *      panel:  k=0: x0 x1 ... x(W-1) | k=1: x0 x1 ... x(W-1) | ...   (A: a_cs = W; B: b_rs = W)
 *
 * A panel at an edge has fewer than W valid columns; the others hold zeros: what they give is
 * thrown away. k is never padded.
 *
 * The order of sums (contract 1): `tile` and `row` are one chain an output in the order of k, which
 * starts at +0, or, with `resume`, at what C holds from the k before. `dot` follows the reductions'
 * rule (kernels.h). */
#ifndef HONE_GEMM_GEMM_KERNELS_H
#define HONE_GEMM_GEMM_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __OPTIMIZE_SIZE__ /* vec_scalar.h says why */
#define HONE__GEMM_INLINE inline
#else
#define HONE__GEMM_INLINE inline __attribute__((always_inline))
#endif
#define HONE__GEMM_NOINLINE __attribute__((noinline))

/* The compiler forgets how it got to this pointer, so it has to count it on. */
#define HONE__GEMM_OPAQUE(pointer) __asm__("" : "+r"(pointer))
/** A vector is kept in a register, not read again where it is used. */
#ifdef __aarch64__
#define HONE__GEMM_KEEP(vector) __asm__("" : "+w"(vector))
#else
#define HONE__GEMM_KEEP(vector) __asm__("" : "+v"(vector))
#endif

/* Before a loop of at most 16 rounds: unroll it completely. Before a long one: twice. Not where
 * instrumented code would take minutes to compile, nor where it is to be small. */
#if defined(HONE_SANITIZE) || defined(__OPTIMIZE_SIZE__)
#define HONE__GEMM_UNROLL
#define HONE__GEMM_UNROLL_2
#define HONE__GEMM_UNROLL_64
#elif defined(__clang__)
#define HONE__GEMM_UNROLL    _Pragma("clang loop unroll(full)")
#define HONE__GEMM_UNROLL_2  _Pragma("clang loop unroll_count(2)")
#define HONE__GEMM_UNROLL_64 _Pragma("clang loop unroll(full)")
#else
#define HONE__GEMM_UNROLL    _Pragma("GCC unroll 16")
#define HONE__GEMM_UNROLL_2  _Pragma("GCC unroll 2")
#define HONE__GEMM_UNROLL_64 _Pragma("GCC unroll 64")
#endif

/** What happens to a sum s once, after the last k, each step rounded: s *= alpha; s = C + s if
 * accumulate; s += bias; s = max(s, 0) if relu (NaN stays NaN, -0 becomes +0). */
typedef struct {
    double alpha;
    int accumulate;
    int relu;
    int64_t bias_rs, bias_cs; /* the pointer comes with the tile; for a tile one of them is 0 */
} hone__gemm_epilogue;

/** What a tile does on the way for tiles to come, a row every 8 k and k / 8 rows at most: memory is
 * read and a panel packed while the arithmetic goes on. A row is as many whole vectors as the
 * tile's nr has; those below the last one may be asked for too. */
typedef struct {
    int64_t rows;
    const void *from; /* [rows], rs elements apart */
    int64_t rs;
    void *to; /* [rows], to_rs apart; NULL: they are only asked for, at any address */
    int64_t to_rs;
} hone__gemm_errand;

/** A tile of work. Nothing outside a, b, c and the bias is touched; columns from nr to the next
 * multiple of the vector length are read from b if `direct_tails` is not set. */
typedef struct {
    int64_t k; /* >= 0 */
    const void *a;
    int64_t a_rs, a_cs;
    const void *b;
    int64_t b_rs;
    void *c;
    int64_t c_rs;
    hone__gemm_errand errand;
    int mr, nr; /* 1 .. rows[vectors of nr], 1 .. `wide` of the kernel */
    int resume;
    const hone__gemm_epilogue *finish; /* NULL while more k is to come */
    const void *bias;                  /* of this tile's [0,0], or NULL */
} hone__gemm_tile;

enum { HONE__GEMM_MAX_VECTORS = 4 };

/** Where an operand is read from, most likely. */
typedef enum { HONE__GEMM_L2, HONE__GEMM_L3, HONE__GEMM_MEMORY } hone__gemm_distance;

/** Rows that `few` does at once, whatever the ISA; of more it turns B again. */
enum { HONE__GEMM_FEW_ROWS = 8 };

/** If rows so many bytes apart fall upon the same few lines of L1, or nearly. */
static inline bool hone__gemm_share_lines(int64_t apart)
{
    enum { EVERY = 2048, NEARLY = 8 };
    return ((apart + NEARLY) & (EVERY - 1)) <= 2 * NEARLY;
}

/** Rows of B that `row` takes at a time from L3. */
enum { HONE__GEMM_ROWS = 5 };

/** Ways of L1, if each is a page as on x86: src/gemm/blocks.c sets them from its size. */
extern int hone__gemm_l1_ways;

/** How many of the `most` rows of a tile that reads A in place, `apart` bytes apart, m in all. Of more
 * than L1 has ways, no line would stay until the next k where they share lines. */
static inline int hone__gemm_rows_apart(int most, int64_t m, int64_t k, int64_t a_cs, int64_t apart)
{
    enum { LEAST_WAYS = 8, OTHERS = 2 /* lines of B and C */, SHORT = 64 };
    if (most <= LEAST_WAYS || m <= LEAST_WAYS || a_cs != 1 || k < SHORT ||
        !hone__gemm_share_lines(apart)) {
        return most;
    }
    const int best = hone__gemm_l1_ways - OTHERS;
    return best < most ? best : most;
}

/** Block sizes in elements: a panel of B, kc x nr, stays in L2 while the panels of a block of A, mc
 * x kc, pass by, each of which fits L1. */
typedef struct {
    int64_t mc, kc;
} hone__gemm_blocks;

/** A tile over all of k > 0 and nothing after it. Its height and about its width are the function's,
 * `columns` says the latter exactly. Nothing outside the operands is read. */
typedef void (*hone__gemm_small_tile)(int64_t k, const void *a, int64_t a_rs, int64_t a_cs,
                                      const void *b, int64_t b_rs, void *c, int64_t c_rs,
                                      int columns);

enum { HONE__GEMM_SMALL_WIDTHS = 9, HONE__GEMM_SMALL_ROWS = 17 }; /* from 0 */

typedef struct {
    const char *name;                     /* of the micro-kernel */
    int vl;                               /* elements a vector */
    int mr, nr;                           /* the full tile, and the panels' widths */
    int wide;                             /* columns of the widest tile; nr if it packs tails */
    int rows[HONE__GEMM_MAX_VECTORS + 1]; /* tallest tile when nr is that many vectors */
    int64_t short_k; /* below such a k, lower tiles are faster if A lies along k: */
    int short_rows[HONE__GEMM_MAX_VECTORS + 1];
    int direct_tails;    /* tile reads no column from nr on */
    int half_tails;      /* half a vector takes half the time */
    int turning_columns; /* widest tile of `turning_tile`; 0 without it */
    double flops_per_ns; /* rough, for the cost model */
    hone__gemm_blocks blocks;

    void (*tile)(const hone__gemm_tile *t);

    /** Tiles of small products: [width][rows] is for rows of C of `width` * 32 bytes at most, and
     * more than (width - 1) * 32; there are all heights up to small_rows[width] and all widths up
     * to `wide`. NULL if it has none. */
    const hone__gemm_small_tile (*small)[HONE__GEMM_SMALL_ROWS];
    int small_rows[HONE__GEMM_SMALL_WIDTHS];

    /** A tile of vl rows and 1 .. turning_columns columns, all of k, a_cs 1: its vectors run along
     * m, A being transposed in registers on the way. No errand, no resume. */
    void (*turning_tile)(const hone__gemm_tile *t);

    /** Panel of width `width` from `valid` (1..width) columns ps apart, k rows ks apart; the other
     * columns are zero. Writes width * k elements and may write up to 16 more. */
    void (*pack)(int64_t k, int width, int valid, void *panel, const void *x, int64_t ps,
                 int64_t ks);

    /** to[i * to_rs + j] = from[j * from_rs + i] for i < rows and j < cols (an int); no other
     * element is touched. */
    void (*transpose)(int64_t rows, int64_t cols, void *to, int64_t to_rs, const void *from,
                      int64_t from_rs);

    /** One row: y[j] = chain over p < k of x[p * sx] * b[p * b_rs + j], j < n; y contiguous. Lines
     * beyond b may be asked for, unless it is near. */
    void (*row)(int64_t k, int64_t n, const void *x, int64_t sx, const void *b, int64_t b_rs,
                void *y, int resume, hone__gemm_distance distance);

    /** Few rows of C with a B that lies along k: c[i * c_rs + j] = chain over p < k of
     * a[i * a_rs + p * a_cs] * b[j * b_cs + p], j < n, from +0 or with `resume` from c. Lines beyond
     * b may be asked for where it is in memory. */
    void (*few)(int64_t k, int rows, int64_t n, const void *a, int64_t a_rs, int64_t a_cs,
                const void *b, int64_t b_cs, void *c, int64_t c_rs, int resume,
                hone__gemm_distance distance);
    int few_rows; /* up to how many it may be fastest */

    /** out[i * out_rs + j] = one block's dot product of row i of a (a_rs apart) and row j of b
     * (b_rs apart), both contiguous in k; 0 < k <= the reductions' block. */
    void (*dot)(int64_t k, int rows, int cols, const void *a, int64_t a_rs, const void *b,
                int64_t b_rs, void *out, int64_t out_rs);

    int64_t dot_tree; /* what its sum over the lanes takes, an output, in vectors of products */

    /** out[i] = the same for every row of a and the one of b. Lines beyond a may be asked for,
     * unless it is near. */
    void (*dot_rows)(int64_t k, int64_t rows, const void *a, int64_t a_rs, const void *b, void *out,
                     hone__gemm_distance distance);

    /** As `dot` with b turned: c[i * c_rs + j] for i < m and j < n, b's rows being k and contiguous
     * in j; 0 < k <= the reductions' block. */
    void (*dot_wide)(int64_t m, int64_t n, int64_t k, const void *a, int64_t a_rs, const void *b,
                     int64_t b_rs, void *c, int64_t c_rs);
} hone__gemm_kernel;

/** Vectors that n elements take. */
static inline int64_t hone__gemm_vectors(const hone__gemm_kernel *kernel, int64_t n)
{
    return (n + kernel->vl - 1) >> __builtin_ctz((unsigned)kernel->vl);
}

/** Rows of the tallest good tile over k that is `width` columns wide, A read in place. */
static inline int hone__gemm_tile_rows(const hone__gemm_kernel *kernel, int64_t width, int64_t k,
                                       int64_t a_cs)
{
    const int64_t vectors = hone__gemm_vectors(kernel, width);
    const bool low = k < kernel->short_k && a_cs == 1;
    return low ? kernel->short_rows[vectors] : kernel->rows[vectors];
}

/** An ISA's initialiser of one: element type, micro-kernel, then what is its own. */
#define HONE__GEMM_KERNEL(type, kernel, ...)                                                       \
    {                                                                                              \
        .name = #type "_gemm_" #kernel, .tile = hone__##type##_gemm_##kernel,                      \
        .pack = type##_gemm_pack, .transpose = type##_gemm_transpose, .row = type##_gemm_row,      \
        .dot = type##_gemm_dot, .dot_rows = type##_gemm_dot_rows,                                  \
        .dot_wide = type##_gemm_dot_wide, .few = type##_gemm_few, __VA_ARGS__                      \
    }

/** Indexed by hone__gemm_dtype (f32, f64). */
typedef struct {
    hone__gemm_kernel of[2];
} hone__gemm_kernels;

#endif
