"""A tour of every operation with boto3.

Each topic is a generator: where it yields, the server is killed and started again, and what follows
has to find everything as it was.
"""
