/* images_table.h: the entries of hone__image_kernels. (fragment of images_<isa>.c) */
/* clang-format off */
.winograd_in = winograd_in,
.winograd_dy = winograd_dy,
.winograd_out = winograd_out,
.winograd_weights = winograd_weights,
.winograd_weights_back = winograd_weights_back,
.depthwise = depthwise,
.depthwise_weight = depthwise_weight,
