/* fuzz_npz.c */
#include "reader.h"

FUZZ_READER(hone__npz_format)
