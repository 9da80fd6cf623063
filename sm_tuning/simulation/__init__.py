"""What a tuning job would bring with another strategy, more training jobs or more at a time: simulated from the ones that there were.

The room that may import the emulator's pure part: its strategies, `decide`, completion criteria and the types that these need.
"""
