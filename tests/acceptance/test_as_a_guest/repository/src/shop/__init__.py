"""A program as users of SageMaker have one."""
