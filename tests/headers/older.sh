#!/bin/sh
# older.sh INCLUDE_DIR CC LIBRARY FLAG...: programs built against an older header, whose option
# structs lack their last options, and against a newer one, whose structs have one more, run with
# this library. The headers are copies, changed as told below; a struct's size is the same
# in all three (options.c).
set -eu
include=$1 cc=$2 library=$3
shift 3
here=$(cd "$(dirname "$0")" && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"

# lines STRUCT ROOM [OPTION...]: the copy lacks the options and has so much room
cat >older <<'TABLE'
hone_sgd_options 72 maximize nesterov weight_decay
hone_adam_options 56 maximize amsgrad
hone_nadam_options 48 maximize decoupled_weight_decay
hone_radam_options 56 maximize decoupled_weight_decay
hone_adamax_options 56 maximize
hone_rmsprop_options 56 maximize centered
hone_adagrad_options 56 maximize
hone_adadelta_options 64 maximize
hone_lion_options 64 maximize
hone_clip_grad_norm_options 56 error_if_nonfinite
hone_average_options 56 use_buffers equal
hone_lr_step_options 56 gamma
hone_lr_constant_options 56 total_iters
hone_lr_linear_options 48 total_iters
hone_lr_polynomial_options 56 power
hone_lr_cosine_options 56 eta_min
hone_lr_cosine_restarts_options 48 eta_min
hone_lr_one_cycle_options 40 no_cycle_momentum three_phase linear
hone_lr_plateau_options 48 threshold_abs mode_max
hone_init_kaiming_options 48 fan_out
hone_muon_options 64 match_rms_adamw no_nesterov
hone_backward_options 56 retain_graph
hone_autograd_options 47 allow_unused create_graph
hone_gradcheck_options 48 rtol
hone_profile_options 64 no_roofs
hone_state_options 60 *report non_strict *mismatched *module_prefix ignore_mismatched *metadata round
hone_safetensors_options 31 convert keep_halves
hone_nn_linear_options 56 torch_init *generator dtype no_bias
hone_nn_layer_norm_options 55 dtype no_bias
hone_nn_conv2d_options 56 *generator
hone_nn_batch_norm_options 44 dtype
hone_loader_options 40 drop_last stratify prefetch workers rank ranks *weights
hone_split_options 23 in_order
hone_picture_options 27 upright
hone_transform_options 24 still
hone_source_options 40 no_train whole *columns
hone_csv_options 29
hone_tokenizer_options 31
hone_conv2d_options 40 auto_pad
hone_max_pool2d_options 32 ceil_mode
hone_batch_norm_options 40 eps
hone_avg_pool2d_options 39 count_exclude_pad
hone_max_pool1d_options 32 ceil_mode
hone_avg_pool1d_options 39 count_exclude_pad
hone_conv1d_options 32 auto_pad
hone_conv_transpose1d_options 24
hone_conv_transpose2d_options 56
hone_conv3d_options 48 auto_pad
hone_conv_transpose3d_options 24
hone_max_pool3d_options 32 ceil_mode
hone_avg_pool3d_options 47 count_exclude_pad
hone_max_unpool1d_options 32
hone_max_unpool2d_options 32
hone_max_unpool3d_options 32
hone_unfold_options 32
hone_interpolate_options 43 recompute_scale_factor
TABLE
# copy older|newer: the newer one's further option is one byte, as padding before a wider one would
# lie where today's library looks for options that it doesn't know
copy() {
    mkdir -p "copy_$1/hone"
    for header in "$include"/hone/*.h; do
        awk -v copy="$1" '
            FNR == NR { room[$1] = $2; for (i = 3; i <= NF; i++) drop[$1, $i] = 1; next }
            /^typedef struct \{$/ { n = 0 }
            { line[++n] = $0 }
            /^\} hone_[a-z0-9_]*;$/ {
                name = $2; sub(/;/, "", name)
                for (i = 1; i <= n; i++) {
                    option = line[i]; sub(/;.*/, "", option); sub(/.* /, "", option)
                    if (copy == "older" && (name, option) in drop) continue
                    if (copy == "older" && name in room)
                        sub(/HONE_RESERVE\([0-9]*\)/, "HONE_RESERVE(" room[name] ")", line[i])
                    if (copy == "newer" && match(line[i], /HONE_RESERVE\([0-9]*/))
                        sub(/ *HONE_RESERVE\([0-9]*\)/, "    unsigned char newer;\n    HONE_RESERVE(" substr(line[i], RSTART + 13, RLENGTH - 13) - 1 ")", line[i])
                    print line[i]
                }
                n = 0
            }
            /^$/ { for (i = 1; i <= n; i++) print line[i]; n = 0 }
            END { for (i = 1; i <= n; i++) print line[i] }' older "$header" >"copy_$1/hone/$(basename "$header")"
    done
    ! diff -r "$include/hone" "copy_$1/hone" >changes || { echo "the $1 headers are today's"; exit 1; }
    echo "$1: $(grep -c '^[<>]' changes) lines differ"
}

# Every option struct has room, or nothing could be added to it.
for struct in $(sed -n 's/^} \(hone_[a-z0-9_]*_options\);$/\1/p' "$include"/hone/*.h); do
    grep -q "^SIZE_IS($struct, " "$here/options.c" || { echo "options.c doesn't try $struct"; exit 1; }
done

directory=$(dirname "$library")
build() { # build NAME INCLUDE_DIR [FLAG]
    "$cc" -std=gnu11 -Wall -Wextra -Wno-missing-field-initializers -Werror -I"$2" ${3:-} $flags \
        -o "$1" "$here/options.c" "$library" -Wl,-rpath,"$directory" -lm
    LD_LIBRARY_PATH="$directory${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" "./$1"
}
flags="$*"
copy older
copy newer
build of_today "$include"
build of_old copy_older -DOLDER
build of_tomorrow copy_newer -DNEWER
