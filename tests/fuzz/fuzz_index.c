/* fuzz_index.c: an index of shards; those that it names are not there, or the index itself. */
#include "reader.h"

FUZZ_READER(hone__shards_format)
