"""Elementary functions beside numpy's ufuncs on arrays that stay in the cache, alone and fused into an expression."""

import numpy as np
from _bench import alternate, table, verdict

from musyq_lab.kernels import _math
from musyq_lab.kernels._compile import kernel

SIZE = 65536
FUNCTIONS = {
    "exp": (np.exp, -10, 10), "log": (np.log, 1e-3, 1e3), "sin": (np.sin, -6, 6), "cos": (np.cos, -6, 6),
    "acos": (np.arccos, -1, 1), "asin": (np.arcsin, -1, 1), "tanh": (np.tanh, -4, 4),
}  # fmt: skip


def one(function):
    """Kernel that applies one function."""

    def body(x, out):
        out[0] = function(x)

    return kernel("()->()")(body)


def two(function):
    """Kernel that applies one function of two numbers."""

    def body(x, y, out):
        out[0] = function(x, y)

    return kernel("(),()->()")(body)


@kernel("(),(),()->()")  # optical depth, cosine of the zenith, reflectance -> attenuated
def fused(tau, mu, rho, out):
    """Beer's law and a power, as a radiation kernel has it."""
    out[0] = rho * _math.exp(-tau / mu) + _math.log(1.0 + tau) * _math.sqrt(mu)


def fused_numpy(tau, mu, rho):
    """Compute the same with numpy."""
    return rho * np.exp(-tau / mu) + np.log(np.float32(1) + tau) * np.sqrt(mu)


def main() -> None:
    """Measure and print."""
    rng = np.random.default_rng(0)
    rows = []
    for dtype in (np.float32, np.float64):
        for name, (theirs, low, high) in FUNCTIONS.items():
            x = rng.uniform(low, high, SIZE).astype(dtype)
            rows.append(row(name, one(getattr(_math, name)), theirs, (x,)))
        x, y = rng.uniform(0.1, 5, SIZE).astype(dtype), rng.uniform(-2, 2, SIZE).astype(dtype)
        rows += [
            row(name, two(getattr(_math, name)), f, (x, y)) for name, f in (("atan2", np.arctan2), ("pow", np.power))
        ]
        three = tuple(rng.uniform(0.1, 1, SIZE).astype(dtype) for _ in range(3))
        rows.append(row("fused", fused, fused_numpy, three, 1.0))
    table(f"{SIZE} elements, in cache", ["function", "type", "Mop/s ours", "Mop/s numpy", "ours / numpy"], rows)


def row(name, ours, theirs, arguments, goal=0.8):
    """Measure one line of the table."""
    out = np.empty_like(arguments[0])
    ufunc = isinstance(theirs, np.ufunc)
    jobs = {
        "ours": lambda: ours(*arguments, out=out),
        "theirs": lambda: theirs(*arguments, out=out) if ufunc else theirs(*arguments),
    }
    times = alternate(jobs, rounds=41, repeat={"ours": 10, "theirs": 10})
    mine, other = times["ours"].seconds()[1], times["theirs"].seconds()[1]
    return [name, str(out.dtype), SIZE / mine / 1e6, SIZE / other / 1e6, verdict(other / mine, goal)]


if __name__ == "__main__":
    main()
