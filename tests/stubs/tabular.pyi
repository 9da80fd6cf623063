from local_emulator.algorithms.scripts.tabular import *
