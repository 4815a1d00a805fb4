/* images.h: the kernel bodies of isa/images.h, instantiated on the vocabulary that was included
 * before. (fragment of images_<isa>.c) */
#include "kernels/winograd.h"
#include "kernels/winograd_4x4.h"
#include "kernels/planes.h"
#if F32_LANES == 16
#include "kernels/planes_twins.h"
#include "kernels/planes_twins_weight.h"
#endif
#include "kernels/planes_3x3.h"
#include "kernels/planes_3x3_weight.h"
#include "kernels/bf16_lanes.h"
#include "kernels/norm_planes.h"
