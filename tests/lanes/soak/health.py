"""Poll a service's health: `python -m tests.lanes.soak.health URL`. One line per check: start time, duration in s.

A separate process: next to the threads of the load it would also measure the wait for their GIL.
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
