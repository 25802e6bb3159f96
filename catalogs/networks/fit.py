"""Least squares for networks with one hidden layer: Levenberg and Marquardt's steps with early stopping.

The same numbers come out of every run on a machine: random numbers from a counter, sums in one order, one thread.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ROUNDS = 90
PATIENCE = 10  # rounds without a better validation
_BLOCK = 4096  # cases at a time, so that the Jacobian stays in the cache
_GAIN = 1e-6  # smallest relative gain of a round


class Fit:
    """A network in the making, on standardised inputs and output."""

    def __init__(self, inputs: int, hidden: int, key: int) -> None:
        rng = np.random.Generator(np.random.Philox(key))
        # Weights that leave tanh between its straight and its flat part, as Nguyen and Widrow (1990) advise.
        self.weights = rng.normal(0.0, 0.7 * np.sqrt(3.0 / inputs), (hidden, inputs))
        self.biases = rng.uniform(-1.0, 1.0, hidden)
        self.outputs = rng.normal(0.0, 0.5, hidden)
        self.constant = 0.0

    @property
    def parameters(self) -> Floats:
        """All weights in one vector."""
        return np.concatenate([self.weights.ravel(), self.biases, self.outputs, [self.constant]])

    @parameters.setter
    def parameters(self, values: Floats) -> None:
        hidden, inputs = self.weights.shape
        self.weights = values[: hidden * inputs].reshape(hidden, inputs)
        self.biases, self.outputs = values[hidden * inputs : -1].reshape(2, hidden)
        self.constant = float(values[-1])

    def __call__(self, x: Floats) -> Floats:
        """Return the output of inputs of shape (case, input)."""
        made: Floats = np.tanh(x @ self.weights.T + self.biases) @ self.outputs + self.constant
        return made

    def normal(self, x: Floats, residual: Floats) -> tuple[Floats, Floats]:
        """Return the matrix and the right side of the normal equations of a step."""
        size = self.parameters.size
        matrix, right = np.zeros((size, size)), np.zeros(size)
        for start in range(0, len(x), _BLOCK):
            part, rest = x[start : start + _BLOCK], residual[start : start + _BLOCK]
            h = np.tanh(part @ self.weights.T + self.biases)
            slope = (1.0 - h * h) * self.outputs
            inner = (slope[:, :, None] * part[:, None, :]).reshape(len(part), -1)
            jacobian = np.concatenate([inner, slope, h, np.ones((len(part), 1))], axis=1)
            matrix += jacobian.T @ jacobian
            right += jacobian.T @ rest
        return matrix, right


def fit(x: Floats, y: Floats, valid_x: Floats, valid_y: Floats, *, hidden: int, key: int) -> tuple[Fit, float]:
    """Train a network.

    Parameters
    ----------
    x, y
        Standardised inputs, shape (case, input), and outputs, shape (case,).
    valid_x, valid_y
        Cases that decide when to stop.
    hidden
        Number of hidden neurons.
    key
        Of the first weights.

    Returns
    -------
    network, error
        That of the best round, and its mean squared error on the validation cases.
    """
    net, damping = Fit(x.shape[1], hidden, key), 1e-2
    residual = net(x) - y
    cost, best, error, waited = float(residual @ residual), net.parameters, np.inf, 0
    for _ in range(ROUNDS):
        found = _step(net, x, y, residual, cost, damping)
        if found is None:
            break
        residual, after, damping = found
        gain, cost = (cost - after) / cost, after
        now = float(np.mean((net(valid_x) - valid_y) ** 2))
        waited = 0 if now < error * (1.0 - 1e-4) else waited + 1
        if now < error:
            best, error = net.parameters, now
        if waited >= PATIENCE or gain < _GAIN:
            break
    net.parameters = best
    return net, error


def _step(
    net: Fit, x: Floats, y: Floats, residual: Floats, cost: float, damping: float
) -> tuple[Floats, float, float] | None:
    """Take a step that lowers the cost; return residual, cost and the next damping, None where there is none."""
    matrix, right = net.normal(x, residual)
    before, diagonal = net.parameters, np.diag(matrix)
    scale = np.diag(diagonal + 1e-6 * diagonal.mean())
    for _ in range(10):
        net.parameters = before - np.linalg.solve(matrix + damping * scale, right)
        tried = net(x) - y
        after = float(tried @ tried)
        if after < cost:
            return tried, after, max(damping / 3.0, 1e-9)
        damping *= 4.0
    net.parameters = before
    return None
