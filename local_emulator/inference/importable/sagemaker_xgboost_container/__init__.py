"""Stands in for AWS's package in scripts of the XGBoost image, which holds it: data, encoders, and training on several hosts.

It needs the xgboost of the script's interpreter, from version 2.1 on several hosts.
"""
