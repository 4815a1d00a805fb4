/* optim_formulas.h: the optimizer steps of kernels.h in plain C, an element at a time. Define REAL,
 * F(name), FMA, SQRT, ABS before. (fragment, included twice) */

static REAL F(mean)(double keep, REAL old, REAL x)
{
    return FMA((REAL)keep, old, (REAL)(1 - keep) * x);
}

static REAL F(square)(double keep, REAL old, REAL x)
{
    return FMA((REAL)keep, old, ((REAL)(1 - keep) * x) * x);
}

static REAL F(larger)(REAL a, REAL b)
{
    return b > a || b != b ? b : a;
}

static REAL F(slope)(REAL p, REAL g, bool maximize, double weight_decay)
{
    g = maximize ? -g : g;
    return weight_decay != 0 ? FMA((REAL)weight_decay, p, g) : g;
}

static void F(sgd)(REAL *p, REAL g, REAL **s, const void *args)
{
    const hone__sgd_args *a = args;
    g = F(slope)(*p, g, a->maximize, a->weight_decay);
    if (a->momentum != 0) {
        REAL *buf = s[0];
        *buf = a->first ? g : FMA((REAL)a->momentum, *buf, (REAL)(1 - a->dampening) * g);
        g = a->nesterov ? FMA((REAL)a->momentum, *buf, g) : *buf;
    }
    *p = *p - (REAL)a->lr * g;
}

static void F(adam)(REAL *p, REAL g, REAL **s, const void *args)
{
    const hone__adam_args *a = args;
    g = F(slope)(*p, g, a->maximize, a->weight_decay);
    if (a->shrink != 1)
        *p = *p * (REAL)a->shrink;
    *s[0] = F(mean)(a->beta1, *s[0], g);
    *s[1] = F(square)(a->beta2, *s[1], g);
    REAL w = *s[1], up = (REAL)a->rate * *s[0];
    if (a->amsgrad)
        w = *s[2] = F(larger)(*s[2], *s[1]);
    if (a->grad_rate != 0)
        up = FMA((REAL)a->grad_rate, g, up);
    *p = *p - (a->plain ? up : up / FMA(SQRT(w), (REAL)a->root, (REAL)a->eps));
}

static void F(adamax)(REAL *p, REAL g, REAL **s, const void *args)
{
    const hone__adamax_args *a = args;
    g = F(slope)(*p, g, a->maximize, a->weight_decay);
    *s[0] = F(mean)(a->beta1, *s[0], g);
    *s[1] = F(larger)((REAL)a->beta2 * *s[1], ABS(g) + (REAL)a->eps);
    *p = *p - ((REAL)a->rate * *s[0]) / *s[1];
}

static void F(rmsprop)(REAL *p, REAL g, REAL **s, const void *args)
{
    const hone__rmsprop_args *a = args;
    const bool momentum = a->momentum != 0;
    g = F(slope)(*p, g, a->maximize, a->weight_decay);
    *s[0] = F(square)(a->alpha, *s[0], g);
    REAL variance = *s[0];
    if (a->centered) {
        REAL *mean = s[momentum ? 2 : 1];
        *mean = F(mean)(a->alpha, *mean, g);
        variance = F(larger)(FMA(-*mean, *mean, variance), 0);
    }
    const REAL d = SQRT(variance) + (REAL)a->eps;
    if (momentum) {
        *s[1] = FMA((REAL)a->momentum, *s[1], g / d);
        *p = *p - (REAL)a->lr * *s[1];
    } else {
        *p = *p - ((REAL)a->lr * g) / d;
    }
}

static void F(adagrad)(REAL *p, REAL g, REAL **s, const void *args)
{
    const hone__adagrad_args *a = args;
    g = F(slope)(*p, g, a->maximize, a->weight_decay);
    *s[0] = FMA(g, g, *s[0]);
    *p = *p - ((REAL)a->rate * g) / (SQRT(*s[0]) + (REAL)a->eps);
}

static void F(adadelta)(REAL *p, REAL g, REAL **s, const void *args)
{
    const hone__adadelta_args *a = args;
    g = F(slope)(*p, g, a->maximize, a->weight_decay);
    *s[0] = F(square)(a->rho, *s[0], g);
    const REAL d = SQRT(*s[1] + (REAL)a->eps) / SQRT(*s[0] + (REAL)a->eps) * g;
    *s[1] = F(square)(a->rho, *s[1], d);
    *p = *p - (REAL)a->lr * d;
}

static void F(lion)(REAL *p, REAL g, REAL **s, const void *args)
{
    const hone__lion_args *a = args;
    g = a->maximize ? -g : g;
    const REAL c = F(mean)(a->beta1, *s[0], g);
    *s[0] = F(mean)(a->beta2, *s[0], g);
    *p = *p * (REAL)a->shrink - (REAL)a->lr * (c > 0 ? 1 : c < 0 ? -1 : c);
}

static void F(muon)(REAL *p, REAL g, REAL **s, const void *args)
{
    const hone__muon_args *a = args;
    *s[0] = F(mean)(a->momentum, *s[0], g);
    *p = a->nesterov ? F(mean)(a->momentum, *s[0], g) : *s[0];
}
