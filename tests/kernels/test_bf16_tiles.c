/* A million hard pairs. */
#define SUITE_NAME bf16_tiles
#define PAIRS      1000000
#define ORDER      HONE__BF16_TILES
#define DEPTH      4 /* two of each chain */
#include "bf16_pairs.h"
