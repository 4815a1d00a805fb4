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

/* dims..END into args; false + error if there are too many. */
static bool take_dims(op_ref op, const int64_t *dims_end, hone__args *args)
{
    hone__shape dims;
    if (!dims_end) {
        hone__error_null(op->name);
        return false;
    }
    if (!hone__read_dims(op->name, dims_end, &dims))
        return false;
    args->n = dims.ndim;
    for (int i = 0; i < dims.ndim; i++)
        args->i[i] = dims.shape[i];
    return true;
}

static hone_tensor *call_dims(op_ref op, hone_tensor *x, const int64_t *dims_end, hone__args args)
{
    return take_dims(op, dims_end, &args) ? hone__call(op, &x, 1, &args, false) : NULL;
}

/* first, then tensors..END */
static hone_tensor *call_list(op_ref op, hone_tensor *first, hone_tensor *const *end_list,
                              const hone__args *args)
{
    hone_tensor *in[1 + HONE_MAX_DIMS] = { first };
    int n = 1;
    if (!end_list) {
        hone__error_null(op->name);
        return NULL;
    }
    for (; *end_list != HONE_END_TENSOR; end_list++) {
        if (n > HONE_MAX_DIMS) {
            hone_error_set(HONE_E_INDEX, "%s: more than %d indices", op->name, HONE_MAX_DIMS);
            return NULL;
        }
        in[n++] = *end_list;
    }
    return hone__call(op, in, n, args, false);
}

/* ---- signatures ---- */

#define T        hone_tensor *
#define OP(name) &hone__op_##name
#define ARGS(...)                                                                                  \
    &(hone__args)                                                                                  \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define IN(...)                                                                                    \
    (hone_tensor *[])                                                                              \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

#define DEF_X(name, f, ip)                                                                         \
    T f(T x)                                                                                       \
    {                                                                                              \
        return call_x(OP(name), x, ip);                                                            \
    }
#define DEF_XX(name, f, ip)                                                                        \
    T f(T a, T b)                                                                                  \
    {                                                                                              \
        return call_xx(OP(name), a, b, ip);                                                        \
    }
#define DEF_XS(name, f, ip)                                                                        \
    T f(T x, double s)                                                                             \
    {                                                                                              \
        return call_xs(OP(name), x, s, ip);                                                        \
    }
#define DEF_XXX(name, f, ip)                                                                       \
    T f(T a, T b, T c)                                                                             \
    {                                                                                              \
        return hone__call(OP(name), IN(a, b, c), 3, NULL, ip);                                     \
    }
#define DEF_XT(name, f, ip)                                                                        \
    T f(T x, hone_dtype t)                                                                         \
    {                                                                                              \
        return hone__call(OP(name), &x, 1, ARGS(.dtype = (uint8_t)t), ip);                         \
    }
#define DEF_XD(name, f, ip)                                                                        \
    T f(T x, int dim)                                                                              \
    {                                                                                              \
        return hone__call(OP(name), &x, 1, ARGS(.dim = dim), ip);                                  \
    }
#define DEF_XXD(name, f, ip)                                                                       \
    T f(T a, T b, int dim)                                                                         \
    {                                                                                              \
        return hone__call(OP(name), IN(a, b), 2, ARGS(.dim = dim), ip);                            \
    }
#define DEF_XDK(name, f, ip)                                                                       \
    T f(T x, int dim, bool keepdim)                                                                \
    {                                                                                              \
        return hone__call(OP(name), &x, 1, ARGS(.dim = dim, .flag = keepdim), ip);                 \
    }
#define DEF_XDD(name, f, ip)                                                                       \
    T f(T x, int dim0, int dim1)                                                                   \
    {                                                                                              \
        return hone__call(OP(name), &x, 1, ARGS(.dim = dim0, .dim2 = dim1), ip);                   \
    }
#define DEF_XDI(name, f, ip)                                                                       \
    T f(T x, int dim, int64_t index)                                                               \
    {                                                                                              \
        return hone__call(OP(name), &x, 1, ARGS(.dim = dim, .j = { index }), ip);                  \
    }
#define DEF_XDIII(name, f, ip)                                                                     \
    T f(T x, int dim, int64_t start, int64_t end, int64_t step)                                    \
    {                                                                                              \
        return hone__call(OP(name), &x, 1, ARGS(.dim = dim, .j = { start, end, step }), ip);       \
    }
#define DEF_XDX(name, f, ip)                                                                       \
    T f(T x, int dim, T b)                                                                         \
    {                                                                                              \
        return hone__call(OP(name), IN(x, b), 2, ARGS(.dim = dim), ip);                            \
    }
#define DEF_XDXX(name, f, ip)                                                                      \
    T f(T x, int dim, T b, T c)                                                                    \
    {                                                                                              \
        return hone__call(OP(name), IN(x, b, c), 3, ARGS(.dim = dim), ip);                         \
    }
#define DEF_XN(name, f, ip)                                                                        \
    T f##_v(T x, const int64_t *dims_end)                                                          \
    {                                                                                              \
        return call_dims(OP(name), x, dims_end, (hone__args){ 0 });                                \
    }
#define DEF_XKN(name, f, ip)                                                                       \
    T f##_v(T x, bool keepdim, const int64_t *dims_end)                                            \
    {                                                                                              \
        return call_dims(OP(name), x, dims_end, (hone__args){ .flag = keepdim });                  \
    }
#define DEF_XNDIII(name, f, ip)                                                                    \
    T f##_v(T x, const int64_t *dims_end, int dim, int64_t start, int64_t end, int64_t step)       \
    {                                                                                              \
        return call_dims(OP(name), x, dims_end,                                                    \
                         (hone__args){ .dim = dim, .j = { start, end, step } });                   \
    }
#define DEF_LD(name, f, ip)                                                                        \
    T f(hone_tensor_list list, int dim)                                                            \
    {                                                                                              \
        return hone__call(OP(name), list.at ? list.at : IN(NULL), list.at ? list.n : 1,            \
                          ARGS(.dim = dim), ip);                                                   \
    }
#define DEF_XL(name, f, ip)                                                                        \
    T f##_v(T x, T const *tensors_end)                                                             \
    {                                                                                              \
        return call_list(OP(name), x, tensors_end, NULL);                                          \
    }
#define DEF_XNL(name, f, ip)                                                                       \
    T f##_v(T x, const int64_t *dims_end, T const *tensors_end)                                    \
    {                                                                                              \
        hone__args args = { 0 };                                                                   \
        return take_dims(OP(name), dims_end, &args) ? call_list(OP(name), x, tensors_end, &args)   \
                                                    : NULL;                                        \
    }
#define DEF_NONE(name, f, ip)

#define FORMS_0(name, sig) DEF_##sig(name, hone_##name, false)
#define FORMS_2(name, sig) DEF_##sig(name, hone_##name##_, true)
#define FORMS_1(name, sig) FORMS_0(name, sig) FORMS_2(name, sig)

#define HONE_OP(name, signature, in_place) FORMS_##in_place(name, signature)
#include "ops/ops.def"
#undef HONE_OP

hone_tensor *hone_zero_(hone_tensor *x)
{
    return hone_fill_(x, 0.0);
}
