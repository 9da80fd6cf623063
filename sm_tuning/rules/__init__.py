"""What SageMaker accepts: requests in, violations out."""
