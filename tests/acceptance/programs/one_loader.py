"""A pytest plugin: the models of services are read once, as in our own tests, and not for every client."""

import functools

import botocore.loaders
import botocore.session

botocore.loaders.create_loader = botocore.session.create_loader = functools.cache(botocore.loaders.create_loader)
