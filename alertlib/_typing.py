"""Types of arrays and callbacks, named once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
# Minutes, days and places of bars, of which a million take 4 MB rather than 8.
Narrow = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Signals = npt.NDArray[np.int8]

# Called with a stage's name, steps done and steps ahead.
Progress = Callable[[str, int, int], None]
