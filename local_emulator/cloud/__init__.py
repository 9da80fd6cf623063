"""The rest of AWS: moto behind one lock, and an S3 whose content survives a restart."""
