from training_scripts.network import *
