"""AWS's documents and the emulator's own types, one made of the other. Nothing else reads a member of a request."""
