"""What is put into moto while this emulator uses it: operations it lacks, faults of its CloudFormation and of its rules."""
