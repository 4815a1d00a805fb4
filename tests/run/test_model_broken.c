/* Descriptions that are broken somewhere: each gives a network or an error, and leaves nothing. */
#include "support.h"

#include <hone/hone.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

SUITE(model_broken);

/* All there is in the language, small. */
static const char text[] =
    "# a text\n"
    "model Block(in, out, stride=1, act=ReLU):\n"
    "    conv1 = Conv2d(in, out, 3, stride=stride, padding=(1, 1), bias=False)\n"
    "    bn1 = BatchNorm2d(out, eps=1e-4)\n"
    "    act = act()\n"
    "    if stride != 1 or in != out and not False:\n"
    "        down = Sequential(Conv2d(in, out, 1, stride=stride), Identity())\n"
    "    elif in == -1: pass\n"
    "    else:\n"
    "        assert stride >= 1, 'stride'\n"
    "    forward(x):\n"
    "        y = act(bn1(conv1(x)))\n"
    "        if stride != 1 or in != out: x = down(x)\n"
    "        return y + x * 0.5\n"
    "model Head(weight):\n"
    "    weight = weight\n"
    "    forward(x): return x @ weight.T\n"
    "model Net(n=2, widths=[1, 2], name=\"a\"):\n"
    "    blocks = [Block(a, b) for a, b in [(1, 2), (2, 2)] if a > 0]\n"
    "    scale = Parameter(normal(2, 1, 1, std=0.1))\n"
    "    shift = Buffer(zeros(2, 1, 1))\n"
    "    table = Parameter(uniform(3, 2, low=-1, high=1))\n"
    "    head = Head(table)\n"
    "    total = 0\n"
    "    for i, w in enumerate(widths):\n"
    "        total += w * i // 1 % 7 ** 2\n"
    "    for m in modules():\n"
    "        if isinstance(m, Conv2d): kaiming_normal_(m.weight, mode='fan_out')\n"
    "    forward(x):\n"
    "        for b in blocks: x = b(x)\n"
    "        x = x * scale + shift\n"
    "        a, b = split(x, x.size(2) // 2, dim=2)\n"
    "        x = cat([a, b], dim=2)[:, 0:2, -1]\n"
    "        x = x.reshape(x.size(0), -1, 2).mean(dim=1)\n"
    "        if training and total is not None:\n"
    "            x = dropout(x, p=0.5, training=training)\n"
    "        return head(maximum(x, -1)) if n > 1 else -x\n";

/* 1 if the text is a network, 0 if it is an error. */
static int try(const char *broken)
{
    HONE_SCOPE();
    hone_module *m = hone_model_parse(broken, "net.hone", NULL);
    if (!m) {
        cr_assert(hone_error_code() != HONE_OK && hone_error_message()[0], "no error of:\n%s",
                  broken);
        cr_expect(hone_error_code() != HONE_E_INTERNAL, "%s", hone_error_message());
        hone_error_clear();
        return 0;
    }
    for (int training = 0; training < 2; training++) {
        HONE_SCOPE();
        hone_module_train(m, training);
        hone_tensor *y = hone_forward(m, hone_ones(HONE_F32, 2, 1, 4, 4));
        if (y && hone_requires_grad(y))
            hone_backward(hone_sum(y));
        cr_expect(y || hone_error_code() != HONE_OK);
        hone_error_clear();
    }
    hone_module_free(m);
    return 1;
}

/* A number that grew by a deletion could be a tensor that fills the memory. */
static void cap(void)
{
    hone_memory memory;
    hone_memory_stats(&memory);
    hone_memory_limit(memory.reserved_bytes + (64 << 20));
}

Test(model_broken, it_is_whole)
{
    cr_expect_eq(try(text), 1);
    cr_expect_eq(hone_error_code(), HONE_OK);
}

Test(model_broken, every_prefix)
{
    char part[sizeof text];
    int whole = 0;
    cap();
    for (size_t n = 0; n < sizeof text; n++) {
        memcpy(part, text, n);
        part[n] = 0;
        whole += try(part);
    }
    cr_expect(whole > 10 && whole < 400, "%d prefixes are networks", whole);
}

static uint32_t next(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

Test(model_broken, deletions)
{
    char part[sizeof text];
    uint32_t state = 1;
    int whole = 0;
    cap();
    for (int round = 0; round < 1500; round++) {
        const size_t at = next(&state) % (sizeof text - 1);
        size_t n = 1 + next(&state) % (round % 3 == 0 ? 1 : 30);
        n = n < sizeof text - 1 - at ? n : sizeof text - 1 - at;
        memcpy(part, text, at);
        memcpy(part + at, text + at + n, sizeof text - at - n);
        whole += try(part);
    }
    cr_expect(whole > 10 && whole < 1000, "%d are networks", whole);
}

Test(model_broken, exchanges)
{
    static const char letters[] = "()[]:,.=*+-/%@<>!\"' \n\t#abdefimnorstwx019\x01\xC3\xA4";
    char part[sizeof text];
    uint32_t state = 2;
    int whole = 0;
    cap();
    for (int round = 0; round < 1500; round++) {
        memcpy(part, text, sizeof text);
        for (uint32_t i = next(&state) % 3; i < 3; i++)
            part[next(&state) % (sizeof text - 1)] = letters[next(&state) % (sizeof letters - 1)];
        whole += try(part);
    }
    cr_expect(whole > 10 && whole < 1000, "%d are networks", whole);
}

/* Lines that are gone or stand twice or somewhere else. */
Test(model_broken, lines)
{
    char part[2 * sizeof text];
    const char *line[64];
    int lines = 0, whole = 0;
    uint32_t state = 3;
    cap();
    for (const char *at = text; *at; at = strchr(at, '\n') + 1)
        line[lines++] = at;
    for (int round = 0; round < 600; round++) {
        char *to = part;
        const int odd = (int)(next(&state) % (uint32_t)lines), kind = round % 3;
        for (int i = 0; i < lines; i++) {
            const int taken = kind == 2 && i == odd ? (int)(next(&state) % (uint32_t)lines) : i;
            const size_t n = (size_t)(strchr(line[taken], '\n') + 1 - line[taken]);
            for (int k = 0; k < (i == odd ? (kind == 0 ? 0 : kind == 1 ? 2 : 1) : 1); k++, to += n)
                memcpy(to, line[taken], n);
        }
        *to = 0;
        whole += try(part);
    }
    cr_expect(whole > 10 && whole < 600, "%d are networks", whole);
}

Test(model_broken, deep_and_long)
{
    enum { N = 200000 };
    static const struct {
        const char *before, *again, *after;
    } rows[] = {
        { "model M():\n    x = ", "(", "" },
        { "model M():\n    x = ", "[", "" },
        { "model M():\n    x = ", "-", "1\n" },
        { "model M():\n    x = ", "not ", "1\n" },
        { "model M():\n    x = 1", " + 1", "\n    forward(x): return x\n" },
        { "model M():\n    x = 1", " ** 1", "\n" },
        { "model M():\n    x = 1", " if 1 else 1", "\n" },
        { "model M():\n    x = ", "[i for i in ", "" },
        { "model M():\n    x = ", "f(", "" },
        { "model M():\n    x = a", ".a", "\n" },
        { "model M():\n    x = a", "[0]", "\n" },
        { "model M():\n    x = a", "()", "\n" },
        { "model M():\n", "    if 1:\n", "" },
        { "model M():\n    if 1: pass\n", "    elif 1: pass\n", "    forward(x): return x\n" },
        { "model M():\n    if 0: pass\n", "    elif 0: pass\n", "    forward(x): return x\n" },
        { "model M():\n    x = (1", " # comment\n", ")\n    forward(x): return x\n" },
        { "model M():\n    ", "a", " = 1\n    forward(x): return x\n" },
        { "model M():\n", "    x = 1\n", "    forward(x): return x\n" },
        { "", "\n", "model M(): pass\n" },
        { "model M():\n    forward(x): return x", " + x", "\n" },
        { "model M():\n    forward(x):\n", "        x = x + 1\n", "        return x\n" },
        { "model M():\n    x = '", "a", "'\n    y = ReLU(x)\n" },
        { "model M():\n    x = [", "1,", "]\n    y = ReLU(x)\n" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const size_t n = strlen(rows[i].again);
        char *all = malloc(strlen(rows[i].before) + N * n + strlen(rows[i].after) + 1), *to = all;
        cr_assert(all);
        to += sprintf(to, "%s", rows[i].before);
        for (int k = 0; k < N; k++, to += n)
            memcpy(to, rows[i].again, n);
        strcpy(to, rows[i].after);
        HONE_SCOPE();
        hone_module *m = hone_model_parse(all, "net.hone", NULL);
        cr_expect(m || (hone_error_code() != HONE_OK && hone_error_code() != HONE_E_INTERNAL));
        hone_module_free(m);
        hone_error_clear();
        free(all);
    }
}

static bool build_once(void)
{
    HONE_SCOPE();
    hone_module *m = hone_model_parse(text, "net.hone", "n=3, widths=(1, 2)");
    const bool ok = m && hone_forward(m, hone_ones(HONE_F32, 2, 1, 4, 4));
    hone_module_free(m);
    return ok;
}

Test(model_broken, every_allocation_fails_once)
{
    test_each_allocation_fails(build_once);
}
