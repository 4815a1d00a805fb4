/* 10^8 hard pairs. Emulated, it takes HONE_TEST_STEP=100. */
#define SUITE_NAME slow_bf16_tiles
#define PAIRS      100000000
#define ORDER      HONE__BF16_TILES
#define DEPTH      4 /* two of each chain */
#include "bf16_pairs.h"
