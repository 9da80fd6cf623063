"""Uses what requirements.txt names."""

import six

print(f"six is at {six.__file__}")
