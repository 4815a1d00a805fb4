/* fuzz_pt.c */
#include "reader.h"

FUZZ_READER(hone__pt_format)
