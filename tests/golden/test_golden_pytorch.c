/* Networks that PyTorch saved give PyTorch's outputs here, and are saved as PyTorch saved them.
 * make_pytorch_golden.py says what the files hold; their weights are all square. */
#include "files.h"
#include "support.h"

#include <hone/autograd.h>
#include <hone/io.h>
#include <hone/nn.h>
#include <hone/ops.h>

SUITE_WITH_FILES(golden_pytorch);

#define GOLDEN(name) HONE_SOURCE_DIR "/tests/golden/pytorch_" name ".safetensors"

static hone_module *network(void)
{
    return hone_nn_sequential(hone_nn_linear(4, 4), hone_nn_relu(), hone_nn_linear(4, 4),
                              hone_nn_layer_norm(4));
}

static void check_output(hone_module *model, const char *name)
{
    const hone_named_list wanted = hone_safetensors_load(GOLDEN("outputs"), NULL);
    hone_tensor *y = hone_forward(model, hone_named_find(wanted, "x"));
    cr_assert(hone_allclose(hone_detach(y), hone_named_find(wanted, name), 1e-5, 1e-6), "%s: %s",
              name, hone_error_message());
}

Test(golden_pytorch, its_files_are_read)
{
    hone_module *model = network();
    CHECK_OK(hone_load_state(model, GOLDEN("square"))); /* "format": "pt" tells the layout */
    check_output(model, "square");
    const hone_state_options out_in = { .layout = HONE_LAYOUT_OUT_IN };
    CHECK_FAILS(hone_load_state(model, GOLDEN("halves")), HONE_E_FORMAT, "fit both ways");
    CHECK_OK(hone_load_state_with(model, GOLDEN("halves"), &out_in));
    check_output(model, "halves");
    hone_module_free(model);
}

Test(golden_pytorch, files_are_written_as_it_writes_them)
{
    hone_module *model = network();
    CHECK_OK(hone_load_state(model, GOLDEN("square")));
    CHECK_OK(hone_save_state(model, test_path("saved")));
    const hone_named_list wanted = hone_safetensors_load(GOLDEN("square"), NULL);
    const hone_named_list got = hone_safetensors_load(test_path("saved"), NULL);
    cr_assert(wanted.n == 6 && got.n == 6, "%s", hone_error_message());
    for (int i = 0; i < wanted.n; i++)
        cr_assert(hone_equal(wanted.at[i].tensor, hone_named_find(got, wanted.at[i].name)), "%s",
                  wanted.at[i].name);
    hone_module_free(model);
}
