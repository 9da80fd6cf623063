"""Bodies that become a DMatrix."""

import numpy as np
import pytest

from local_emulator.inference.toolkits.xgboost import of_csv, of_libsvm


def test_csv_is_rows_of_numbers() -> None:
    assert of_csv("1,2\n3,4").get_data().toarray().tolist() == [[1, 2], [3, 4]]


def test_libsvm_counts_from_zero_and_skips_labels() -> None:
    matrix = of_libsvm("1 0:5 2:7\n0 1:6\n")
    assert (matrix.num_row(), matrix.num_col()) == (2, 3)
    dense = matrix.get_data().toarray()
    assert np.array_equal(dense, [[5, 0, 7], [0, 6, 0]])


@pytest.mark.parametrize(("features", "columns"), [(None, 4), (3, 2), (5, 4)])
def test_the_column_behind_the_models_features_is_left_out(features: int | None, columns: int) -> None:
    assert of_libsvm("1 1:5 3:7", features).num_col() == columns
