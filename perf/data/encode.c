/* encode.c: seconds that it takes to encode a file, the best of some rounds, and the tokens as int32:
 * encode TOKENIZER FILE [ROUNDS [TOKENS_OUT]]. perf/compare/encode.py compares them with tiktoken. */
#include "../clock.h"

#include <hone/hone.h>

#include <stdio.h>
#include <stdlib.h>

static double now(void)
{
    return 1e-9 * now_ns();
}

int main(int argc, char **argv)
{
    double best = 1e9;
    hone_error_policy(HONE_ABORT);
    if (argc < 3)
        return 2;
    FILE *file = fopen(argv[2], "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0)
        return 1;
    const long n = ftell(file);
    char *text = malloc((size_t)n + 1);
    rewind(file);
    if (!text || fread(text, 1, (size_t)n, file) != (size_t)n)
        return 1;
    fclose(file);
    hone_tokenizer *t = hone_tokenizer_open(argv[1]);
    for (int i = 0; i < (argc > 3 ? atoi(argv[3]) : 3); i++) {
        HONE_SCOPE();
        const double begin = now();
        hone_tensor *ids = hone_tokenizer_encode(t, text, n, NULL);
        const double seconds = now() - begin;
        best = seconds < best ? seconds : best;
        if (i == 0)
            printf("%ld bytes, %lld tokens\n", n, (long long)hone_numel(ids));
        if (i > 0 || argc < 5)
            continue;
        hone_tensor *narrow = hone_to(ids, HONE_I32);
        file = fopen(argv[4], "wb");
        if (!file || fwrite(hone_data(narrow), 4, (size_t)hone_numel(narrow), file) !=
                         (size_t)hone_numel(narrow))
            return 1;
        fclose(file);
    }
    printf("%.4f\n", best);
    hone_tokenizer_free(t);
    free(text);
    return 0;
}
