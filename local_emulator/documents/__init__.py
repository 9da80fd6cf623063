"""Conversion between AWS's JSON documents and the domain types. Only this package reads members of requests."""
