/* fuzz_model.c: the text of a network. It is parsed, and its arguments are refused: what it would build
 * has no bound that a test would like. */
#include "fuzz.h"

#include <hone/model.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = 0;
    hone_module_free(hone_model_parse(text, "fuzz", "no_such_argument=1"));
    hone_error_clear();
    free(text);
    return 0;
}
