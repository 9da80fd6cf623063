from training_scripts.images import *
