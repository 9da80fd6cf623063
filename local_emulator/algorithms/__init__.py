"""Stand-ins for AWS's built-in algorithms: programs of their own, which know of the emulator no more than a container does.

Each reads `/opt/ml` as AWS's image does, checks hyperparameters as AWS does, prints AWS's lines and says that it is a stand-in. None
of the emulator imports them.
"""
