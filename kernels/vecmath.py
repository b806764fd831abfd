"""Elementary functions made of additions and multiplications only.

LLVM calls libm for these functions once per lane; polynomials keep a loop over
lanes in vector registers (5 to 10 times faster) and give the same bits on every
libm. Branch-free; arguments outside the stated range are not checked. Integers
are written with explicit widths so that the same text runs interpreted.
"""

from __future__ import annotations

import numpy as np

from .jit import lane_kernel

F32, F64 = np.float32, np.float64
I32, I64, U32, U64 = np.int32, np.int64, np.uint32, np.uint64

SQRT_HALF_BITS = I32(0x3F3504F3)
"""Bits of the float32 square root of one half: mantissas are reduced to [sqrt(1/2), sqrt(2))."""
ROUNDER = 6755399441055744.0
"""1.5 * 2^52: adding and subtracting it rounds a float64 to an integer, which its last bits hold meanwhile: AVX2 has
no conversion between float64 and int64."""
ROUNDER_BITS = I64(0x4338000000000000)
INTEGER_BITS = I64(0x4330000000000000)
"""Bits of 2^52: or-ed with an integer below 2^52 they are the float64 2^52 + integer."""
LOG2_HIGH, LOG2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
"""log(2) in two parts; the high one has 21 trailing zero bits, so its multiples by an exponent are exact."""


@lane_kernel
def log32(x: np.float32) -> np.float32:
    """Natural logarithm of a positive normal float32, 1e-7 relative (Cephes ``logf``, Moshier 1989)."""
    bits = F32(x).view(I32)
    exponent = I32(I32(bits - SQRT_HALF_BITS) >> I32(23))
    scale = F32(exponent)
    r = I32(bits - I32(exponent << I32(23))).view(F32) - F32(1.0)
    z = r * r
    p = F32(7.0376836292e-2)
    p = p * r + F32(-1.1514610310e-1)
    p = p * r + F32(1.1676998740e-1)
    p = p * r + F32(-1.2420140846e-1)
    p = p * r + F32(1.4249322787e-1)
    p = p * r + F32(-1.6668057665e-1)
    p = p * r + F32(2.0000714765e-1)
    p = p * r + F32(-2.4999993993e-1)
    p = p * r + F32(3.3333331174e-1)
    y = p * z * r + scale * F32(-2.12194440e-4) - F32(0.5) * z
    return r + y + scale * F32(0.693359375)


@lane_kernel
def log64(x: float) -> float:
    """Natural logarithm of a positive normal float64, 3e-16 relative (fdlibm ``e_log.c``, Sun 1993)."""
    bits = F64(x).view(I64)
    exponent = I64((bits >> I64(52)) | INTEGER_BITS).view(F64) - 4503599627371519.0
    m = I64((bits & I64(0x000FFFFFFFFFFFFF)) | I64(0x3FF0000000000000)).view(F64)
    upper = m > 1.4142135623730951
    m = 0.5 * m if upper else m
    scale = exponent + 1.0 if upper else exponent
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    odd = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01))
    even = 2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)
    even = z * (6.666666666666735130e-01 + w * even)
    half = 0.5 * f * f
    return scale * LOG2_HIGH - ((half - (s * (half + even + odd) + scale * LOG2_LOW)) - f)


@lane_kernel
def exp64(x: float) -> float:
    """Exponential for abs(x) < 708, 3e-16 relative (Taylor to order 13 on half of log 2)."""
    rounded = x * 1.4426950408889634 + ROUNDER
    n = rounded - ROUNDER
    r = (x - n * LOG2_HIGH) - n * LOG2_LOW
    p = 1.6059043836821613e-10
    p = p * r + 2.08767569878681e-09
    p = p * r + 2.505210838544172e-08
    p = p * r + 2.755731922398589e-07
    p = p * r + 2.7557319223985893e-06
    p = p * r + 2.48015873015873e-05
    p = p * r + 1.984126984126984e-04
    p = p * r + 1.388888888888889e-03
    p = p * r + 8.333333333333333e-03
    p = p * r + 4.1666666666666664e-02
    p = p * r + 1.6666666666666666e-01
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    exponent = F64(rounded).view(I64) - ROUNDER_BITS
    return p * I64((exponent + I64(1023)) << I64(52)).view(F64)


@lane_kernel
def sincos32(turn: np.uint32) -> tuple[np.float32, np.float32]:
    """Sine and cosine of 2 pi turn / 2^32, 1e-7 absolute (Cephes ``sinf``, ``cosf``); the reduction is exact."""
    quadrant = I64(I64(turn) + I64(0x20000000)) >> I64(30)
    t = F32(I32(I64(turn) - (quadrant << I64(30)))) * F32(1.4629180792671596e-09)
    z = t * t
    s = ((F32(-1.9515295891e-4) * z + F32(8.3321608736e-3)) * z + F32(-1.6666654611e-1)) * z * t + t
    c = (F32(2.443315711809948e-5) * z + F32(-1.388731625493765e-3)) * z + F32(4.166664568298827e-2)
    c = c * z * z - F32(0.5) * z + F32(1.0)
    odd = (quadrant & I64(1)) != I64(0)
    sine = c if odd else s
    cosine = s if odd else c
    sine = -sine if (quadrant & I64(2)) != I64(0) else sine
    cosine = -cosine if ((quadrant + I64(1)) & I64(2)) != I64(0) else cosine
    return sine, cosine


@lane_kernel
def sincos64(turn: float) -> tuple[float, float]:
    """Sine and cosine of 2 pi turn for turn in [0, 1], 3e-16 absolute (fdlibm ``k_sin.c``, ``k_cos.c``)."""
    nearest = (4.0 * turn + ROUNDER) - ROUNDER
    t = (turn - 0.25 * nearest) * 6.283185307179586
    z = t * t
    s = -2.50507602534068634195e-08 + z * 1.58969099521155010221e-10
    s = -1.98412698298579493134e-04 + z * (2.75573137070700676789e-06 + z * s)
    s = t + t * z * (-1.66666666666666324348e-01 + z * (8.33333333332248946124e-03 + z * s))
    c = 2.08757232129817482790e-09 + z * -1.13596475577881948265e-11
    c = 2.48015872894767294178e-05 + z * (-2.75573143513906633035e-07 + z * c)
    c = 1.0 - 0.5 * z + z * z * (4.16666666666666019037e-02 + z * (-1.38888888888741095749e-03 + z * c))
    quadrant = I64(nearest)
    odd = (quadrant & I64(1)) != I64(0)
    sine = c if odd else s
    cosine = s if odd else c
    sine = -sine if (quadrant & I64(2)) != I64(0) else sine
    cosine = -cosine if ((quadrant + I64(1)) & I64(2)) != I64(0) else cosine
    return sine, cosine


@lane_kernel
def upper_tail64(z: float) -> float:
    """P(Z > z) of a standard normal Z, 1e-14 relative for abs(z) < 7 (Hart 1968, algorithm 5666; West 2005)."""
    x = z if z > 0.0 else -z
    top = 3.52624965998911e-02 * x + 0.700383064443688
    top = top * x + 6.37396220353165
    top = top * x + 33.912866078383
    top = top * x + 112.079291497871
    top = top * x + 221.213596169931
    top = top * x + 220.206867912376
    bottom = 8.83883476483184e-02 * x + 1.75566716318264
    bottom = bottom * x + 16.064177579207
    bottom = bottom * x + 86.7807322029461
    bottom = bottom * x + 296.564248779674
    bottom = bottom * x + 637.333633378831
    bottom = bottom * x + 793.826512519948
    bottom = bottom * x + 440.413735824752
    tail = exp64(-0.5 * x * x) * top / bottom
    return tail if z > 0.0 else 1.0 - tail
