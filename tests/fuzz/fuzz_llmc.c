/* fuzz_llmc.c */
#include "reader.h"

FUZZ_READER(hone__llmc_format)
