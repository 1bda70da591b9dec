"""Whether the service in this container can work: exit code 0 if it can, 1 if it cannot.

Needs nothing but Python; the port is that of the settings.
"""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request

TIMEOUT_S = 4.0


def main() -> int:
    """Ask ``/health/ready``; what it answers is shown by ``docker inspect``."""
    port = os.environ.get("NEURALLAYERS_PORT", "8077")
    # A proxy of the environment is for the world outside, not for this container.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}/health/ready", timeout=TIMEOUT_S) as answer:
            sys.stdout.write(answer.read().decode())
    except urllib.error.HTTPError as refusal:
        sys.stdout.write(refusal.read().decode())
        return 1
    except OSError as error:
        sys.stdout.write(f"no answer: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
