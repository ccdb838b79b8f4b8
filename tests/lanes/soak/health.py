"""Look at a service's health again and again: `python -m tests.lanes.soak.health URL`. A line a look: when, seconds.

A process of its own: beside the threads of the load it would wait for their interpreter lock and count that too.
"""

from __future__ import annotations

import sys
import time

import httpx

_EVERY_S = 0.1

if __name__ == "__main__":
    with httpx.Client(base_url=sys.argv[1], timeout=90) as http:
        while True:
            began = time.monotonic()
            try:
                well = http.get("/healthz").status_code == 200
            except httpx.TransportError:
                well = False
            if well:
                print(began, time.monotonic() - began, flush=True)
            time.sleep(_EVERY_S)
