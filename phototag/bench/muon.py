"""Muon: momentum whose steps are brought to equal singular values, for matrices and convolutions;
AdamW for the rest.

Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024; the size of the step
as in Liu et al., arXiv 2502.16982, so that the same rate serves both parts. Keras has an optimizer
of that name, but for plain matrices only: a VGG16 is all convolutions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic Newton-Schulz iteration (Jordan et al.)."""


def orthogonalised(matrix: Any, *, steps: int = 5, dtype: str = "float32") -> Any:
    """[n, m] with all singular values near 1 (0.7 to 1.2), its singular vectors kept."""
    a, b, c = COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = ops.cast(matrix, "float32")
    x = ops.cast(x / (ops.norm(x) + 1e-7), dtype)
    x = ops.transpose(x) if tall else x
    for _ in range(steps):
        gram = ops.matmul(x, ops.transpose(x))
        x = a * x + ops.matmul(b * gram + c * ops.matmul(gram, gram), x)
    return ops.cast(ops.transpose(x) if tall else x, "float32")


class Muon(keras.optimizers.Optimizer):  # type: ignore[misc]
    """Muon for kernels of hidden layers; AdamW for vectors, the first convolution and what `plain`
    names."""

    def __init__(
        self,
        learning_rate: float = 2e-3,
        *,
        momentum: float = 0.95,
        decay: float = 0.05,
        betas: tuple[float, float] = (0.9, 0.999),
        plain: Sequence[str] = (),
        dtype: str = "float32",
    ) -> None:
        """`decay`: of kernels only, times the rate. `plain`: parts of the paths of variables that
        AdamW takes. `dtype`: of the iteration; bfloat16 is enough where it is fast."""
        super().__init__(learning_rate=learning_rate, name="muon")
        self.momentum, self.kernel_decay = momentum, decay
        self.betas, self.plain, self.iteration_dtype = betas, tuple(plain), dtype

    def build(self, variables: Any) -> None:
        if self.built:
            return
        super().build(variables)
        make = self.add_variable_from_reference
        self._first = [make(v, name="momentum") for v in variables]
        self._second = [None if self.is_kernel(v) else make(v, name="velocity") for v in variables]

    def is_kernel(self, variable: Any) -> bool:
        """Whether Muon takes it: matrices and convolutions behind the first."""
        shape = variable.shape
        if len(shape) not in (2, 4) or any(part in variable.path for part in self.plain):
            return False
        return len(shape) == 2 or shape[2] > 3

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        index = self._get_variable_index(variable)
        rate = ops.cast(learning_rate, "float32")
        gradient = ops.cast(gradient, "float32")
        if self._second[index] is None:
            self._muon(gradient, variable, rate, self._first[index])
        else:
            self._adam(gradient, variable, rate, self._first[index], self._second[index])

    def _muon(self, gradient: Any, variable: Any, rate: Any, first: Any) -> None:
        mean = self.momentum * first + (1 - self.momentum) * gradient
        self.assign(first, mean)
        ahead = self.momentum * mean + (1 - self.momentum) * gradient
        flat = ops.reshape(ahead, (-1, variable.shape[-1]))
        step = orthogonalised(flat, dtype=self.iteration_dtype)
        step = step * 0.2 * float(max(flat.shape)) ** 0.5
        kept = variable * (1 - rate * self.kernel_decay)
        self.assign(variable, kept - rate * ops.reshape(step, variable.shape))

    def _adam(self, gradient: Any, variable: Any, rate: Any, first: Any, second: Any) -> None:
        slow, slower = self.betas
        time = ops.cast(self.iterations + 1, "float32")
        mean = slow * first + (1 - slow) * gradient
        square = slower * second + (1 - slower) * gradient * gradient
        self.assign(first, mean)
        self.assign(second, square)
        size = rate * ops.sqrt(1 - ops.power(slower, time)) / (1 - ops.power(slow, time))
        self.assign(variable, variable - size * mean / (ops.sqrt(square) + 1e-8))
