"""RecordIO with protobuf, as the SageMaker SDK writes it."""

import numpy as np
import scipy.sparse

from local_emulator.algorithms.recordio import read
from tests.integration.local_emulator.algorithms.running import recordio


def test_recordio_as_the_sdk_writes_it() -> None:
    features = scipy.sparse.csr_matrix(np.array([[0.0, 1.5, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    rows, labels = read(recordio(features, [1, 2, 3])[1], "part", 3)
    assert rows.toarray().tolist() == features.toarray().tolist()
    assert labels is not None
    assert labels.tolist() == [1, 2, 3]
    rows, labels = read(recordio(np.array([[1.0, 2.0]]))[1], "part")
    assert (rows.tolist(), labels) == ([[1.0, 2.0]], None)
