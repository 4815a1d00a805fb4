/* Descriptions that are wrong: what the message says, and where. */
#include "support.h"

#include <hone/hone.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

SUITE(model_errors);

typedef struct {
    const char *text, *message; /* the message begins so */
} wrong;

#define LINE(text)   "model M():\n    " text "\n    forward(x): return x\n"
#define RETURN(text) "model M():\n    fc = Linear(2, 2)\n    forward(x): return " text "\n"
#define END          "\n    forward(x): return x\n"

static const wrong rows[] = {
    /* letters, lines, brackets */
    { "", "t:1:1: \"model\" is wanted here, not the end of the text\n    \n    ^" },
    { "# nothing\n\n", "t:3:1: \"model\" is wanted here, not the end of the text" },
    { "modle M():\n", "t:1:1: \"model\" is wanted here, not \"modle\"\n    modle M():\n    ^" },
    { "model model():\n", "t:1:7: a model's name is wanted here, not \"model\"" },
    { "model M:\n", "t:1:8: \"(\" is wanted here, not \":\"" },
    { "model M(a b):\n", "t:1:11: \",\" or \")\" is wanted here, not \"b\"" },
    { "model M(a, a):\n", "t:1:12: there is a parameter a already" },
    { "model M(1):\n", "t:1:9: a parameter's name is wanted here, not \"1\"" },
    { "model M()\n", "t:1:10: \":\" is wanted here, not the end of the line" },
    { "model M():\nx = 1\n", "t:2:1: an indented line is wanted here, not \"x\"" },
    { "model M():\n", "t:2:1: an indented line is wanted here, not the end of the text" },
    { "model M():\n    x = 1\n      y = 2\n",
      "t:3:7: a line that is indented as the one above is wanted here, not an indented line" },
    { "model M():\n    if 1:\n        x = 1\n      y = 2\n",
      "t:4:7: this line is indented as far as no line above it" },
    { "model M():\n\tx = 1\n", "t:2:1: a tab in the indentation: blanks are wanted" },
    { "model M(): pass\nmodel M(): pass\n", "t:2:7: there is a model M already" },
    { LINE("x = $"), "t:2:9: this character has no meaning here\n    x = $\n        ^" },
    { LINE("x = 'a"), "t:2:9: this text has no end on its line" },
    { LINE("x = 'a\\n'"), "t:2:11: texts have no backslashes" },
    { LINE("x = 3x"), "t:2:10: a letter in a number" },
    { LINE("x = 99999999999999999999"), "t:2:9: this number is too large" },
    { LINE("x = (1, 2"), "t:3:5: \",\" or \")\" is wanted here, not \"forward\"" },
    { LINE("x = [1, 2)"), "t:2:14: \",\" or \"]\" is wanted here, not \")\"" },
    { LINE("x = (1"), "t:3:5: \")\" is wanted here, not \"forward\"" },
    { LINE("x = "), "t:2:9: a value is wanted here, not the end of the line" },
    { LINE("x = 1 2"), "t:2:11: the end of the line is wanted here, not \"2\"" },
    { LINE("x = 1 +"), "t:2:12: a value is wanted here, not the end of the line" },
    { LINE("x = 1 if 2"), "t:2:15: \"else\" is wanted here, not the end of the line" },
    { LINE("x = 1 < 2 < 3"), "t:2:15: comparisons have two sides: a < b and b < c" },
    { LINE("x = [i for i on y]"), "t:2:18: \"in\" is wanted here, not \"on\"" },
    { LINE("x = [i for 3 in y]"), "t:2:16: the name of a variable is wanted here, not \"3\"" },
    { LINE("x.3 = 1"), "t:2:6: the end of the line is wanted here, not \".3\"" },
    { LINE("3 = x"), "t:2:5: a name is wanted on the left of \"=\"" },
    { LINE("x, y += 1"), "t:2:5: a name is wanted on the left of \"=\"" },
    { LINE("x.(1)"), "t:2:7: a name is wanted here, not \"(\"" },
    { "model M():\n    forward(): return 1\n", "t:2:5: forward takes one input or more" },
    { "model M():\n    forward(x=1): return x\n",
      "t:2:13: only a forward's last input may have a default, which is None, and not where it is "
      "the first" },
    { "model M():\n    forward(x): return x, x\n",
      "t:2:25: the end of the line is wanted here, not \",\"" },
    { "model M():\n    if 1: forward(x): return x\n",
      "t:2:21: the end of the line is wanted here, not \":\"" },
    /* names and values */
    { LINE("width = 3\n    x = widht"),
      "t:3:9: there is no widht here; did you mean width?\n    x = widht" },
    { LINE("x = zzz"), "t:2:9: there is no zzz here\n" },
    { LINE("x = training"), "t:2:9: `training` is known in a forward alone" },
    { LINE("training = 1"), "t:2:5: `training` can't be assigned" },
    { LINE("x = 1 + 'a'"), "t:2:11: a whole number + a text has no meaning" },
    { LINE("x = -'a'"), "t:2:9: - a text has no meaning" },
    { LINE("x = None < 3"), "t:2:14: None < a whole number has no meaning" },
    { LINE("x = [1] + 2"), "t:2:13: a list + a whole number has no meaning" },
    { LINE("x = [1] * 200000"), "t:2:13: a list of more than 100000 elements" },
    { LINE("x = range(200000)"), "t:2:9: a list of more than 100000 elements" },
    { LINE("x = 1 / 0"), "t:2:11: a division by zero" },
    { LINE("x = 1 // 0"), "t:2:11: a division by zero" },
    { LINE("x = 1.5 % 0"), "t:2:13: a division by zero" },
    { LINE("x = 9223372036854775807 + 1"), "t:2:29: a whole number beyond 64 bits" },
    { LINE("x = 2 ** 63"), "t:2:11: a whole number beyond 64 bits" },
    { LINE("x = int(1e30)"), "t:2:9: a whole number beyond 64 bits" },
    { LINE("x = 2 ** 0.3"), "t:2:11: the exponent is a whole number" },
    { LINE("x = sqrt(-1)"), "t:2:9: the square root of a negative number" },
    { LINE("x = sqrt('a')"), "t:2:14: a number is wanted here, not a text" },
    { LINE("x = [1, 2][2]"), "t:2:16: index 2 of 2 elements" },
    { LINE("x = [1, 2]['a']"), "t:2:16: an index is a whole number, not a text" },
    { LINE("x = [1, 2][0, 1]"), "t:2:16: a list takes one index" },
    { LINE("x = 3[0]"), "t:2:9: a whole number has no elements" },
    { LINE("x = (3).y"), "t:2:13: a whole number has no y" },
    { LINE("x = [*[1]]"), "t:2:11: a star stands in a call alone" },
    { LINE("a, b = 3"), "t:2:5: 2 names on the left, but a whole number on the right" },
    { LINE("a, b = 1, 2, 3"), "t:2:5: 2 names on the left, but a list on the right" },
    { LINE("for a, b in [1]: pass"), "t:2:9: 2 names for a whole number" },
    { LINE("for a in 3: pass"), "t:2:14: a list is wanted here, not a whole number" },
    { LINE("assert 1 > 2"), "t:2:5: this doesn't hold\n    assert 1 > 2\n    ^" },
    { LINE("assert False, 'no\\t'"), "t:2:22: texts have no backslashes" },
    { LINE("assert False, 'width is odd'"), "t:2:5: width is odd" },
    { LINE("assert False, 3"), "t:2:19: the message is a text" },
    { LINE("return 3"), "t:2:5: return stands in a forward" },
    { LINE("1 + 2"), "t:2:5: nothing is done with this value" },
    { LINE("Linear(1, 2)"), "t:2:5: nothing is done with this value" },
    /* functions of the language */
    { LINE("x = range()"), "t:2:9: range takes 1 to 3 arguments, not 0" },
    { LINE("x = range(1, n=2)"), "t:2:18: range takes nothing by name" },
    { LINE("x = range(1.5)"), "t:2:15: range takes whole numbers, not a number" },
    { LINE("x = range(1, 2, 0)"), "t:2:9: range by steps of 0" },
    { LINE("x = range(99999999999)"), "t:2:9: range beyond 32 bits" },
    { LINE("x = len(3)"), "t:2:13: a list is wanted here, not a whole number" },
    { LINE("x = len([1], [2])"), "t:2:9: len takes 1 argument, not 2" },
    { LINE("x = min(1, 'a')"), "t:2:16: a number is wanted here, not a text" },
    { LINE("x = isinstance(3, Linear)"), "t:2:9: isinstance takes a layer and a kind of layers" },
    { LINE("x = relu(3)"), "t:2:9: there is no function relu here; ops are called in a forward" },
    { LINE("x = len(1, *2)"), "t:2:17: a list is wanted here, not a whole number" },
    { LINE("x = min(a=1, 2)"), "t:2:18: arguments by place stand before those by name" },
    { LINE("x = Linear(1, 2, bias=True, bias=True)"), "t:2:33: bias is given twice" },
    /* layers */
    { LINE("x = Linaer(1, 2)"),
      "t:2:9: nn_layer: there is no layer Linaer (did you mean Linear?)\n    x = Linaer(1, 2)\n"
      "        ^" },
    { LINE("x = Linear(1)"), "t:2:9: Linear: " },
    { LINE("x = Linear(1, 2, padding=3)"), "t:2:9: Linear: " },
    { LINE("x = Linear(1, 'b')"), "t:2:9: Linear: " },
    { LINE("x = Linear(1, zeros(2))"), "t:2:19: a parameter can't be a layer's argument" },
    { LINE("x = Sequential(3)"), "t:2:20: Sequential takes layers, not a whole number" },
    { LINE("x = Sequential(ReLU)"),
      "t:2:20: Sequential takes layers, not a model that isn't made" },
    { LINE("x = Sequential([ReLU(), 1])"), "t:2:20: Sequential takes layers, not a whole number" },
    { LINE("x = ModuleList(a=ReLU())"), "t:2:20: ModuleList takes nothing by name" },
    { LINE("a = ReLU()\n    b = a(3)"), "t:3:9: a is a layer: a forward calls it" },
    { LINE("a = 3\n    b = a(3)"), "t:3:9: a is a whole number, which can't be called" },
    { LINE("b = [1](3)"), "t:2:9: this is a list, which can't be called" },
    { LINE("a = ReLU()\n    b = a.weight"), "t:3:11: ReLU has no weight" },
    { LINE("a = ReLU()\n    b = a[0]"), "t:3:9: ReLU is no list of layers" },
    { LINE("for a in ReLU(): pass"), "t:2:14: ReLU is no list of layers" },
    { LINE("a = [ReLU(), 3]"),
      "t:2:5: some of the list a are layers without a place, others are not" },
    { LINE("a = ReLU()\n    b = [a, Tanh()]"),
      "t:3:5: some of the list b are layers without a place, others are not" },
    /* parameters */
    { LINE("w = zeros(2)"), "t:2:5: a tensor of a model is a Parameter(...) or a Buffer(...)" },
    { LINE("w = Parameter(3)"), "t:2:19: Parameter takes a tensor: zeros(...)" },
    { LINE("w = Parameter()"), "t:2:9: Parameter takes a tensor: zeros(...)" },
    { LINE("w = Parameter(zeros(2.5))"), "t:2:25: an extent is a whole number, not a number" },
    { LINE("w = Parameter(zeros(1, 1, 1, 1, 1, 1, 1, 1, 1))"), "t:2:49: more than 8 extents" },
    { LINE("w = Parameter(zeros(-1))"), "t:2:19: full: " },
    { LINE("w = Parameter(zeros(4611686018427387904, 4))"), "t:2:19: full: " },
    { LINE("w = Parameter(zeros(2, std=3))"), "t:2:28: zeros has no argument std" },
    { LINE("w = Parameter(normal(2, std='a'))"), "t:2:29: std is a number, not a text" },
    { LINE("w = [Parameter(zeros(2))]"), "t:2:5: parameters in a list have no names" },
    { LINE("a = Linear(2, 2)\n    a.weight = 3"),
      "t:3:7: a parameter of a layer is wanted here, not a whole number" },
    { LINE("a = Linear(2, 2)\n    a.wait = a.bias"), "t:3:7: Linear has no parameter wait" },
    { LINE("a = Linear(2, 2)\n    a.bias = Parameter(zeros(3))"),
      "t:3:7: Linear.bias is f32 [2], but this is f32 [3]" },
    { LINE("a = Linear(2, 2)\n    b = Embedding(2, 2)\n    a.weight = b.weight"),
      "t:4:7: Linear.weight can't be this one: Linear's weight is [in, out] in memory" },
    { LINE("a = Linear(2, 2)\n    a.bias = Buffer(zeros(2))"),
      "t:3:7: Linear.bias can't be this one: one is learned, the other isn't" },
    { LINE("a = 3\n    a.b = 4"), "t:3:7: a whole number has no b" },
    { LINE("zeros_(3)"), "t:2:12: zeros_ takes a parameter first" },
    { LINE("zeros_()"), "t:2:5: zeros_ takes a parameter first" },
    { LINE("a = Linear(2, 2)\n    normal_(a.weight, sdt=3)"),
      "t:3:23: normal_ has no argument sdt" },
    { LINE("a = Linear(2, 2)\n    kaiming_normal_(a.weight, mode='in')"),
      "t:3:31: mode is \"fan_in\" or \"fan_out\"" },
    { LINE("a = Linear(2, 2)\n    kaiming_normal_(a.bias)"), "t:3:5: init_kaiming_normal_: " },
    { LINE("a = Linear(2, 2)\n    nothing_(a.bias)"), "t:3:5: there is no function nothing_ here" },
    /* models */
    { "model A(n): pass\nmodel M():\n    a = A()" END, "t:3:9: A needs n" },
    { "model A(n): pass\nmodel M():\n    a = A(1, 2)" END, "t:3:9: A takes 1 argument, not 2" },
    { "model A(n, m=2): pass\nmodel M():\n    a = A(1, k=2)" END,
      "t:3:14: A has no parameter k; it has n, m" },
    { "model A(n): pass\nmodel M():\n    a = A(1, n=2)" END, "t:3:14: n is given twice" },
    { "model A(n): pass\nmodel M():\n    a = A(zeros(3))" END,
      "t:3:11: a tensor of a model is a Parameter(...) or a Buffer(...)" },
    { "model M():\n    a = M()" END, "t:2:5: this goes too deep: does a model contain itself?" },
    { "model A():\n    b = B()\nmodel B():\n    a = A()\nmodel M():\n    a = A()" END,
      "t:2:5: this goes too deep" },
    { "model M():\n    for i in range(99999):\n        for j in range(99999): a = 1" END,
      "t:3:36: this network takes too long to build" },
    { "model M():\n    forward(x): return x\n    forward(y): return y\n",
      "t:3:5: M has a forward already" },
    /* forwards */
    { "model M():\n    forward(x): y = x\n", "t:2:5: this forward returns nothing" },
    { RETURN("3"), "t:3:17: a forward returns one tensor, not a whole number" },
    { RETURN("fc"), "t:3:17: a forward returns one tensor, not a layer" },
    { RETURN("x.size(0)"), "t:3:17: a forward returns one tensor, not a size" },
    { RETURN("[x]"), "t:3:17: a forward returns one tensor, not a list" },
    { RETURN("Linear(2, 2)(x)"), "t:3:24: Linear is made before the forward" },
    { RETURN("rleu(x)"), "t:3:24: there is no op or function rleu" },
    { RETURN("relu_backward_(x)"), "t:3:24: there is no op or function relu_backward_" },
    { RETURN("add_(x, x)"), "t:3:24: add_ works in place, which a description can't" },
    { RETURN("relu(x, x)"), "t:3:32: relu takes no more: relu(x) -> out" },
    { RETURN("relu(x, 3)"), "t:3:32: relu takes no more: relu(x) -> out" },
    { RETURN("relu()"), "t:3:24: relu: 0 tensors were given, 1 is wanted" },
    { RETURN("softmax(x)"), "t:3:24: softmax: attribute dim is missing" },
    { RETURN("softmax(x, axis=1)"),
      "t:3:24: softmax: it has no attribute \"axis\"; it has dim: int" },
    { RETURN("softmax(x, dim=0.5)"),
      "t:3:24: softmax: attribute dim is \"0.5\", but a whole number is wanted" },
    { RETURN("softmax(x, dim=x)"), "t:3:35: softmax: a tensor is no attribute" },
    { RETURN("softmax(x, dim=fc)"), "t:3:35: softmax: a layer is no attribute" },
    { RETURN("reshape(x, [[1], [2]])"), "t:3:35: a list in a list is no attribute" },
    { RETURN("linear(x, x, weight=x)"), "t:3:37: weight is given twice" },
    { RETURN("fc(3)"), "t:3:27: a tensor is wanted here, not a whole number" },
    { RETURN("fc(input=x)"), "t:3:27: a layer's inputs have no names" },
    { RETURN("x + 'a'"), "t:3:26: a tensor + a text has no meaning" },
    { RETURN("2 ** x"), "t:3:26: a number ** a tensor has no meaning" },
    { RETURN("x // 2"), "t:3:26: a tensor // a whole number has no meaning" },
    { RETURN("x @ 2"), "t:3:26: a tensor @ a whole number has no meaning" },
    { RETURN("x * (x.size(0) / 2)"), "t:3:39: sizes have +, -, *, // and %, not /" },
    { RETURN("x * (x.size(0) + 0.5)"), "t:3:39: a whole number is wanted here, not a number" },
    { RETURN("x.size()"), "t:3:26: size takes a tensor and one dim: x.size(0)" },
    { RETURN("x.size(0.5)"), "t:3:31: a whole number is wanted here, not a number" },
    { RETURN("split(x)"), "t:3:24: split is called as a, b = split(x, size, dim=1)" },
    { RETURN("split(x, 2, 1, 3)"), "t:3:24: split is called as a, b = split(x, size, dim=1)" },
    { RETURN("arange(end=1, n=2)"), "t:3:24: arange is called as arange(x.size(1))" },
    { RETURN("x.w"), "t:3:26: a tensor has no w" },
    { RETURN("x if x else 0"), "t:3:29: a tensor is known only when the network runs" },
    { RETURN("x if x.size(0) > 2 else 0"), "t:3:39: sizes have +, -, *, // and %, not >" },
    { RETURN("x if not x.size(0) else 0"), "t:3:29: a size is known only when the network runs" },
    { "model M():\n    fc = Linear(2, 2)\n    forward(x):\n        fc = x\n        return x\n",
      "t:4:9: fc is a layer of M: the forward needs another name" },
    { "model M():\n    w = Parameter(zeros(2))\n    forward(w): return w\n",
      "t:3:13: w is a parameter of M: the forward needs another name" },
    { "model M():\n    fc = Linear(2, 2)\n    forward(x):\n        fc.weight = x\n",
      "t:4:12: a forward assigns to names alone" },
    { "model M():\n    forward(x):\n        relu(x)\n", "t:3:9: nothing is done with this value" },
    { "model M():\n    forward(x):\n        a, b = relu(x)\n",
      "t:3:16: relu gives 1 tensor, but there are 2 names" },
    { "model M():\n    forward(x):\n        a, b, c = topk(x, 1)\n",
      "t:3:19: topk gives 2 tensors, but there are 3 names" },
    { "model A(f):\n    forward(x): return f(x)\nmodel M():\n    a = A(ReLU())" END,
      "t:2:24: f was given to A: it becomes a part of it by a line f = f before the forward" },
};

Test(model_errors, messages)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        hone_module *m = hone_model_parse(rows[i].text, "t", NULL);
        const char *message = hone_error_message();
        cr_expect(!m && (hone_error_code() == HONE_E_VALUE || hone_error_code() == HONE_E_SHAPE),
                  "%s\n%s: %s", rows[i].text, m ? "was taken" : hone_status_name(hone_error_code()),
                  message);
        cr_expect(strncmp(message, rows[i].message, strlen(rows[i].message)) == 0,
                  "%s\ngives  %s\nnot    %s", rows[i].text, message, rows[i].message);
        hone_module_free(m);
        hone_error_clear();
    }
}

Test(model_errors, long_lines_are_shown_around_the_place)
{
    char text[1000] = "model M():\n    x = 1";
    for (int i = 0; i < 90; i++)
        strcat(text, " + 1");
    strcat(text, " + ä + 1 + 1 + 1\n");
    CHECK_FAILS(hone_model_parse(text, "t", NULL), HONE_E_VALUE,
                "t:2:373: this character has no meaning here\n");
    hone_model_parse(text, "a name that is longer than most and still goes on and on and on", NULL);
    cr_expect(strstr(hone_error_message(), "still goes on and on and:2:373: this "), "%s",
              hone_error_message());
    hone_error_clear();
}

Test(model_errors, arguments)
{
    static const char *const text = "model M(n=2, m=3):\n"
                                    "    assert n > 1, 'n is more than 1'\n"
                                    "    forward(x): return x * n * m\n";
    static const struct {
        const char *arguments, *message;
    } wrongs[] = {
        { "k=3", "arguments:1:1: M has no parameter k; it has n, m" },
        { "n=1", "t:2:5: n is more than 1" },
        { "n=", "arguments:1:3: a value is wanted here, not the end of the text" },
        { "n=1 m=2", "arguments:1:5: \",\" is wanted here, not \"m\"" },
        { "n=1,,m=2", "arguments:1:5: a value is wanted here, not \",\"" },
        { "n=2, n=3", "arguments:1:6: n is given twice" },
        { "2, 3, 4", "t:1:7: M takes 2 arguments, not 3" },
        { "n=(2", "arguments:1:5: \")\" is wanted here, not the end of the text" },
        { "n=x", "arguments:1:3: there is no x here" },
        { "n=relu(3)", "arguments:1:3: there is no function relu here" },
    };
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
        hone_module *m = hone_model_parse(text, "t", wrongs[i].arguments);
        cr_expect(
            !m && strncmp(hone_error_message(), wrongs[i].message, strlen(wrongs[i].message)) == 0,
            "%s: %s", wrongs[i].arguments, hone_error_message());
        hone_module_free(m);
        hone_error_clear();
    }
    static const char *const right[] = {
        "", " ", "n=2,", "3", "3, m=1 + 1", "m=len([1, 2]),\n n=2"
    };
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        hone_module *m = hone_model_parse(text, "t", right[i]);
        cr_expect(m, "%s: %s", right[i], hone_error_message());
        hone_module_free(m);
    }
}

/* A running network names the layer, its line, and what the op says. */
Test(model_errors, while_it_runs)
{
    hone_module *m = hone_model_parse("model Block(width):\n"
                                      "    fc = Linear(width, width)\n"
                                      "    forward(x): return relu(fc(x))\n"
                                      "model Net():\n"
                                      "    layers = Sequential(Block(4), Block(3))\n"
                                      "    forward(x):\n"
                                      "        n = x.size(0)\n"
                                      "        x = x.reshape(n, x.size(1) // (x.size(1) - 4), -1)\n"
                                      "        return layers(x)\n",
                                      "net.hone", NULL);
    cr_assert(m, "%s", hone_error_message());
    CHECK_FAILS(hone_forward(m, hone_ones(HONE_F32, 2, 4)), HONE_E_VALUE, "net.hone:8: ");
    CHECK_FAILS(hone_forward(m, hone_ones(HONE_F32, 2, 7)), HONE_E_SHAPE, "net.hone:8: reshape: ");
    CHECK_FAILS(hone_forward(m, hone_scalar(HONE_F32, 5)), HONE_E_SHAPE, "net.hone:7: size: ");
    hone_forward(m, hone_ones(HONE_F32, 2, 8));
    cr_expect(strstr(hone_error_message(), "layers: ") == hone_error_message() &&
                  strstr(hone_error_message(), "fc (net.hone:3): linear: ") != NULL,
              "%s", hone_error_message());
    cr_expect_eq(hone_error_code(), HONE_E_SHAPE);
    hone_error_clear();
    CHECK_FAILS(hone_forward(m, HONE_NONE), HONE_E_NULL, "net.hone:7: ");
    hone_module_free(m);
    m = hone_model_parse("model M():\n"
                         "    forward(x):\n"
                         "        a, b = split(x, 2, dim=1)\n"
                         "        return a\n",
                         "m", NULL);
    CHECK_FAILS(hone_forward(m, hone_ones(HONE_F32, 2, 5)), HONE_E_SHAPE,
                "m:3: split: f32 [2, 5] gives 3 pieces of 2, but there are 2 names");
    hone_module_free(m);
}

/* The first error stays, as everywhere. */
Test(model_errors, an_older_error_is_kept)
{
    hone_error_set(HONE_E_STATE, "older");
    cr_expect_null(hone_model_parse("model M(:\n", "t", NULL));
    cr_expect_null(hone_model_parse(LINE("x = Linear(1)"), "t", NULL));
    CHECK_ERROR(HONE_E_STATE, "older");
}

Test(model_errors, files_and_names)
{
    CHECK_FAILS(hone_model_parse(NULL, "t", NULL), HONE_E_NULL, "model_parse");
    CHECK_FAILS(hone_model_load(NULL, NULL), HONE_E_NULL, "model_load");
    CHECK_FAILS(hone_model_named(NULL, NULL), HONE_E_NULL, "model: a name is wanted: ");
    CHECK_FAILS(hone_model(NULL), HONE_E_NULL, "model");
    CHECK_FAILS(hone_model_named("resnet19", NULL), HONE_E_VALUE,
                "model: there is no resnet19; there are ");
    CHECK_FAILS(hone_model("resnet19:num_classes=3"), HONE_E_VALUE, "model: there is no resnet19");
    CHECK_FAILS(hone_model("lenet:klasses=3"), HONE_E_VALUE, "LeNet has no parameter klasses");
    CHECK_FAILS(hone_model_load("/nowhere/net.hone", NULL), HONE_E_IO,
                "/nowhere/net.hone: No such file");
    CHECK_FAILS(hone_model_load("/tmp", NULL), HONE_E_IO, "/tmp: ");
    CHECK_FAILS(hone_model("/nowhere/net.hone:width=3"), HONE_E_IO,
                "/nowhere/net.hone: No such file");
    cr_expect(hone_model_signature("nothing", NULL, 0) == -1);
    CHECK_ERROR(HONE_E_VALUE, "there is no nothing");
    cr_expect_null(hone_model_name(-1));
    cr_expect_null(hone_model_name(hone_model_count()));
    char path[] = "/tmp/hone_model_XXXXXX";
    const int file = mkstemp(path);
    cr_assert(file >= 0);
    cr_assert(write(file, "model M(n=1):\n    forward(x): return x * n\0", 43) == 43);
    CHECK_FAILS(hone_model_load(path, NULL), HONE_E_FORMAT, "no text (a byte of 0 at 42)");
    cr_assert(ftruncate(file, 42) == 0);
    hone_module *m = hone_model_load(path, "n=3");
    cr_assert(m, "%s", hone_error_message());
    CHECK_VALUE0(hone_forward(m, hone_scalar(HONE_F64, 1)), HONE_F64, 3);
    hone_module_free(m);
    char spec[64];
    snprintf(spec, sizeof spec, "%s:n=4", path);
    m = hone_model(spec);
    cr_assert(m, "%s", hone_error_message());
    CHECK_VALUE0(hone_forward(m, hone_scalar(HONE_F64, 1)), HONE_F64, 4);
    hone_module_free(m);
    cr_assert(ftruncate(file, (1 << 20) + 1) == 0);
    CHECK_FAILS(hone_model_load(path, NULL), HONE_E_FORMAT, "more than a megabyte");
    close(file);
    remove(path);
}
