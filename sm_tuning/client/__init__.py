"""What talks to AWS, or to the emulator, which cannot be told apart."""
