/* Descriptions: what each construct of the language means. */
#include "support.h"

#include <hone/hone.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

SUITE(model_language);

static hone_module *model(const char *text)
{
    hone_module *m = hone_model_parse(text, "test", NULL);
    cr_assert(m, "%s\n%s", hone_error_message(), text);
    return m;
}

/* The output of a network without parameters of its own for x; the network is freed. */
static hone_tensor *output(const char *text, hone_tensor *x)
{
    hone_module *m = model(text);
    hone_tensor *y = hone_forward(m, x);
    cr_assert(y, "%s\n%s", hone_error_message(), text);
    hone_module_free(m);
    return y;
}

Test(model_language, what_is_known_while_it_is_built)
{
    static const struct {
        const char *text;
        double value;
    } rows[] = {
        { "1 + 2 * 3", 7 },
        { "(1 + 2) * 3", 9 },
        { "7 - 2 - 1", 4 },
        { "7 // 2", 3 },
        { "-7 // 2", -4 },
        { "-7 % 3", 2 },
        { "7 % -3", -2 },
        { "7.5 % 2", 1.5 },
        { "-7.5 // 2", -4 },
        { "7 / 2", 3.5 },
        { "2 ** 10", 1024 },
        { "-2 ** 2", -4 },
        { "2 ** 3 ** 2", 512 },
        { "2 ** -1", 0.5 },
        { "4 ** 0.5", 2 },
        { "4 ** 1.5", 8 },
        { "4 ** -0.5", 0.5 },
        { "1e-3 * 1000", 1 },
        { ".5 + 1.", 1.5 },
        { "1 if 2 > 1 else 0", 1 },
        { "5 if None else 6", 6 },
        { "5 if '' else 6", 6 },
        { "5 if [0] else 6", 5 },
        { "3 and 4", 4 },
        { "0 and 4", 0 },
        { "0 or 5", 5 },
        { "2 or 5", 2 },
        { "1 if not 0 and not False else 2", 1 },
        { "1 if 1 < 2 and 2 <= 2 and 3 >= 3 and 1.5 < 2 and 1 != 2 else 0", 1 },
        { "1 if 1 == 1.0 else 0", 1 },
        { "1 if 'a' == \"a\" else 0", 1 },
        { "1 if 'a' == 1 else 0", 0 },
        { "1 if [1, 'b'] == [1, 'b'] else 0", 1 },
        { "1 if [1] == [1, 2] else 0", 0 },
        { "1 if None is None else 0", 1 },
        { "1 if 3 is not None else 0", 1 },
        { "1 if ReLU == ReLU and ReLU != GELU else 0", 1 },
        { "len([1, 2, 3])", 3 },
        { "len(())", 0 },
        { "len([0] * 4 + [1])", 5 },
        { "([1, 2] + [3])[-1]", 3 },
        { "[i * i for i in range(5) if i % 2 == 1][1]", 9 },
        { "[a + b for a, b in [(1, 2), (3, 4)]][1]", 7 },
        { "[[j for j in range(i)] for i in range(4)][3][2]", 2 },
        { "enumerate(['a', 'b'])[1][0]", 1 },
        { "range(10, 0, -3)[3]", 1 },
        { "len(range(10, 0, -3))", 4 },
        { "len(range(2, 2))", 0 },
        { "range(2, 9, 3)[2]", 8 },
        { "min(3, 1, 2)", 1 },
        { "max(1.5, 2)", 2 },
        { "int(3.7) + int(-3.7)", 0 },
        { "float(3) / 2", 1.5 },
        { "sqrt(16)", 4 },
        { "(  # a comment in brackets\n   1 +\n\n  2)", 3 },
        { "9007199254740993 - 9007199254740992", 1 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[300];
        snprintf(text, sizeof text, "model M():\n    v = %s\n    forward(x): return x * v\n",
                 rows[i].text);
        const double got = hone_item(output(text, hone_scalar(HONE_F64, 1)));
        cr_expect(got == rows[i].value, "%s is %g, not %g", rows[i].text, got, rows[i].value);
    }
}

Test(model_language, statements)
{
    hone_tensor *one = hone_scalar(HONE_F64, 1);
    /* loops, conditions, assignments in place, all of them while the network is built */
    CHECK_VALUE0(output("model M():\n"
                        "    sum = 0\n"
                        "    for i in range(10):\n"
                        "        if i == 3: sum += 100\n"
                        "        elif i % 2 == 0:\n"
                        "            sum -= 1\n"
                        "            sum *= 1\n"
                        "        else: pass\n"
                        "    sum /= 5\n"
                        "    a, b = sum, 2\n"
                        "    assert a == 19, 'a is wrong'\n"
                        "    forward(x):\n"
                        "        return x * a * b\n",
                        one),
                 HONE_F64, 38);
    /* and in a forward, where tensors are among the values */
    CHECK_VALUE0(output("model M():\n"
                        "    forward(x):\n"
                        "        y = [x + i for i in range(4)]\n"
                        "        sum = 0 * x\n"
                        "        for t in y:\n"
                        "            sum += t\n"
                        "        a, b = y[0], y[3]\n"
                        "        if len(y) > 3:\n"
                        "            sum = sum * b - a\n"
                        "            return sum\n"
                        "        return x\n",
                        one),
                 HONE_F64, 39);
    /* comments, empty lines, Windows' line ends, no last line end */
    CHECK_VALUE0(output("# first\n\n   # second\r\nmodel M():  # third\r\n\r\n    forward(x):\r\n"
                        "# not indented\n        return x  # last",
                        one),
                 HONE_F64, 1);
}

Test(model_language, arithmetic_of_tensors)
{
    hone_tensor *x = T(HONE_F64, (3), 1, 2, 4);
    static const struct {
        const char *text;
        double value[3];
    } rows[] = {
        { "x + x", { 2, 4, 8 } },
        { "x + 1", { 2, 3, 5 } },
        { "1 + x", { 2, 3, 5 } },
        { "x - 1", { 0, 1, 3 } },
        { "1 - x", { 0, -1, -3 } },
        { "x * x", { 1, 4, 16 } },
        { "2 * x", { 2, 4, 8 } },
        { "x / 2", { 0.5, 1, 2 } },
        { "2 / x", { 2, 1, 0.5 } },
        { "x / x", { 1, 1, 1 } },
        { "x ** 2", { 1, 4, 16 } },
        { "x ** x", { 1, 4, 256 } },
        { "-x", { -1, -2, -4 } },
        { "+x", { 1, 2, 4 } },
        { "x * (x > 1)", { 0, 2, 4 } },
        { "x * (2 > x)", { 1, 0, 0 } },
        { "x * (x == 2)", { 0, 2, 0 } },
        { "x * (x != x)", { 0, 0, 0 } },
        { "x * (x <= 2)", { 1, 2, 0 } },
        { "x * (2 <= x)", { 0, 2, 4 } },
        { "x * x.size(0)", { 3, 6, 12 } },
        { "x + x.size(-1) // 2", { 2, 3, 5 } },
        { "x * (x.size(0) % 2 + 2 * x.size(0) - 6)", { 1, 2, 4 } },
        { "x * -x.size(0)", { -3, -6, -12 } },
        { "maximum(x, 2)", { 2, 2, 4 } },
        { "maximum(x, 3 - x)", { 2, 2, 4 } },
        { "relu(x - 2)", { 0, 0, 2 } },
        { "(x - 2).relu()", { 0, 0, 2 } },
        { "x.clamp(min=2).sqrt() * 0 + x", { 1, 2, 4 } },
        { "x + sum(x)", { 8, 9, 11 } },
        { "x + x.max(dim=0)", { 5, 6, 8 } },
        { "x + mean(x, 0)", { 1 + 7. / 3, 2 + 7. / 3, 4 + 7. / 3 } },
        { "x + x.sum(dim=(0,), keepdim=True)", { 8, 9, 11 } },
        { "cat([x, x], dim=0)[3:]", { 1, 2, 4 } },
        { "cat(x, x, x)[3:-3]", { 1, 2, 4 } },
        { "x[0] + x[-1] + x * 0", { 5, 5, 5 } },
        { "x[:]", { 1, 2, 4 } },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[200];
        snprintf(text, sizeof text, "model M():\n    forward(x): return %s\n", rows[i].text);
        hone_tensor *y = output(text, x);
        test_check(y, 1e-15, 0,
                   T(HONE_F64, (3), rows[i].value[0], rows[i].value[1], rows[i].value[2]),
                   rows[i].text, 0);
    }
}

Test(model_language, shapes_and_ops)
{
    hone_tensor *x = hone_reshape(hone_arange(HONE_F64, 0, 24, 1), 2, 3, 4);
    hone_tensor *y = output("model M():\n"
                            "    heads = 2\n"
                            "    forward(x):\n"
                            "        n, t = x.size(0), x.size(1)\n"
                            "        y = x.reshape(n, t, heads, x.size(2) // heads)\n"
                            "        y = y.transpose(1, 2)\n"
                            "        y = permute(y, 0, 2, 1, 3).reshape(n * t, -1)\n"
                            "        return reshape(y, [n, t, -1])\n",
                            x);
    cr_expect(test_same_bits(x, y));
    CHECK_VALUES(output("model M():\n    forward(x): return x[1, 1:, -1]\n", x), HONE_F64, (2), 19,
                 23);
    CHECK_VALUES(output("model M():\n    forward(x): return x[:, 0, 1:3]\n", x), HONE_F64, (2, 2),
                 1, 2, 13, 14);
    CHECK_VALUES(output("model M():\n    forward(x): return flatten(x, 1)[:, 11]\n", x), HONE_F64,
                 (2), 11, 23);
    CHECK_VALUES(output("model M():\n    forward(x): return flatten(x)[22:]\n", x), HONE_F64, (2),
                 22, 23);
    CHECK_VALUES(
        output("model M():\n    forward(x): return einsum('n t i, n t i -> n', x, x * 0 + 1)\n", x),
        HONE_F64, (2), 66, 210);
    CHECK_VALUES(output("model M():\n    forward(x): return x.mean([1, 2])\n", x), HONE_F64, (2),
                 5.5, 17.5);
    CHECK_VALUES(output("model M():\n    forward(x): return x[0, :2, :2] @ x[0, :2, :2].T\n", x),
                 HONE_F64, (2, 2), 1, 5, 5, 41);
    CHECK_VALUES(output("model M():\n    forward(x): return arange(x.size(1)) * 2\n", x), HONE_I64,
                 (3), 0, 2, 4);
    /* several results */
    CHECK_VALUES(output("model M():\n"
                        "    forward(x):\n"
                        "        a, b = split(x, 2, dim=2)\n"
                        "        return (a * b)[:, 0, 0]\n",
                        x),
                 HONE_F64, (2), 0, 12 * 14);
    CHECK_VALUES(output("model M():\n"
                        "    forward(x):\n"
                        "        top, at = topk(x, 1, dim=2)\n"
                        "        return top[:, 0, 0] + at[:, 0, 0]\n",
                        x),
                 HONE_F64, (2), 6, 18);
    /* optional inputs: absent, by place and by name */
    CHECK_VALUES(output("model M():\n"
                        "    forward(x):\n"
                        "        w = x[0, :2].T * 0 + 1\n"
                        "        a = linear(x[0], w, None) - linear(x[0], w)\n"
                        "        return a + linear(x[0, :, 1:], w[1:], bias=x[0, 0, :2])\n",
                        x),
                 HONE_F64, (3, 2), 6, 7, 18, 19, 30, 31);
}

/* ---- what becomes of a body's names */

static void check_names(hone_module *m, const char *const *names, int n)
{
    const hone_named_list all = hone_named_state(m);
    cr_expect(all.n == n, "%d names, not %d", all.n, n);
    for (int i = 0; i < all.n && i < n; i++)
        cr_expect_str_eq(all.at[i].name, names[i]);
}
#define CHECK_NAMES(m, ...)                                                                        \
    check_names(m, (const char *const[]){ __VA_ARGS__ },                                           \
                (int)(sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *)))

Test(model_language, members_and_their_order)
{
    hone_module *m = model("model Inner(width, norm=True, bias=False):\n"
                           "    scale = Parameter(full(width, value=3))\n"
                           "    shift = Buffer(ones(width))\n"
                           "    if norm: norm = LayerNorm(width, bias=False)\n"
                           "    forward(x): return x * scale + shift\n"
                           "model M(width=4):\n"
                           "    layers = [Inner(width), ReLU()]\n"
                           "    last = Linear(width, 2, bias=False)\n"
                           "    layers += [last]\n"
                           "    net = Sequential(layers)\n"
                           "    blocks = [Inner(width, norm=False) for i in range(2)]\n"
                           "    for loose in blocks: pass\n"
                           "    apart = ModuleList([Inner(1, bias=True)], Identity())\n"
                           "    number, names = 3, ['a']\n"
                           "    forward(x): return net(blocks[1](x))\n");
    CHECK_NAMES(m, "last.weight", "net.0.scale", "net.0.shift", "net.0.norm.weight", "net.2.weight",
                "blocks.0.scale", "blocks.0.shift", "blocks.1.scale", "blocks.1.shift",
                "apart.0.scale", "apart.0.shift", "apart.0.norm.weight");
    cr_expect_eq(hone_parameters(m).n, 7);
    cr_expect_eq(hone_parameter_count(m), 8 + 4 + 4 + 4 + 4 + 1 + 1);
    char text[1000];
    hone_sprint_module(text, sizeof text, m);
    cr_expect_str_eq(
        text,
        "M(\n"
        "  (last): Linear(in_features=4, out_features=2, bias=False)\n"
        "  (net): Sequential(\n"
        "    (0): Inner(\n"
        "      (norm): LayerNorm((4,), eps=1e-05, elementwise_affine=True, bias=False)\n"
        "    )\n"
        "    (1): ReLU()\n"
        "    (2): Linear(in_features=4, out_features=2, bias=False)\n"
        "  )\n"
        "  (blocks): ModuleList(\n"
        "    (0): Inner()\n"
        "    (1): Inner()\n"
        "  )\n"
        "  (apart): ModuleList(\n"
        "    (0): Inner(\n"
        "      (norm): LayerNorm((1,), eps=1e-05, elementwise_affine=True, bias=False)\n"
        "    )\n"
        "    (1): Identity()\n"
        "  )\n"
        ")",
        "%s", text);
    hone_tensor *y = hone_forward(m, hone_ones(HONE_F32, 3, 4));
    cr_assert(y, "%s", hone_error_message());
    cr_expect(hone_size(y, 0) == 3 && hone_size(y, 1) == 2);
    CHECK_OK(hone_backward(hone_sum(y)));
    cr_expect(hone_grad(hone_named_find(hone_named_parameters(m), "blocks.1.scale")) != NULL);
    hone_module_free(m);
}

Test(model_language, members_of_layers)
{
    hone_module *m =
        model("model M():\n"
              "    net = Sequential(Linear(2, 3), ReLU(), Linear(3, 2, bias=False))\n"
              "    w = net[0].weight\n" /* the parameter has two names */
              "    ones_(w)\n"
              "    constant_(net[0].bias, 2)\n"
              "    zeros_(net[2].weight)\n"
              "    bias = Parameter(zeros(2))\n"
              "    n = 0\n"
              "    for m in modules():\n"
              "        if isinstance(m, Linear) and m.bias is not None: n += 1\n"
              "    assert n == 1\n"
              "    assert len(net) == 3\n"
              "    forward(x):\n"
              "        for layer in net: x = layer(x)\n"
              "        return x + linear(x, net[2].weight.T @ w.T, net[0].bias[1:]) + bias\n");
    CHECK_NAMES(m, "net.0.weight", "net.0.bias", "net.2.weight", "w", "bias");
    cr_expect_eq(hone_parameters(m).n, 4);
    hone_module_free(m);
}

Test(model_language, one_layer_used_twice_and_one_weight_in_two_places)
{
    hone_module *m = model("model Head(in, out):\n"
                           "    weight = Parameter(zeros(out, in))\n"
                           "    forward(x): return x @ weight.T\n"
                           "model M():\n"
                           "    table = Embedding(5, 3)\n"
                           "    normal_(table.weight, std=0.5)\n"
                           "    block = Sequential(Linear(3, 3), Tanh())\n"
                           "    again = block\n"
                           "    head = Head(3, 5)\n"
                           "    head.weight = table.weight\n"
                           "    forward(i):\n"
                           "        x = table(i)\n"
                           "        for k in range(3): x = block(x)\n"
                           "        return head(again(x))\n");
    CHECK_NAMES(m, "table.weight", "block.0.weight", "block.0.bias", "again.0.weight",
                "again.0.bias", "head.weight");
    cr_expect_eq(hone_parameters(m).n, 3);
    const hone_named_list all = hone_named_state(m);
    cr_expect_eq(hone_named_find(all, "table.weight"), hone_named_find(all, "head.weight"));
    /* the same by hand */
    hone_tensor *table = hone_named_find(all, "table.weight");
    hone_tensor *w = hone_named_find(all, "block.0.weight"),
                *b = hone_named_find(all, "block.0.bias");
    hone_tensor *i = T(HONE_I64, (2), 4, 1), *x = hone_embedding(i, table, HONE_NO_PADDING);
    for (int k = 0; k < 4; k++)
        x = hone_tanh(hone_linear(x, w, b));
    cr_expect(test_same_bits(hone_forward(m, i), hone_matmul(x, hone_transpose(table, 0, 1))));
    hone_module_free(m);
}

Test(model_language, models_and_layers_as_arguments)
{
    hone_module *m = hone_model_parse("model Block(width, act=ReLU):\n"
                                      "    net = Sequential(Linear(width, width), act())\n"
                                      "    forward(x): return net(x)\n"
                                      "model Wrap(inner):\n"
                                      "    inner = inner\n"
                                      "    forward(x): return inner(x)\n"
                                      "model M(block, sizes=(2, 2), **_):\n"
                                      "    forward(x): return x\n",
                                      "test", NULL);
    CHECK_FAILS(m, HONE_E_VALUE, "test:7:30: a parameter's name is wanted here, not \"**\"");
    m = hone_model_parse("model Block(width, act=ReLU):\n"
                         "    net = Sequential(Linear(width, width), act())\n"
                         "    forward(x): return net(x)\n"
                         "model Wrap(inner):\n"
                         "    inner = inner\n"
                         "    forward(x): return inner(x)\n"
                         "model M(block, sizes=(2, 2), act=GELU, dropout=None, note='-'):\n"
                         "    blocks = [Wrap(block(n, act=act)) for n in sizes]\n"
                         "    if dropout is not None: drop = Dropout(dropout)\n"
                         "    forward(x):\n"
                         "        for b in blocks: x = b(x)\n"
                         "        if dropout is not None: x = drop(x)\n"
                         "        return x\n",
                         "test", "Block, sizes=[3, 3, 3],\n act=Tanh, dropout=0.25, note='a, b'");
    cr_assert(m, "%s", hone_error_message());
    CHECK_NAMES(m, "blocks.0.inner.net.0.weight", "blocks.0.inner.net.0.bias",
                "blocks.1.inner.net.0.weight", "blocks.1.inner.net.0.bias",
                "blocks.2.inner.net.0.weight", "blocks.2.inner.net.0.bias");
    char text[2000];
    hone_sprint_module(text, sizeof text, m);
    cr_expect(strstr(text, "Tanh()") && strstr(text, "Dropout(p=0.25"));
    hone_module_free(m);
}

Test(model_language, training_and_evaluation_are_two_programs)
{
    hone_module *m = model("model M():\n"
                           "    drop = Dropout(0.5)\n"
                           "    forward(x):\n"
                           "        if training:\n"
                           "            scale = 2\n"
                           "        else:\n"
                           "            scale = 3\n"
                           "        return x * scale + dropout(x, p=0.5, training=training) * 0\n");
    hone_tensor *one = hone_ones(HONE_F32, 2);
    CHECK_VALUES(hone_forward(m, one), HONE_F32, (2), 2, 2);
    hone_module_train(m, false);
    CHECK_VALUES(hone_forward(m, one), HONE_F32, (2), 3, 3);
    hone_module_train(m, true);
    CHECK_VALUES(hone_forward(m, one), HONE_F32, (2), 2, 2);
    hone_module_free(m);
}

Test(model_language, several_inputs_and_what_a_forward_may_return)
{
    hone_module *m = model("model Add():\n"
                           "    forward(a, b): return a + b\n"
                           "model M():\n"
                           "    add = Add()\n"
                           "    w = Parameter(ones(1))\n"
                           "    forward(a, b, c): return add(add(a, b), c)\n");
    CHECK_VALUE0(hone_forward(m, hone_scalar(HONE_F64, 1), hone_scalar(HONE_F64, 2),
                              hone_scalar(HONE_F64, 4)),
                 HONE_F64, 7);
    CHECK_FAILS(hone_forward(m, hone_scalar(HONE_F64, 1)), HONE_E_VALUE, "M: ");
    hone_module_free(m);
    hone_tensor *x = hone_ones(HONE_F32, 1);
    cr_expect_eq(output("model M():\n    forward(x): return x\n", x), x);
    m = model("model M():\n    w = Parameter(ones(1))\n    forward(x): return w\n");
    cr_expect_eq(hone_forward(m, x), hone_named_parameters(m).at[0].tensor);
    hone_module_free(m);
    m = model("model M():\n    w = Parameter(ones(1))\n"); /* no forward: a part of something */
    CHECK_FAILS(hone_forward(m, x), HONE_E_STATE, "M has no forward");
    hone_module_free(m);
}

Test(model_language, own_tensors)
{
    hone_seed(7);
    hone_module *m = model("model M(n=50):\n"
                           "    a = Parameter(normal(n, n, std=0.5, mean=2))\n"
                           "    b = Parameter(uniform([n, n], low=-3, high=-2))\n"
                           "    c = Buffer(full(2, 3, value=0.5))\n"
                           "    d = Buffer(ones(2))\n"
                           "    e = Parameter(zeros(()))\n"
                           "    f = Parameter(zeros(n, 2, 5))\n"
                           "    uniform_(d, 1, 1)\n"
                           "    kaiming_normal_(f, mode='fan_out', nonlinearity='relu')\n"
                           "    forward(x): return x\n");
    const hone_named_list all = hone_named_state(m);
    cr_assert_eq(all.n, 6);
    hone_tensor *a = all.at[0].tensor, *b = all.at[1].tensor;
    const double mean = hone_item(hone_mean(a)), std = hone_item(hone_std(a, 1));
    cr_expect(mean > 1.95 && mean < 2.05 && std > 0.47 && std < 0.53, "%g %g", mean, std);
    cr_expect(hone_item(hone_min(b)) >= -3 && hone_item(hone_max(b)) < -2);
    CHECK_VALUES(all.at[2].tensor, HONE_F32, (2, 3), .5, .5, .5, .5, .5, .5);
    CHECK_VALUES(all.at[3].tensor, HONE_F32, (2), 1, 1);
    CHECK_VALUE0(all.at[4].tensor, HONE_F32, 0);
    const double he = hone_item(hone_std(all.at[5].tensor, 1)),
                 want = 0.0894; /* sqrt(2 / (50 5)) */
    cr_expect(he > 0.9 * want && he < 1.1 * want, "%g", he);
    cr_expect_eq(hone_parameters(m).n, 4);
    hone_module_free(m);
}

/* ---- as modules */

Test(model_language, states_are_saved_and_loaded)
{
    static const char *const text = "model M():\n"
                                    "    fc = Linear(3, 4)\n"
                                    "    bn = BatchNorm1d(4)\n"
                                    "    scale = Parameter(uniform(4))\n"
                                    "    forward(x): return bn(fc(x)) * scale\n";
    hone_module *a = model(text), *b = model(text);
    hone_tensor *x = hone_randn(HONE_F32, 5, 3);
    char path[] = "/tmp/hone_model_XXXXXX";
    cr_assert(mkstemp(path) >= 0);
    hone_forward(a, x); /* its statistics have moved */
    CHECK_OK(hone_save_state(a, path));
    CHECK_OK(hone_load_state(b, path));
    remove(path);
    hone_module_train(a, false);
    hone_module_train(b, false);
    cr_expect(test_same_bits(hone_forward(a, x), hone_forward(b, x)));
    hone_module_free(a);
    hone_module_free(b);
}

/* Nothing of what a forward computes lives longer than it has to. */
Test(model_language, tensors_die_when_they_were_read)
{
    hone_module *m = model("model M():\n"
                           "    forward(x):\n"
                           "        for i in range(100): x = relu(x + 1)\n"
                           "        return x\n");
    hone_tensor *x = hone_ones(HONE_F32, 1000, 1000);
    HONE_NO_GRAD();
    hone_memory before, after;
    hone_module_train(m, false);
    hone_memory_stats(&before);
    hone_tensor *y = hone_forward(m, x);
    hone_memory_stats(&after);
    cr_expect_eq(hone_item(hone_max(y)), 101);
    cr_expect(after.peak_bytes - before.in_use_bytes <= 4 * 4000000, "%lld",
              (long long)after.peak_bytes);
    hone_module_free(m);
}

typedef struct {
    hone_module *m;
    hone_tensor *x, *y;
    bool same;
} evaluation;

static void *evaluate(void *user)
{
    evaluation *e = user;
    HONE_SCOPE();
    HONE_NO_GRAD();
    e->same = true;
    for (int i = 0; i < 50 && e->same; i++) {
        HONE_SCOPE();
        e->same = test_same_bits(hone_forward(e->m, e->x), e->y);
    }
    return NULL;
}

Test(model_language, threads_evaluate_one_network)
{
    hone_module *m = hone_model_named("lenet", NULL);
    cr_assert(m, "%s", hone_error_message());
    hone_tensor *x = hone_randn(HONE_F32, 2, 1, 28, 28);
    hone_module_train(m, false);
    HONE_NO_GRAD();
    hone_tensor *y = hone_forward(m, x);
    evaluation all[4];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        all[i] = (evaluation){ m, x, y, false };
        cr_assert_eq(pthread_create(&threads[i], NULL, evaluate, &all[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        cr_expect(all[i].same);
    }
    hone_module_free(m);
}
