/* train_weights.c: what training begins with: weights of a file, and which of them stay as they are. */
#include "train.h"

#include <stdio.h>
#include <string.h>

static const char *const name = "train";

static void tell_names(training *t, const char *what, const hone_name_list *names)
{
    if (names->n > 0)
        progress_line(&t->show, "%s: %d %s: %s%s%s%s", t->o.load, names->n, what, names->at[0],
                      names->n > 1 ? ", " : "", names->n > 1 ? names->at[1] : "",
                      names->n > 2 ? ", ..." : "");
}

/* --load, as far as the file goes with --load-partly. */
static int load(training *t)
{
    HONE_SCOPE();
    hone_state_report report;
    if (!t->o.partly)
        return model_load(name, t->model, t->o.load, HONE_LAYOUT_AUTO) ? CLI_OK : CLI_FAILED;
    if (hone_load_state_with(t->model, t->o.load,
                             &(hone_state_options){ .non_strict = true, .report = &report }) !=
        HONE_OK)
        return cli_library_error(name);
    tell_names(t, "it lacks keep their first values", &report.missing);
    tell_names(t, "aren't read", &report.unexpected);
    return CLI_OK;
}

/* How many tensors have such a name, -1: an error has been told. */
static int freeze_one(training *t, const char *pattern)
{
    const int n = hone_module_requires_grad_(t->model, pattern, false);
    if (n >= 0 || hone_error_code() != HONE_E_INDEX) {
        if (n < 0)
            cli_library_error(name);
        return n;
    }
    hone_error_clear();
    cli_error(CLI_USAGE, name, "--freeze: no weights of the network are called '%s'", pattern);
    return -1;
}

/* The same of --recompute's modules. */
static int recompute_one(training *t, const char *pattern)
{
    const int n = hone_module_recompute_(t->model, pattern, true);
    if (n >= 0 || hone_error_code() != HONE_E_INDEX) {
        if (n < 0)
            cli_library_error(name);
        return n;
    }
    hone_error_clear();
    cli_error(CLI_USAGE, name, "--recompute: no layers of the network are called '%s'", pattern);
    return -1;
}

/* An option's patterns between commas. An exit status, after an error was told. */
static int each_pattern(training *t, const char *option, const char *list,
                        int (*one)(training *t, const char *pattern))
{
    enum { MOST = 1024 };
    char patterns[MOST], *rest = patterns;
    if (snprintf(patterns, sizeof patterns, "%s", list) >= MOST)
        return cli_error(CLI_USAGE, name, "%s: a list of more than %d characters", option,
                         MOST - 1);
    for (char *pattern; (pattern = strsep(&rest, ","));)
        if (one(t, pattern) < 0)
            return hone_error_code() == HONE_OK ? CLI_USAGE : CLI_FAILED;
    return CLI_OK;
}

static int freeze(training *t)
{
    HONE_SCOPE();
    const int status = each_pattern(t, "--freeze", t->o.freeze, freeze_one);
    if (status != CLI_OK)
        return status;
    const hone_tensor_list all = hone_parameters(t->model);
    for (int i = 0; i < all.n; i++)
        if (hone_requires_grad(all.at[i]))
            return CLI_OK;
    return cli_error(CLI_USAGE, name, "--freeze %s leaves nothing to train: all %d tensors",
                     t->o.freeze, all.n);
}

int train_weights(training *t)
{
    int status = t->o.load ? load(t) : CLI_OK;
    if (status == CLI_OK && t->o.freeze)
        status = freeze(t);
    return status == CLI_OK && t->o.recompute
               ? each_pattern(t, "--recompute", t->o.recompute, recompute_one)
               : status;
}
