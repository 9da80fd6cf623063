"""Executions of pipelines as pure functions: what to do next, what functions and conditions come to, what results are cached by."""
