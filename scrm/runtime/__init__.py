"""Running the whole product on one machine: embedded Postgres and Redis, and the supervisor behind ``make run``.

Nothing here imports a room; processes are told what they need through their environment.
"""
