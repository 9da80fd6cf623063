"""Where in its range the best value of a hyperparameter probably lies, by what its name says that it is to a training.

Whoever writes a range knows something: the best rate lies in its upper half, more epochs and larger models are better than few and
small ones, small batches better than large ones. What twenty recorded trainings have is in decision 82. A belief only says where to
look first: the search is drawn there by its first points and, the less the more results there are, by what it expects to gain.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import ndtr, ndtri

from local_emulator.domain.space import Categorical, Parameter, is_logarithmic
from local_emulator.strategies.gaussian_process import Array
from sm_tuning.rules.roles import Role, role_of

_LIKELY: Mapping[Role, tuple[float, float]] = {
    Role.RATE: (0.67, 0.2),
    Role.EPOCHS: (0.75, 0.2),
    Role.SIZE: (0.75, 0.2),
    Role.BATCH: (0.35, 0.25),
    Role.PENALTY: (0.4, 0.25),
    Role.LEAF: (0.35, 0.25),
    Role.SAMPLE: (0.67, 0.25),
}
"""Where in its range the best value of a number lies: mean and standard deviation, in units of the range."""
_ALSO_LINEAR = (Role.EPOCHS, Role.SAMPLE)
_WIDER = 1.5  # first points are spread over more than what is likely


class Belief:
    """Normal distributions of the best values of the numbers of which something is known, cut off at the ends of their ranges.

    Attributes:
        centres: Their means, 0.5 for a number of which nothing is known.
    """

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        likely = [_likely(parameter) for parameter in parameters]
        self.centres = np.array([0.5 if normal is None else normal[0] for normal in likely])
        self._widths = np.array([np.inf if normal is None else normal[1] for normal in likely])

    def log_density(self, rows: Array) -> Array:
        """How probable each row is the best, up to a constant."""
        return np.asarray(-0.5 * (((rows - self.centres) / self._widths) ** 2).sum(axis=1))

    def slope(self, rows: Array) -> Array:
        """The gradient of that by columns."""
        return np.asarray((self.centres - rows) / self._widths**2)

    def shaped(self, units: Array) -> Array:
        """Rows that are distributed as the best ones are, but wider, of rows that fill the unit cube evenly."""
        known = np.isfinite(self._widths)
        centres, widths, rows = self.centres[known], _WIDER * self._widths[known], units.copy()
        low, high = ndtr(-centres / widths), ndtr((1.0 - centres) / widths)
        rows[:, known] = centres + widths * ndtri(low + units[:, known] * (high - low))
        return rows


def _likely(parameter: Parameter) -> tuple[float, float] | None:
    """None where a name says nothing, and where a range should be a logarithm but is none: its middle is far above what is usual."""
    if isinstance(parameter, Categorical):
        return None
    role = role_of(parameter.name)
    return _LIKELY.get(role) if role and (role in _ALSO_LINEAR or is_logarithmic(parameter)) else None
