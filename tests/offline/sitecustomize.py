"""No test reaches the network: Python imports this where PYTHONPATH names the folder."""

import sys

NAMES = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
CALLS = ("socket.connect", "socket.sendto")


def refuse(event, arguments):
    """An audit hook: every socket of Python reports here. An internet address is a tuple."""
    if event in NAMES or event in CALLS and isinstance(arguments[1], tuple):
        raise PermissionError(f"the tests are offline: {event}{arguments}")


sys.addaudithook(refuse)
