"""No test reaches the network: Python imports this where PYTHONPATH names the folder.

The loopback interface is none: over it, Dask's processes talk to each other.
"""

import sys

NAMES = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
CALLS = ("socket.connect", "socket.sendto")
HERE = ("127.0.0.1", "::1", "localhost")


def refuse(event, arguments):
    """An audit hook: every socket of Python reports here. An internet address is a tuple."""
    called = event in CALLS and isinstance(arguments[1], tuple)
    if (event in NAMES or called) and (arguments[1] if called else arguments)[0] not in HERE:
        raise PermissionError(f"the tests are offline: {event}{arguments}")


sys.addaudithook(refuse)
