/* images_neon.c: see images.h; compiled as neon.c. */
#include "isa/images.h"

#include "vec/vec_neon.h"
#include "kernels/images.h"

const hone__image_kernels hone__images_neon = {
#include "kernels/images_table.h"
};
