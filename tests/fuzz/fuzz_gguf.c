/* fuzz_gguf.c */
#include "reader.h"

FUZZ_READER(hone__gguf_format)
