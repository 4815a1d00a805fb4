/* fuzz_npy.c */
#include "reader.h"

FUZZ_READER(hone__npy_format)
