/* train_options.c: the options of `hone train`, and the optimizer that they say. */
#include "train.h"

#include "core/text.h"
#include "optim/optim.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define FIELD(name) offsetof(train_options, name)

const cli_option train_table[] = {
    DATA_OPTIONS(FIELD(data)),
    { "model", "SPEC",
      "mlp:INPUT,...,OUTPUT: linear layers with ReLU between them; NAME[:ARGUMENTS] (hone models) "
      "or FILE[:ARGUMENTS]; default: mlp:784,100,10, or what the data have and want",
      CLI_TEXT, FIELD(model), NULL, 0, 0 },
    { "optim", "NAME", "optimizer:"
#define HONE_OPTIM(name) " " #name
#include "optim/optim.def"
#undef HONE_OPTIM
      ,
      CLI_TEXT, FIELD(optim), "sgd", 0, 0 },
    { "lr", "X", "learning rate; default: 0.5 of sgd, the others' own", CLI_REAL, FIELD(lr), NULL,
      0, 1e6 },
    { "momentum", "X", "momentum of sgd, rmsprop and muon; default: the optimizer's own", CLI_REAL,
      FIELD(momentum), NULL, 0, 1 },
    { "weight-decay", "X", "weight decay; default: the optimizer's own", CLI_REAL,
      FIELD(weight_decay), NULL, 0, 1e6 },
    { "schedule", "NAME[:ARGS]",
      "how the rate changes: cosine, one_cycle, step:step_size=10e,gamma=0.5, plateau:patience=3 "
      "...; counts steps, 10e is 10 epochs; without t_max, total_steps or total_iters the whole "
      "run",
      CLI_TEXT, FIELD(schedule), NULL, 0, 0 },
    { "warmup", "N", "steps (not epochs) in which the rate rises from a third of it", CLI_INT,
      FIELD(warmup), NULL, 0, 1e9 },
    { "clip", "X", "cut the gradients' norm, of all parameters together, to X", CLI_REAL,
      FIELD(clip), NULL, 0, 1e30 },
    { "label-smoothing", "X", "the training loss takes X of each label for all classes alike",
      CLI_REAL, FIELD(label_smoothing), NULL, 0, 1 },
    { "ema", "X", "test and save an average of the weights, which keeps X of itself a step",
      CLI_REAL, FIELD(ema), NULL, 0, 1 },
    { "top-k", "K", "also tell how often the label isn't among the K best", CLI_INT, FIELD(top_k),
      NULL, 1, 1e6 },
    { "nan", "stop|skip|ignore",
      "a step whose loss is NaN or infinite ends the run with status 1, is left out, or is made "
      "all "
      "the same; the first two name the layer that it began in",
      CLI_TEXT, FIELD(nan), "stop", 0, 0 },
    { "val-split", "X", "hold out X of the training set (0.1: a tenth), drawn by --seed", CLI_REAL,
      FIELD(val_split), NULL, 0, 1 },
    { "early-stop", "N",
      "end after N epochs without a better loss of what --val-split holds out; the best weights "
      "are kept and saved",
      CLI_INT, FIELD(early_stop), NULL, 1, 1e9 },
    { "dtype", "f32|bf16|f16",
      "what products take in the steps: weights stay f32, rounded ones are multiplied (hone ops "
      "tells which op does what); the tests after an epoch run in f32",
      CLI_TEXT, FIELD(dtype), "f32", 0, 0 },
    { "bf16-order", "pairs|tiles",
      "what products of bf16 sum in: one chain (vdpbf16ps does it), or tiles of 32 (AMX); default: "
      "HONE_BF16_ORDER, else pairs",
      CLI_TEXT, FIELD(bf16_order), NULL, 0, 0 },
    { "epochs", "N", "passes over the training set", CLI_INT, FIELD(epochs), "20", 0, 1e9 },
    { "batch", "N", "images a step", CLI_INT, FIELD(batch), "100", 1, 1e9 },
    { "accumulate", "N", "run each batch in N parts: less memory, the same bits", CLI_INT,
      FIELD(accumulate), "1", 1, 1e9 },
    { "optim-in-backward", NULL,
      "step each weight as soon as its gradient is complete, and give that back: less memory, the "
      "same bits; not with --clip, --accumulate, --shards, --nan skip",
      CLI_FLAG, FIELD(in_backward), NULL, 0, 0 },
    { "recompute", "PATTERN[,...]",
      "layers of such names keep no activations and run again in the backward: less memory, the "
      "same bits; 'transformer.h.*' are gpt's blocks",
      CLI_TEXT, FIELD(recompute), NULL, 0, 0 },
    { "shards", "S",
      "cut each batch into S shards, added in a tree: the same bits for 1 to S ranks; 0: none, "
      "sums "
      "are handed from rank to rank; default: 8 under mpirun, else none",
      CLI_INT, FIELD(shards), NULL, 0, 1 << 20 },
    { "zero", NULL, "each rank keeps the optimizer's state of its share of the weights only",
      CLI_FLAG, FIELD(zero), NULL, 0, 0 },
    { "seed", "N", "of the initial weights, --shuffle and --val-split", CLI_SEED, FIELD(seed), "0",
      0, 0 },
    { "workers", "N", "threads that read and change samples ahead; a set in memory needs none",
      CLI_INT, FIELD(workers), "0", 0, 1024 },
    { "stratify", NULL, "batches that have each class in the set's proportion", CLI_FLAG,
      FIELD(stratify), NULL, 0, 0 },
    MACHINE_OPTIONS(FIELD(machine)),
    { "shuffle", NULL, "new order every epoch, instead of the files' order", CLI_FLAG,
      FIELD(shuffle), NULL, 0, 0 },
    { "limit", "N", "use the first N training and the first N test images only", CLI_INT,
      FIELD(limit), NULL, 1, 1e12 },
    { "save", "FILE", "write the trained network as safetensors; also after Ctrl-C", CLI_TEXT,
      FIELD(save), NULL, 0, 0 },
    { "save-anyway", NULL, "replace that file also by weights that are NaN or infinite", CLI_FLAG,
      FIELD(save_anyway), NULL, 0, 0 },
    { "layout", "out,in|in,out",
      "how weights lie in that file: as PyTorch has them, or as hone has", CLI_TEXT, FIELD(layout),
      "out,in", 0, 0 },
    { "load", "FILE", "begin with the weights of a saved network", CLI_TEXT, FIELD(load), NULL, 0,
      0 },
    { "load-partly", NULL,
      "weights that this file lacks keep their first values, and what else it has isn't read",
      CLI_FLAG, FIELD(partly), NULL, 0, 0 },
    { "freeze", "PATTERN[,...]", "leave weights of such names as they are: 'layer1', '*.bias'",
      CLI_TEXT, FIELD(freeze), NULL, 0, 0 },
    { "checkpoint", "FILE",
      "write all that the run is, so that --resume goes on with the same bits: after each epoch, "
      "and "
      "after the step in which SIGTERM, SIGUSR1, Ctrl-C or --time-limit comes; a thread of its own "
      "writes it",
      CLI_TEXT, FIELD(checkpoint), NULL, 0, 0 },
    { "save-every", "STEPS|TIME", "instead of after each epoch: 500, 90s, 30m, 2h, HH:MM:SS",
      CLI_TEXT, FIELD(save_every), NULL, 0, 0 },
    { "keep", "N", "checkpoints: FILE is the newest, FILE.1 the one before; default: 1", CLI_INT,
      FIELD(keep), NULL, 1, 1e6 },
    { "resume", "FILE|auto",
      "go on where that checkpoint was written; auto: the newest of --checkpoint, if there is one",
      CLI_TEXT, FIELD(resume), NULL, 0, 0 },
    { "resume-anyway", NULL,
      "also with other options than its run's, or other data; else that is told and refused",
      CLI_FLAG, FIELD(resume_anyway), NULL, 0, 0 },
    { "time-limit", "TIME",
      "end after the step in which this time is over, with status 75: 90s, 45m, 12h, D-HH:MM:SS",
      CLI_TEXT, FIELD(time_limit), NULL, 0, 0 },
    { "log", "FILE", "write one JSON object a line and epoch", CLI_TEXT, FIELD(log), NULL, 0, 0 },
    { "tensorboard", "DIR",
      "tell TensorBoard of each epoch and every tenth step: a new file in DIR, also of a run that "
      "goes "
      "on",
      CLI_TEXT, FIELD(tensorboard), NULL, 0, 0 },
    { "plot", "FILE.svg|png", "draw the curves of loss and error", CLI_TEXT, FIELD(plot), NULL, 0,
      0 },
    { "report", "FILE.html",
      "one page about the run: curves, confusion matrix, the worst images, machine, command line",
      CLI_TEXT, FIELD(report), NULL, 0, 0 },
    { "quiet", NULL, "print errors only", CLI_FLAG, FIELD(quiet), NULL, 0, 0 },
    { 0 },
};

bool train_optim_fits(train_options *o)
{
    static const char *const names[] = {
#define HONE_OPTIM(name) #name,
#include "optim/optim.def"
#undef HONE_OPTIM
    };
    enum { N = sizeof names / sizeof *names };
    const char *optim = o->optim, *nearest = hone__nearest(optim, names, N);
    int i = 0;
    while (i < N && strcmp(names[i], optim) != 0)
        i++;
    if (i == N && nearest)
        cli_error(CLI_USAGE, cli_train.name, "--optim: there is no '%s'; did you mean %s?", optim,
                  nearest);
    else if (i == N)
        cli_error(CLI_USAGE, cli_train.name, "--optim: there is no '%s'; see hone train --help",
                  optim);
    if (i == N)
        return false;
    if (!isnan(o->momentum) && !hone__optim_has(optim, "momentum")) {
        cli_error(CLI_USAGE, cli_train.name, "--momentum: %s has none", optim);
        return false;
    }
    if (isnan(o->lr) && strcmp(optim, "sgd") == 0)
        o->lr = 0.5; /* the lecture's */
    return true;
}

bool train_in_backward_fits(const train_options *o)
{
    const char *other = !isnan(o->clip)               ? "--clip needs the norm of all gradients"
                        : o->accumulate > 1           ? "--accumulate adds gradients up"
                        : o->shards > 0               ? "--shards adds gradients up"
                        : o->zero                     ? "--zero shares gradients out"
                        : strcmp(o->nan, "skip") == 0 ? "--nan skip looks at all gradients first"
                                                      : NULL;
    if (!o->in_backward || !other)
        return true;
    cli_error(CLI_USAGE, cli_train.name,
              "--optim-in-backward gives each gradient back at once, but %s", other);
    return false;
}

/* What was given, as the library's text of options. */
hone_optim *train_optim_new(const train_options *o, hone_module *model)
{
    char text[160] = "";
    const struct {
        const char *name;
        double value;
    } given[] = { { "lr", o->lr },
                  { "momentum", o->momentum },
                  { "weight_decay", o->weight_decay } };
    size_t used = 0;
    for (size_t i = 0; i < sizeof given / sizeof *given; i++)
        if (!isnan(given[i].value))
            used += (size_t)snprintf(text + used, sizeof text - used, "%s=%.17g ", given[i].name,
                                     given[i].value);
    hone_optim *optim = hone_optim_by_name(o->optim, hone_parameters(model), text);
    if (optim && o->in_backward && hone_optim_in_backward(optim, true) != HONE_OK) {
        hone_optim_free(optim);
        return NULL;
    }
    return optim;
}
