/* A million hard pairs. */
#define SUITE_NAME bf16_pairs
#define PAIRS      1000000
#include "bf16_pairs.h"
