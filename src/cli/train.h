/* train.h: what the files of `hone train` share: its options, and one run. */
#ifndef HONE_CLI_TRAIN_H
#define HONE_CLI_TRAIN_H

#include "cli.h"
#include "curve.h"
#include "machine.h"
#include "work.h"

typedef struct {
    data_spec data;
    machine_options machine;
    const char *model, *optim, *save, *layout, *load, *log, *schedule, *nan, *plot, *report;
    const char *dtype, *bf16_order, *freeze, *recompute, *checkpoint, *save_every, *resume,
        *time_limit;
    const char *tensorboard;
    double lr, momentum, weight_decay, clip, ema; /* NaN: not given */
    double label_smoothing, val_split;            /* 0: not given */
    int64_t epochs, batch, accumulate, limit, warmup, early_stop, top_k, keep, shards;
    int64_t workers;
    uint64_t seed;
    bool shuffle, stratify, save_anyway, quiet, resume_anyway, zero, partly, in_backward;
} train_options;

/* Weights as they were after an epoch. */
typedef struct {
    hone_tensor **at; /* in the order of the module's state */
    int n;
    int64_t epoch; /* counted from 1; 0: none were kept */
    double loss;   /* of the validation set then */
} kept_weights;

/* What becomes of a step whose loss isn't finite. */
typedef enum { NAN_STOP, NAN_SKIP, NAN_IGNORE } nan_mode;

typedef struct {
    double train_loss, train_error, seconds; /* means over the batches, each before its update */
    score test, val;
    double lr, norm; /* of the last step; mean norm of the gradients, NaN if nobody asked */
    double top_error, r2, speed; /* speed: samples a second */
    int64_t updates;             /* steps that weren't skipped */
} epoch_row;

enum { SCHEDULE_TEXT = 512 };

/* --checkpoint and --resume. */
typedef struct {
    hone_checkpoint *file; /* NULL: neither was asked for */
    int64_t every;         /* steps; 0: by time, or by epochs */
    double every_seconds;  /* 0: not by time */
    /* the last one: where the run stood (-1: there is none), and when */
    int64_t saved_epoch, saved_steps, saved_all_steps;
    double saved_time;
    bool due, writing;
    bool failing;      /* it couldn't be written, which was told */
    hone_tensor *rows; /* the rows so far, as the file has them */
} saving;

/* All of one training run. */
typedef struct training training;
struct training {
    train_options o;
    model_spec spec;
    hone_layout layout; /* of the file that is saved */
    images set;
    hone_dataset val; /* what --val-split holds out; empty without it */
    hone_module *model;
    hone_optim *optim;
    hone_loader *loader;
    hone_schedule *schedule; /* NULL: the rate stays */
    hone_average *average;   /* of --ema */
    kept_weights best;       /* of --early-stop */
    kept_weights buffers;    /* of --nan skip: before the step that runs */
    nan_mode nan;
    hone_dtype dtype;           /* of --dtype: the steps' autocast */
    hone_generator_state drawn; /* where the generator stood before the step */
    bool not_finite;            /* --nan stop ended the run */
    bool warned;                /* of --nan ignore's first loss that wasn't */
    bool checkpoint_failed;     /* the last one couldn't be written */
    int64_t skipped;            /* steps, by --nan skip; in a checkpoint, too */
    metrics answers; /* to the test set, by the weights of epoch `answered` (counted from 1) */
    int64_t answered;
    hone_events *events; /* of --tensorboard */
    bool events_failed;  /* which was told */
    FILE *log;           /* appended to; emptied when training begins */
    int log_error;
    progress show;
    curve losses;
    /* where the run stands between two steps: all of it is in a checkpoint */
    int64_t epoch;          /* that runs, from 0 */
    int64_t steps, samples; /* of it */
    epoch_row row;          /* of it, so far: sums over the updates */
    int64_t all_steps;      /* so far */
    int64_t log_bytes;
    double train_seconds; /* of all epochs since the program began, at step begun_at */
    int64_t begun_at;
    saving saving;
    char schedule_text[SCHEDULE_TEXT]; /* with the lengths that it got */
    epoch_row *rows;                   /* of --plot and --report */
    int64_t n_rows, room;
    int argc; /* the command line behind `hone train` */
    char **argv;
    /* A run of which only the steps matter, that of `hone profile`: without tests and files. The first
     * is called before the first step; false ends the run, with an error printed. The second after
     * each; false ends the run. NULL: neither. */
    bool (*before_steps)(training *t);
    bool (*after_step)(training *t);
};

/* ---- train.c */

/** Options that nobody gave, before they are parsed. */
extern const train_options train_not_given;
/** The run of its options, from the data to the files; an exit status. */
int train_run(training *t);

/* ---- train_options.c */

extern const cli_option train_table[];

/** False with an error printed: no such optimizer, or one without a number that was given. */
bool train_optim_fits(train_options *o);
/** False with an error printed: --optim-in-backward with what it can't go with. */
bool train_in_backward_fits(const train_options *o);
/** The optimizer of the options; NULL + the library's error. */
hone_optim *train_optim_new(const train_options *o, hone_module *model);

/* ---- train_schedule.c */

/** --load, --load-partly and --freeze. An exit status, after an error was told. */
int train_weights(training *t);
/** What --schedule and --warmup say, for the run's optimizer and loader. False with a usage error
 * printed. */
bool train_schedule_new(training *t);
/** Before a step, for those that were / after an epoch with its row. So a run that has ended may get
 * longer. False: an error is pending. */
bool train_schedule_step(training *t);
bool train_schedule_epoch(training *t, const epoch_row *row);

/* ---- train_keep.c */

/** Takes --val-split of the training set out of it. False with an error printed. */
bool train_split(training *t);
/** Makes place for the best weights of --early-stop. False: an error is pending. */
bool train_keep_begin(training *t);
/** Keeps the weights if the loss is the best so far. False: an error is pending. */
bool train_keep(training *t, int64_t epoch, double loss);
/** Puts them back. False: an error is pending. */
bool train_take_kept(training *t);
/** Copies the tensors of the list to `kept` (made when first needed), or back. False: an error is
 * pending. */
bool train_copy_kept(kept_weights *kept, hone_named_list list, bool back);
void train_free_kept(training *t);

/* ---- train_nonfinite.c */

bool train_weights_are_finite(hone_module *model);
/** --nan; false with a usage error printed. */
bool train_nan_parse(training *t);
/** A step whose loss or norm isn't finite, before its update: says which and where it began, to
 * stderr. True: skip it; false: the run ends. parts: of the batch, as it was run. */
bool train_step_failed(training *t, const hone_batch *batch, int64_t parts, double loss,
                       double norm);
/** Before a step that may be skipped / after it was. False: an error is pending. */
bool train_hold_buffers(training *t);
bool train_restore_buffers(training *t);

/* ---- train_report.c: --plot and --report */

/** Keeps a row for them, or for a checkpoint. False: an error is pending. */
bool train_remember(training *t, const epoch_row *row);
/** Writes them; an exit status. */
int train_report(training *t);

/* ---- train_files.c: what would only fail after hours of training, before it begins */

/** Whether all files that are written can be, have the endings that their kind has, and are not one
 * another. CLI_OK, or another status with an error printed. */
int train_check_files(const train_options *o);
/** Nothing in the log is lost yet: the call may still turn out to be wrong. */
int train_open_log(training *t);
/** Empties it, or, of a run that goes on, cuts what was written after its checkpoint. CLI_OK, or
 * another status with an error printed. */
int train_begin_log(training *t);
/** Bytes in it; 0: it is no file. */
int64_t train_log_bytes(const training *t);
int train_close_log(training *t);

/* ---- train_ranks.c: several processes that train one network */

/** Compares what they were given, and cuts batches into shards. CLI_OK, or another status with an error
 * printed. */
int train_ranks_begin(training *t);
/** The same of what --resume has read. */
int train_ranks_resumed(training *t);
/** After the gradients of a step, before it is made: `wrong` of each of this rank's samples becomes the
 * sum over all, in their order, and a stop that one has noted is one of all. False: an error is
 * pending. */
bool train_ranks_agree(const hone_batch *batch, const double *wrong, double *sum);

/* ---- train_epoch.c */

/** Goes on with t->epoch to its end. False: an error is pending, or Ctrl-C was pressed. */
bool train_epoch(training *t, epoch_row *row);
/** t->epoch is done. */
void train_next_epoch(training *t);

/* ---- train_checkpoint.c, train_facts.c */

/** --checkpoint, --save-every, --keep, --resume, --time-limit; false with a usage error printed. */
bool train_checkpoint_parse(training *t);
/** Names the run's parts and takes it up again, if it is to be. CLI_OK, or another status with an
 * error printed. */
int train_checkpoint_begin(training *t);
/** Between two steps / behind an epoch: writes a checkpoint if it is time. False: an error is
 * pending. */
bool train_checkpoint_step(training *t);
bool train_checkpoint_epoch(training *t);
/** The last one, of where the run has stopped or ended, and waits for it. An exit status. */
int train_checkpoint_end(training *t);
void train_checkpoint_free(training *t);
/** Tells the checkpoint what the run's bits depend on. False: an error is pending. */
/** "60000 samples (1a2b3c4d)": what the set is, wherever it lies. False: an error is pending. */
bool train_describe_data(const hone_dataset *set, char *text, size_t size);
bool train_facts(training *t);

/* ---- train_tell.c */

void train_tell_beginning(training *t);
void train_tell_titles(training *t);
/** A row in the table, the curve, the log and the event file. */
void train_tell_row(training *t, int64_t epoch, const epoch_row *row);
/** The row's numbers by the names of the log: "train_loss". */
typedef void train_put(void *to, const char *key, double value);
void train_each_number(const training *t, const epoch_row *row, train_put *put, void *to);

/* ---- train_events.c: --tensorboard */

/** Begins the file of where the run stands. CLI_OK, or another status with an error printed. */
int train_events_begin(training *t);
/** Of every tenth step / of an epoch, before the next one begins. */
void train_events_step(training *t, double loss);
void train_events_epoch(training *t, const epoch_row *row);

#endif
