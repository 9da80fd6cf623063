"""Scripts that stand in for those of AWS's algorithms that run in script mode: files of source archives, no modules of the emulator's.

An archive holds `<algorithm>_training.py` as `transfer_learning.py` and `<algorithm>_inference.py` as `inference.py`, beside what
they import (`tabular.py`), `algorithm.json` (task and hyperparameters, out of the catalogue) and `requirements.txt`. They need the
interpreter that the image is, and know what a container knows. local_emulator/cloud/jumpstart.py makes the archives.
"""
