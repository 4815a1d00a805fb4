/* gemm_reference.h: contract 1's matrix product, written for reading, for element type T
 * (test_gemm.c). */

static T NAME(dot_block)(int64_t k, const T *a, int64_t sa, const T *b, int64_t sb)
{
    T lanes[LANES];
    bool present[LANES] = { false };
    for (int64_t i = 0; i < k; i++) {
        const int lane = (int)(i % LANES);
        lanes[lane] =
            present[lane] ? FMA(a[i * sa], b[i * sb], lanes[lane]) : a[i * sa] * b[i * sb];
        present[lane] = true;
    }
    for (int half = LANES / 2; half > 0; half /= 2) {
        for (int j = 0; j < half; j++) {
            if (present[j + half]) {
                lanes[j] = lanes[j] + lanes[j + half];
            }
        }
    }
    return lanes[0];
}

static T NAME(dot)(int64_t k, const T *a, int64_t sa, const T *b, int64_t sb)
{
    T sums[70001 / BLOCK + 1];
    int64_t n = 0;
    for (int64_t i = 0; i < k; i += BLOCK) {
        sums[n++] = NAME(dot_block)(k - i < BLOCK ? k - i : BLOCK, a + i * sa, sa, b + i * sb, sb);
    }
    while (n > 1) {
        int64_t half = 0;
        for (int64_t i = 0; i < n; i += 2) {
            sums[half++] = i + 1 < n ? sums[i] + sums[i + 1] : sums[i];
        }
        n = half;
    }
    return sums[0];
}

static T NAME(chain)(T acc, int64_t k, const T *a, int64_t sa, const T *b, int64_t sb)
{
    for (int64_t i = 0; i < k; i++) {
        acc = FMA(a[i * sa], b[i * sb], acc);
    }
    return acc;
}

static T NAME(split)(int64_t k, const T *a, int64_t sa, const T *b, int64_t sb)
{
    const int64_t pieces = k / 2048 < 64 ? k / 2048 : 64;
    const int64_t length = (k + pieces - 1) / pieces;
    T acc = 0;
    for (int64_t i = 0; i < k; i += length) {
        const T piece =
            NAME(chain)(0, k - i < length ? k - i : length, a + i * sa, sa, b + i * sb, sb);
        acc = i == 0 ? piece : acc + piece;
    }
    return acc;
}

/* GELU of one element; its kernels have the same bits on every ISA. */
static T NAME(gelu)(const hone__gemm_args *x, T v)
{
    const int kind = x->act == HONE__GEMM_GELU ? HONE__K_GELU : HONE__K_GELU_TANH;
    hone__k->unary[kind][DTYPE](1, &v, 1, &v, 1);
    return v;
}

static void NAME(matrix)(const hone__gemm_args *x, order how, const T *a, const T *b, T *c)
{
    for (int64_t i = 0; i < x->m; i++) {
        for (int64_t j = 0; j < x->n; j++) {
            const T *row = a + i * x->a_rs, *col = b + j * x->b_cs;
            T *to = c + i * x->c_rs + j * x->c_cs;
            const T begin = x->accumulate == HONE__GEMM_BEGIN ? *to : 0;
            T v = how == DOT     ? NAME(dot)(x->k, row, x->a_cs, col, x->b_rs)
                  : how == SPLIT ? NAME(split)(x->k, row, x->a_cs, col, x->b_rs)
                                 : NAME(chain)(begin, x->k, row, x->a_cs, col, x->b_rs);
            v = (T)x->alpha * v;
            if (x->accumulate == HONE__GEMM_AFTER) {
                v = *to + v;
            }
            if (x->bias) {
                v = v + ((const T *)x->bias)[i * x->bias_rs + j * x->bias_cs];
            }
            *to = x->act == HONE__GEMM_RELU && v <= 0 ? 0 : v; /* NaN stays */
            if (x->act > HONE__GEMM_RELU) {
                *(x->activated ? (T *)x->activated + (to - (T *)x->c) : to) = NAME(gelu)(x, v);
            }
        }
    }
}

static void NAME(product)(const hone__gemm_args *x)
{
    const order how = order_of(x);
    int64_t count = 1;
    for (int d = 0; d < x->n_batch_dims; d++) {
        count *= x->batch[d];
    }
    for (int64_t index = 0; index < count; index++) {
        const T *a = x->a, *b = x->b;
        T *c = x->c;
        int64_t rest = index;
        for (int d = x->n_batch_dims - 1; d >= 0; d--) {
            const int64_t i = rest % x->batch[d];
            rest /= x->batch[d];
            a += i * x->a_batch[d];
            b += i * x->b_batch[d];
            c += i * x->c_batch[d];
        }
        NAME(matrix)(x, how, a, b, c);
    }
}
