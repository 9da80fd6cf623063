"""Bodies of requests as scripts of the XGBoost image read them."""

from local_emulator.inference.importable.sagemaker_xgboost_container import encoder


def test_text_and_bytes_become_a_matrix() -> None:
    for body in ("1,2\n3,4", b"1,2\n3,4"):
        assert encoder.csv_to_dmatrix(body).get_data().toarray().tolist() == [[1, 2], [3, 4]]
    for body in ("0 0:1 1:2", b"0:1 1:2"):
        assert encoder.libsvm_to_dmatrix(body).get_data().toarray().tolist() == [[1, 2]]
