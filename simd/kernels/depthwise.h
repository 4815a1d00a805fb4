/* depthwise.h: convolutions whose channels don't meet, f32: isa/images.h. (fragment of
 * images_<isa>.c) */

/* Outputs [i, i + many) of a vector of channels. */
HONE__INLINE void depthwise_some(const int many, const hone__depthwise *d, int64_t i, int64_t c)
{
    vf32 acc[4];
    for (int k = 0; k < many; k++)
        acc[k] = f32_set(0);
    for (int t = 0; t < d->taps; t++) {
        const float *a = d->a[t] + i * d->a_step + c;
        const vf32 w = f32_load(d->w[t] + c);
        for (int k = 0; k < many; k++)
            acc[k] = f32_fma(f32_load(a + k * d->a_step), w, acc[k]);
    }
    for (int k = 0; k < many; k++) {
        if (d->bias)
            acc[k] = f32_add(acc[k], f32_load(d->bias + c));
        f32_store(d->out + (i + k) * d->out_step + c, acc[k]);
    }
}

static void depthwise(const hone__depthwise *d)
{
    for (int64_t c = 0; c < d->channels; c += F32_LANES) {
        int64_t i = 0;
        for (; i + 4 <= d->n; i += 4)
            depthwise_some(4, d, i, c);
        for (; i < d->n; i++)
            depthwise_some(1, d, i, c);
    }
}

/* Taps [t, t + many). */
HONE__INLINE void depthwise_taps(const int many, const hone__depthwise *d, int t, int64_t c)
{
    vf32 acc[9];
    for (int k = 0; k < many; k++)
        acc[k] = f32_load(d->sums[t + k] + c);
    const float *dy = d->out + c;
    for (int64_t i = 0; i < d->n; i++, dy += d->out_step) {
        const vf32 v = f32_load(dy);
        for (int k = 0; k < many; k++)
            acc[k] = f32_fma(v, f32_load(d->a[t + k] + i * d->a_step + c), acc[k]);
    }
    for (int k = 0; k < many; k++)
        f32_store(d->sums[t + k] + c, acc[k]);
}

static void depthwise_weight(const hone__depthwise *d)
{
    for (int64_t c = 0; c < d->channels; c += F32_LANES) {
        int t = 0;
        for (; t + 9 <= d->taps; t += 9)
            depthwise_taps(9, d, t, c);
        for (; t + 3 <= d->taps; t += 3)
            depthwise_taps(3, d, t, c);
        for (; t < d->taps; t++)
            depthwise_taps(1, d, t, c);
    }
}
