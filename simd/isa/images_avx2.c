/* images_avx2.c: see images.h; compiled as avx2.c. */
#include "isa/images.h"

#include "vec/vec_avx2.h"
#include "kernels/images.h"

const hone__image_kernels hone__images_avx2 = {
#include "kernels/images_table.h"
};
