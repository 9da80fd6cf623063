from training_scripts.contract import *
