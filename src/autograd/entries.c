/* entries.c: the public functions of all ops, made from ops.def. One small function a signature
 * packs the arguments; the macros at the end only give them their names. */
#include "autograd/node.h"

typedef const hone__op *op_ref;

static hone_tensor *call_x(op_ref op, hone_tensor *x, bool in_place)
{
    return hone__call(op, &x, 1, NULL, in_place);
}

static hone_tensor *call_xx(op_ref op, hone_tensor *a, hone_tensor *b, bool in_place)
{
    return hone__call(op, (hone_tensor *[]){ a, b }, 2, NULL, in_place);
}

static hone_tensor *call_xs(op_ref op, hone_tensor *x, double s, bool in_place)
{
    return hone__call(op, &x, 1, &(hone__args){ .s = { s } }, in_place);
}

static hone_tensor *call_xt(op_ref op, hone_tensor *x, hone_dtype dtype)
{
    if (hone_dtype_size(dtype) == 0) {
        hone_error_set(HONE_E_DTYPE, "%s: %d is no dtype", op->name, (int)dtype);
        return NULL;
    }
    return hone__call(op, &x, 1, &(hone__args){ .dtype = (uint8_t)dtype }, false);
}

/* dims..END into args; false + error if there are too many. */
static bool take_dims(op_ref op, const int64_t *dims_end, hone__args *args)
{
    hone__shape dims;
    if (!hone__read_dims(op->name, dims_end, &dims))
        return false;
    args->n = dims.ndim;
    for (int i = 0; i < dims.ndim; i++)
        args->i[i] = dims.shape[i];
    return true;
}

static hone_tensor *call_dims(op_ref op, hone_tensor *x, const int64_t *dims_end, hone__args *args)
{
    return take_dims(op, dims_end, args) ? hone__call(op, &x, 1, args, false) : NULL;
}

/* first, then tensors..END; dims_end: the dims it takes too, or NULL. */
static hone_tensor *call_list(op_ref op, hone_tensor *first, const int64_t *dims_end,
                              hone_tensor *const *tensors_end)
{
    hone__args args = { .n = 0 };
    hone_tensor *in[1 + HONE_MAX_DIMS] = { first };
    int n = 1;
    if (dims_end && !take_dims(op, dims_end, &args))
        return NULL;
    if (!tensors_end) {
        hone__error_null(op->name);
        return NULL;
    }
    for (; *tensors_end != HONE_END_TENSOR; tensors_end++) {
        if (n > HONE_MAX_DIMS) {
            hone_error_set(HONE_E_INDEX, "%s: more than %d indices", op->name, HONE_MAX_DIMS);
            return NULL;
        }
        in[n++] = *tensors_end;
    }
    return hone__call(op, in, n, &args, false);
}

/* ---- signatures ---- */

#define T         hone_tensor *
#define DIMS      const int64_t *dims_end
#define ARGS(...) (&(hone__args){ __VA_ARGS__ })
#define IN(...)   ((hone_tensor *[]){ __VA_ARGS__ })

#define ENTRY(function, parameters, call)                                                          \
    T function parameters                                                                          \
    {                                                                                              \
        return call;                                                                               \
    }

/* A row a signature: op o, function name f, in place or not. */
#define DEF_X(o, f, ip)   ENTRY(f, (T x), call_x(o, x, ip))
#define DEF_XX(o, f, ip)  ENTRY(f, (T a, T b), call_xx(o, a, b, ip))
#define DEF_XS(o, f, ip)  ENTRY(f, (T x, double s), call_xs(o, x, s, ip))
#define DEF_XXX(o, f, ip) ENTRY(f, (T a, T b, T c), hone__call(o, IN(a, b, c), 3, NULL, ip))
#define DEF_XT(o, f, ip)  ENTRY(f, (T x, hone_dtype t), call_xt(o, x, t))
#define DEF_XD(o, f, ip)  ENTRY(f, (T x, int dim), hone__call(o, &x, 1, ARGS(.dim = dim), ip))
#define DEF_XXD(o, f, ip)                                                                          \
    ENTRY(f, (T a, T b, int dim), hone__call(o, IN(a, b), 2, ARGS(.dim = dim), ip))
#define DEF_XDK(o, f, ip)                                                                          \
    ENTRY(f, (T x, int dim, bool keep), hone__call(o, &x, 1, ARGS(.dim = dim, .flag = keep), ip))
#define DEF_XDSK(o, f, ip)                                                                         \
    ENTRY(f, (T x, int dim, double s, bool keep),                                                  \
          hone__call(o, &x, 1, ARGS(.dim = dim, .s = { s }, .flag = keep), ip))
#define DEF_XXDS(o, f, ip)                                                                         \
    ENTRY(f, (T a, T b, int dim, double s),                                                        \
          hone__call(o, IN(a, b), 2, ARGS(.dim = dim, .s = { s }), ip))
#define DEF_XXXDS(o, f, ip)                                                                        \
    ENTRY(f, (T a, T b, T c, int dim, double s),                                                   \
          hone__call(o, IN(a, b, c), 3, ARGS(.dim = dim, .s = { s }), ip))
#define DEF_XDD(o, f, ip)                                                                          \
    ENTRY(f, (T x, int d0, int d1), hone__call(o, &x, 1, ARGS(.dim = d0, .dim2 = d1), ip))
#define DEF_XDI(o, f, ip)                                                                          \
    ENTRY(f, (T x, int dim, int64_t i), hone__call(o, &x, 1, ARGS(.dim = dim, .j = { i }), ip))
#define DEF_XDIII(o, f, ip)                                                                        \
    ENTRY(f, (T x, int dim, int64_t i, int64_t j, int64_t k),                                      \
          hone__call(o, &x, 1, ARGS(.dim = dim, .j = { i, j, k }), ip))
#define DEF_XDX(o, f, ip)                                                                          \
    ENTRY(f, (T x, int dim, T b), hone__call(o, IN(x, b), 2, ARGS(.dim = dim), ip))
#define DEF_XDXX(o, f, ip)                                                                         \
    ENTRY(f, (T x, int dim, T b, T c), hone__call(o, IN(x, b, c), 3, ARGS(.dim = dim), ip))
#define DEF_XN(o, f, ip) ENTRY(f##_v, (T x, DIMS), call_dims(o, x, dims_end, ARGS(.n = 0)))
#define DEF_XKN(o, f, ip)                                                                          \
    ENTRY(f##_v, (T x, bool keep, DIMS), call_dims(o, x, dims_end, ARGS(.flag = keep)))
#define DEF_XSKN(o, f, ip)                                                                         \
    ENTRY(f##_v, (T x, double s, bool keep, DIMS),                                                 \
          call_dims(o, x, dims_end, ARGS(.s = { s }, .flag = keep)))
#define DEF_XNDIII(o, f, ip)                                                                       \
    ENTRY(f##_v, (T x, DIMS, int dim, int64_t i, int64_t j, int64_t k),                            \
          call_dims(o, x, dims_end, ARGS(.dim = dim, .j = { i, j, k })))
#define DEF_LD(o, f, ip)                                                                           \
    ENTRY(f, (hone_tensor_list list, int dim),                                                     \
          hone__call(o, list.at ? list.at : IN(NULL), list.at ? list.n : 1, ARGS(.dim = dim), ip))
#define DEF_XL(o, f, ip)                                                                           \
    ENTRY(f##_v, (T x, T const *indices_end), call_list(o, x, NULL, indices_end))
#define DEF_XNL(o, f, ip)                                                                          \
    ENTRY(f##_v, (T x, DIMS, T const *indices_end), call_list(o, x, dims_end, indices_end))
#define DEF_NONE(o, f, ip)

#define FORMS_0(name, sig) DEF_##sig(&hone__op_##name, hone_##name, false)
#define FORMS_2(name, sig) DEF_##sig(&hone__op_##name, hone_##name##_, true)
#define FORMS_1(name, sig) FORMS_0(name, sig) FORMS_2(name, sig)

#define HONE_OP(name, signature, in_place) FORMS_##in_place(name, signature)
#include "ops/ops.def"
#undef HONE_OP

hone_tensor *hone_zero_(hone_tensor *x)
{
    return hone_fill_(x, 0.0);
}
