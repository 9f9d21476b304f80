"""The checks, and what they are made of; `catalogue` lists them.

Each is after a class of faults: `directed`, `maps` and `opening` go where a fault is likely,
`sequential` asks thousands of requests beside the model (`asks`, `comparison`, `failing`),
`interleaving` keeps many in flight (`load`, `flight`), `under_load` waits for the background copy,
and `restarting` kills and cuts the power (`life`).
"""
