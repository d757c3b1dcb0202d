"""Which of several intents a message has, from few examples of each, as vectors."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.float32]
DOUBT = 1 / 3  # cosine lost for each halving, by e, of an intent's probability
STRENGTH = 10.0  # inverse regularisation: unit vectors need a weak one
_MOST_STEPS = 1000


class IntentClassifier:
    """Nearest example, less what a regression over all examples doubts of the intent.

    The cosine tells whether a message is like anything known, the regression which intent it is
    where several are alike. Safe to share between threads.
    """

    def __init__(self, examples: Sequence[Rows]) -> None:
        """Fits the regression, in a second for 1,500 examples.

        Args:
            examples: An array (examples, width) of unit vectors for each intent; none empty.
        """
        self._examples = np.concatenate([*examples])
        self._starts = np.cumsum([0, *(len(rows) for rows in examples[:-1])])
        self._regression: Any = None
        if len(examples) > 1:
            from sklearn.linear_model import LogisticRegression

            labels = np.repeat(np.arange(len(examples)), [len(rows) for rows in examples])
            regression = LogisticRegression(C=STRENGTH, max_iter=_MOST_STEPS)
            self._regression = regression.fit(self._examples, labels)

    def scores(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Returns (texts, intents): cosines, lower the more doubtful an intent is."""
        nearest = np.maximum.reduceat(rows @ self._examples.T, self._starts, axis=1)
        if self._regression is None:
            return nearest.astype(np.float64)
        doubt: npt.NDArray[np.float64] = self._regression.predict_log_proba(rows)
        return nearest + DOUBT * doubt
