/* A million hard pairs. */
#define SUITE_NAME bf16_pairs
#define PAIRS      1000000
#define ORDER      HONE__BF16_PAIRS
#define DEPTH      2
#include "bf16_pairs.h"
