"""Small dense updates, compiled: in numpy each would cost as much as all the rest of a prediction."""

from numba import njit

_OPTIONS = {"cache": True, "nogil": True}


@njit("float64(float64[::1],float64[::1])", **_OPTIONS)
def dot(w, x):  # type: ignore[no-untyped-def]
    """Return w'x."""
    total = 0.0
    for i in range(x.size):
        total += w[i] * x[i]
    return total


@njit("float64(float64[:,::1],float64[::1])", **_OPTIONS)
def quadratic(p, x):  # type: ignore[no-untyped-def]
    """Return x'Px."""
    total = 0.0
    for i in range(x.size):
        for j in range(x.size):
            total += x[i] * p[i, j] * x[j]
    return total


@njit("void(float64[::1],float64[::1],float64)", **_OPTIONS)
def add_scaled(w, x, amount):  # type: ignore[no-untyped-def]
    """Let w += amount x."""
    for i in range(x.size):
        w[i] += amount * x[i]


@njit("float64(float64[::1],float64[:,::1],float64[::1],float64,float64,float64,float64,float64)", **_OPTIONS)
def correct(w, p, x, y, noise, forgetting, drift, most_trace):  # type: ignore[no-untyped-def]
    """Let w and P take in (x, y) and return the error before: recursive least squares and the Kalman filter are this.

    P += drift I;  k = P x / (noise + x'P x);  w += k e;  P = (P - k x'P) / forgetting.
    P stays symmetric, since one half is written to both. It is not divided where its trace would exceed `most_trace`:
    what is never excited must not be forgotten without end (wind-up).
    """
    n = x.size
    px = p[0] * 0.0
    gain, error, trace = noise, y, 0.0
    for i in range(n):
        p[i, i] += drift
    for i in range(n):
        for j in range(n):
            px[i] += p[i, j] * x[j]
        gain += px[i] * x[i]
        error -= w[i] * x[i]
    for i in range(n):
        w[i] += px[i] * error / gain
        trace += p[i, i] - px[i] * px[i] / gain
    divisor = forgetting if trace <= forgetting * most_trace else 1.0
    for i in range(n):
        for j in range(i + 1):
            p[i, j] = (p[i, j] - px[i] * px[j] / gain) / divisor
            p[j, i] = p[i, j]
    return error


@njit("boolean(float64[::1],float64[:,::1],float64)", **_OPTIONS)
def is_sound(w, p, most):  # type: ignore[no-untyped-def]
    """Return whether w and P are numbers, none of w beyond `most`, and no variance in P negative."""
    sound = True
    for i in range(w.size):
        sound = sound and abs(w[i]) <= most and 0.0 <= p[i, i] < 1e300
    return sound
