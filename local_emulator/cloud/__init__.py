"""The rest of AWS: moto behind one lock, with an S3 whose content survives a restart."""
