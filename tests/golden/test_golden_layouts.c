/* Results of elementwise ops lie as PyTorch's do, but that dim 0 of three and more is the outermost where
 * PyTorch has it innermost: layouts.txt, of which make_layouts_golden.py tells. */
#include "support.h"

#include <hone/call.h>
#include <hone/hone.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

SUITE(golden_layouts);

enum { LINE = 200, CASES = 281 };

/* "3,4:" -> numbers, an end mark after them; what follows them. */
static const char *numbers(const char *at, int64_t *to)
{
    int n = 0;
    for (char *end; (to[n] = strtoll(at, &end, 10), end > at); at = end + (*end == ','))
        n++;
    to[n] = HONE_END_DIM;
    return at;
}

/* "4,3,10/2@1,0,2" */
static hone_tensor *operand(const char *text, hone_dtype dtype)
{
    int64_t memory[1 + HONE_MAX_DIMS + 1], order[HONE_MAX_DIMS + 1], step = 1;
    memory[0] = dtype;
    text = numbers(text, memory + 1);
    if (*text == '/')
        step = strtoll(text + 1, (char **)&text, 10);
    cr_assert(*text == '@', "%s", text);
    numbers(text + 1, order);
    hone_tensor *t = hone_zeros_v(memory);
    if (step > 1)
        t = hone_slice(t, -1, 0, hone_size(t, -1), step);
    return hone_dim(t) > 0 ? hone_permute_v(t, order) : t;
}

static hone_dtype operand_dtype(const char *op, int i)
{
    return strcmp(op, "where") == 0 && i == 0 ? HONE_BOOL : HONE_F32;
}

/* PyTorch's strides as hone has them. */
static void put_samples_outside(const hone_tensor *y, int64_t *stride)
{
    int dims = 0;
    for (int d = 0; d < hone_dim(y); d++)
        dims += hone_size(y, d) != 1;
    if (dims < 3 || hone_numel(y) == 0 || hone_size(y, 0) == 1 || stride[0] != 1)
        return;
    const int64_t n = hone_size(y, 0);
    stride[0] = hone_numel(y) / n;
    for (int d = 1; d < hone_dim(y); d++)
        stride[d] /= n;
}

static void check_strides(const char *line, const hone_tensor *y, char *at)
{
    int64_t stride[HONE_MAX_DIMS] = { 0 };
    for (int d = 0; d < hone_dim(y); d++, at += strcspn(at, " ")) {
        at += strspn(at, " ");
        stride[d] = atoll(at);
    }
    put_samples_outside(y, stride);
    for (int d = 0; d < hone_dim(y); d++)
        cr_expect(hone_size(y, d) == 1 || hone_stride(y, d) == stride[d],
                  "%s: stride %d is %d, not %d", line, d, (int)hone_stride(y, d), (int)stride[d]);
}

static void check(char *line)
{
    HONE_SCOPE();
    hone_tensor *in[3];
    int n = 0;
    char whole[LINE];
    snprintf(whole, sizeof whole, "%s", line);
    char *operands = strstr(line, " | "), *strides = operands ? strstr(operands + 3, " |") : NULL;
    cr_assert(strides, "%s", line);
    *operands = *strides = 0;
    char *attributes = strchr(line, ' '), name[40];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(line, " "), line);
    for (char *at = strtok(operands + 3, " "); at && n < 3; at = strtok(NULL, " "), n++)
        in[n] = operand(at, operand_dtype(name, n));
    hone_tensor_list y = hone_call(name, hone_list_n(in, n), attributes);
    cr_assert(y.at, "%s: %s", line, hone_error_message());
    check_strides(whole, y.at[0], strides + 2);
}

Test(golden_layouts, are_pytorchs)
{
    char line[LINE];
    int n = 0;
    FILE *f = fopen(HONE_SOURCE_DIR "/tests/golden/layouts.txt", "r");
    cr_assert(f && fgets(line, sizeof line, f) && line[0] == '#');
    for (; fgets(line, sizeof line, f); n++) {
        line[strcspn(line, "\n")] = 0;
        check(line);
    }
    fclose(f);
    cr_assert(n == CASES, "%d lines", n);
}
