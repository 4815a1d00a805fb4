/* replay.c: runs a harness over files, without libFuzzer. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (!file || fseek(file, 0, SEEK_END) != 0)
            return 1;
        const long size = ftell(file);
        uint8_t *data = malloc((size_t)size + 1);
        rewind(file);
        if (!data || fread(data, 1, (size_t)size, file) != (size_t)size)
            return 1;
        fclose(file);
        LLVMFuzzerTestOneInput(data, (size_t)size);
        free(data);
    }
    printf("%d files\n", argc - 1);
    return argc < 2;
}
