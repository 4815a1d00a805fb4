/* number.c: numbers beside tensors: which dtype they bring about, and as elements. */
#include "loops/elementwise.h"

#include <math.h>

void hone__number(hone_dtype dtype, double number, void *element)
{
    if (hone_dtype_is_float(dtype)) {
        hone__k->cast[HONE__F64][dtype](1, element, 1, &number, 1);
    } else if (dtype == HONE_BOOL) {
        *(uint8_t *)element = number != 0;
    } else {
        int64_t whole;
        hone__k->cast[HONE__F64][HONE__I64](1, &whole, 1, &number, 1);
        hone__k->cast[HONE__I64][dtype](1, element, 1, &whole, 1);
    }
}

int hone__number_side(hone_dtype dtype, double number)
{
    /* the dtype's integers are those between `low` and `high`, both excluded, when truncated */
    double low = -INFINITY, high = INFINITY;
    switch (dtype) {
    case HONE_I64:
        low = -0x1.0000000000001p63; /* the next double below -2^63 */
        high = 0x1p63;
        break;
    case HONE_I32:
        low = -0x1p31 - 1;
        high = 0x1p31;
        break;
    case HONE_U8:
        low = -1;
        high = 256;
        break;
    case HONE_F32:
    case HONE_F64:
    case HONE_BOOL:
        return 0;
    }
    return number <= low ? -1 : !(number < high);
}

bool hone__number_fits(const char *op, hone_dtype dtype, double number)
{
    if (hone__number_side(dtype, number) == 0)
        return true;
    hone_error_set(HONE_E_VALUE, "%s: %g doesn't fit into %s", op, number, hone_dtype_name(dtype));
    return false;
}

hone_dtype hone__number_dtype(hone_dtype dtype, double number)
{
    if (hone_dtype_is_float(dtype))
        return dtype;
    if (!(number >= -0x1p63 && number < 0x1p63) || number != floor(number))
        return HONE_F32;
    return dtype == HONE_BOOL ? HONE_I64 : dtype;
}
