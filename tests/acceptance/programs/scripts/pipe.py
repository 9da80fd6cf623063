"""Keep what the FIFOs of two epochs bring."""

import os
from pathlib import Path

for epoch in range(2):
    content = Path(f"/opt/ml/input/data/train_{epoch}").read_bytes()
    Path(os.environ["SM_MODEL_DIR"], f"train_{epoch}").write_bytes(content)
