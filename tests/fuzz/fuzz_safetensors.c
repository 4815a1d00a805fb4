/* fuzz_safetensors.c */
#include "reader.h"

FUZZ_READER(hone__safetensors_format)
