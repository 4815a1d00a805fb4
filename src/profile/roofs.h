/* roofs.h: the machine's limits: how fast it multiplies and adds, and moves bytes, on one thread and on
 * all. For profiles, and for `hone bench`, which runs the same loops beside what it measures. */
#ifndef HONE_PROFILE_ROOFS_H
#define HONE_PROFILE_ROOFS_H

#include "gemm/args.h"
#include "gemm/bf16_kernels.h"
#include "profile/peaks.h"

#include <stdbool.h>
#include <stdint.h>

/* ---- levels of memory (levels.c) */

typedef enum {
    HONE__MEM_L1,
    HONE__MEM_L2,
    HONE__MEM_L3,
    HONE__MEM_DRAM,
    HONE__MEM_LEVELS
} hone__mem_level;
extern const char *const hone__mem_level_name[HONE__MEM_LEVELS];

/** Bytes of all operands together that live in a level but not in the one before it; 0: this
 * machine has no such level or too little memory. */
int64_t hone__mem_level_bytes(hone__mem_level level);
/** The level in which that many bytes live. */
hone__mem_level hone__mem_level_of(double bytes);
/** Of this machine. */
int64_t hone__physical_bytes(void);
/** Numbers in (-1, 1), the same every time, in memory that was touched: to be freed. NULL: out of
 * memory. */
void *hone__filled(int64_t elements, bool f64);

/* ---- loops on several threads (loops.c) */

/** The table of the ISA in use. */
const hone__peaks *hone__peaks_get(void);
/** Of an ISA that this machine has. */
const hone__peaks *hone__peaks_named(const char *isa);

enum { HONE__MEMORY_UNIT = 1024 }; /* bytes: what the loops take at a time at most */

/** A pass over memory with the mix of `kind` on every thread's share of the operands, `passes`
 * times in one parallel region. */
typedef struct {
    hone__stream kind;
    int threads;
    int64_t bytes; /* an operand */
    char *to;
    const char *from[2];
    int passes; /* a call */
    bool past;  /* the caches, as the engine does with what they can't hold */
} hone__memory_pass;
void hone__memory_pass_run(hone__memory_pass *m);
/** Sets passes and past for the operands that are set. */
void hone__memory_pass_set(hone__memory_pass *m);
/** Operands that one pass moves, so bytes moved = this * bytes. */
int hone__stream_operands(hone__stream kind);

/** The kernel peak: every thread runs the register tile of the matrix product on panels that stay
 * in L1. `panels` is to be freed. False: out of memory. */
typedef struct {
    int threads;
    hone__gemm_dtype dtype;
    const hone__bf16_kernel *bf16; /* of the calling thread's order */
    void *panels;
} hone__tile;
bool hone__tile_make(hone__tile *tile, hone__gemm_dtype dtype, int threads);
void hone__tile_run(const hone__tile *tile);
double hone__tile_flops(const hone__tile *tile);

/** All threads do nothing but multiply and add in registers: by the instruction that the dtype's kernel
 * has, of bf16 that of tiles, of pairs or FMAs of f32. The second: flops of a call. */
void hone__fma_run(const hone__peaks *peaks, hone__gemm_dtype dtype, int threads);
double hone__fma_flops(const hone__peaks *peaks, hone__gemm_dtype dtype, int threads);

/* ---- all of them, measured now (roofs.c) */

enum { HONE__ROOF_ISAS = 4, HONE__ROOF_NODES = 8 };
enum { HONE__ONE_THREAD, HONE__ALL_THREADS };

/** GFLOP/s and GB/s; 0: there is no such thing here. [2]: of threads, HONE__ONE_THREAD and ALL. */
typedef struct {
    const char *isa; /* in use */
    int threads;     /* all */
    int n_isas;
    struct {
        const char *name;
        double f32[2], f64[2];
    } fma[HONE__ROOF_ISAS];
    double tile[3][2]; /* of the ISA in use, by hone__gemm_dtype: what a product can reach */
    double gbps[HONE__MEM_LEVELS][HONE__STREAMS][2];
    int n_nodes;
    double node_gbps[HONE__ROOF_NODES][HONE__ROOF_NODES]; /* read by a thread at [0..] from [..] */
} hone__roofs;

/** Takes about a second. False: E_NOMEM. */
bool hone__roofs_measure(hone__roofs *roofs);
/** The seconds that the limits leave for so many flops and bytes at `threads`: of a call that moves
 * the mix in which `written` is a share. */
double hone__roof_seconds(const hone__roofs *roofs, hone__gemm_dtype dtype, int threads,
                          double flops, double bytes, double written);

#endif
