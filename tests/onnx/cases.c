/* cases.c DIR: networks, each with an input and what hone makes of it: NAME.onnx, NAME.x.npy, NAME.y.npy. */
#include <hone/hone.h>

#include <stdio.h>
#include <string.h>

static const char layers[] =
    "model Layers():\n"
    "    up = ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1)\n"
    "    group = GroupNorm(2, 6)\n"
    "    wide = Conv2d(6, 6, 3, padding=2, dilation=2, groups=3)\n"
    "    norm = LayerNorm(18)\n"
    "    pool = MaxPool2d(3, stride=2, padding=1, ceil_mode=True)\n"
    "    mean = AvgPool2d(2, padding=1, count_include_pad=False)\n"
    "    fc = Linear(6 * 6 * 6, 7)\n"
    "    forward(x):\n"
    "        x = group(up(x))\n"
    "        x = silu(wide(x)) + leaky_relu(x) - elu(x) * hardsigmoid(x) + hardswish(x) / 2\n"
    "        x = norm(x).clamp(min=-2, max=2)\n"
    "        x = mean(gelu(pool(x)))\n"
    "        x = cat([x[:, 0:3], x[:, 3:6].transpose(2, 3)], dim=1)\n"
    "        a = softmax(x, dim=-1) + log_softmax(x, dim=1)\n"
    "        b = x.mean(dim=(2, 3), keepdim=True) + x.sum(dim=1, keepdim=True)\n"
    "        x = (a + b).abs().sqrt() + maximum(a, b).exp().tanh() * gelu_tanh(x)\n"
    "        return fc(flatten(x + softplus(x), 1))\n";

/* Each recurrence, in layers and directions, with and without biases, either dim in front, with states. */
static const char recurrences[] =
    "model Recurrences():\n"
    "    lstm = LSTM(5, 4, num_layers=2, bidirectional=True, batch_first=True)\n"
    "    gru = GRU(8, 3, bias=False)\n"
    "    relu = RNN(3, 6, nonlinearity='relu')\n"
    "    tanh = RNN(6, 4, num_layers=2, batch_first=True)\n"
    "    again = LSTM(4, 4)\n"
    "    cell = GRUCell(4, 4)\n"
    "    forward(x):\n"
    "        x = tanh(relu(gru(lstm(x))))\n"
    "        x = again(again(x), x[:, 0:1].transpose(0, 1), x[:, 1:2].transpose(0, 1))\n"
    "        return cell(x[:, 0], x[:, 1])\n";

static const struct {
    const char *name, *spec;
    int64_t tokens; /* 0: floats */
    int ndim;
    int64_t shape[4];
} cases[] = {
    { "lenet", "lenet", 0, 4, { 2, 1, 28, 28 } },
    { "resnet18", "resnet18:width=4,num_classes=7", 0, 4, { 1, 3, 64, 64 } },
    { "small", "resnet18:width=4,num_classes=7,small=True", 0, 4, { 2, 3, 32, 32 } },
    { "gpt", "gpt:vocab=11,context=8,layers=2,heads=2,width=8", 11, 2, { 2, 6 } },
    { "bert",
      "bert:vocab=11,context=8,layers=2,heads=2,width=8,inner=16,labels=3",
      11,
      2,
      { 2, 6 } },
    { "lstm", "lstm:vocab=11,width=6,hidden=5,layers=2", 11, 2, { 2, 7 } },
    { "layers", NULL, 0, 4, { 2, 4, 9, 9 } },
    { "recurrences", NULL, 0, 3, { 4, 4, 5 } },
};

static hone_tensor *input(size_t i)
{
    int64_t dims[6] = { HONE_F32 };
    memcpy(dims + 1, cases[i].shape, (size_t)cases[i].ndim * sizeof *dims);
    dims[cases[i].ndim + 1] = HONE_END_DIM;
    hone_tensor *x = hone_randn_v(dims);
    return cases[i].tokens ? hone_to(hone_clamp(hone_abs(hone_mul_scalar(x, 5)), 0,
                                                (double)cases[i].tokens - 1),
                                     HONE_I64)
                           : x;
}

static hone_status write(const char *folder, size_t i)
{
    HONE_SCOPE();
    HONE_NO_GRAD();
    char path[3][600];
    static const char *const endings[] = { "onnx", "x.npy", "y.npy" };
    for (int k = 0; k < 3; k++)
        snprintf(path[k], sizeof path[k], "%s/%s.%s", folder, cases[i].name, endings[k]);
    hone_seed(i);
    hone_module *model = cases[i].spec ? hone_model(cases[i].spec)
                                       : hone_model_parse(cases[i].ndim == 3 ? recurrences : layers,
                                                          cases[i].name, NULL);
    if (!model)
        return hone_error_code();
    hone_tensor *x = input(i);
    hone_forward(model, x); /* running statistics that aren't 0 and 1 */
    hone_module_train(model, false);
    hone_status status = hone_onnx_save(model, x, path[0]);
    if (status == HONE_OK)
        status = hone_npy_save(path[1], x);
    if (status == HONE_OK)
        status = hone_npy_save(path[2], hone_forward(model, x));
    hone_module_free(model);
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (write(argv[1], i) != HONE_OK) {
            fprintf(stderr, "%s: %s\n", cases[i].name, hone_error_message());
            return hone_error_code() == HONE_E_CONFIG ? 77 : 1;
        }
    return 0;
}
