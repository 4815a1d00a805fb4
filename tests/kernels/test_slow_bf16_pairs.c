/* 10^8 hard pairs. Emulated, it takes HONE_TEST_STEP=100. */
#define SUITE_NAME slow_bf16_pairs
#define PAIRS      100000000
#define ORDER      HONE__BF16_PAIRS
#define DEPTH      2
#include "bf16_pairs.h"
