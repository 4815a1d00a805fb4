/* fuzz_tokenizer.c: a tokenizer.json, vocab.json and merges.txt (what comes behind a 0), or a list, by the
 * first byte; and the same bytes as a text. */
#include "fuzz.h"

#include <hone/tokenizer.h>

#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    HONE_SCOPE();
    const char *path;
    if (size < 1)
        return 0;
    const uint8_t *begin = data + 1, *end = data + size;
    if (data[0] % 3 == 0) {
        path = fuzz_write("t.json", begin, size - 1);
    } else if (data[0] % 3 == 1) {
        const uint8_t *zero = memchr(begin, 0, size - 1), *stop = zero ? zero : end;
        path = fuzz_path("t");
        mkdir(path, 0700);
        fuzz_write("t/vocab.json", begin, (size_t)(stop - begin));
        fuzz_write("t/merges.txt", zero ? zero + 1 : end, zero ? (size_t)(end - zero - 1) : 0);
    } else {
        path = fuzz_write("list", begin, size - 1);
    }
    hone_tokenizer *t = hone_tokenizer_open(path);
    hone_error_clear();
    hone_tensor *ids = t ? hone_tokenizer_encode(t, data, (int64_t)size,
                                                 &(hone_tokenizer_options){ .special = true })
                         : NULL;
    char text[256];
    if (ids)
        hone_tokenizer_decode(t, hone_data(ids), hone_numel(ids), data[0] & 64, text, sizeof text);
    hone_error_clear();
    hone_tokenizer_free(t);
    return 0;
}
