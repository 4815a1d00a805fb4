/* fuzz_config.c: config.json of a folder. */
#include "fuzz.h"

#include "run/config.h"

#include <hone/tensor.h>

#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char folder[200];
    HONE_SCOPE();
    const char *path = fuzz_write("config.json", data, size);
    snprintf(folder, sizeof folder, "%.*s", (int)(strlen(path) - strlen("/config.json")), path);
    hone__config_spec("fuzz", folder);
    hone_error_clear();
    return 0;
}
