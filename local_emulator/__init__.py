"""SageMaker tuning and training on this machine, for real; moto is the rest of AWS."""
