"""Serve an emulator whose clock moves when Airflow waits: `python -m demo.emulator 300`."""

import signal
import sys
import threading

from airflow_shadow.emulator.time_lapse import TimeLapse

#: Emulator seconds in a real one, beside the jump at each poll.
SPEED = 10.0


def main() -> None:
    """Serve until the process is told to end."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    seconds_per_poll = float(sys.argv[1])
    with TimeLapse(speed=SPEED, pace="time", seconds_per_poll=seconds_per_poll) as emulator:
        print(f"the demo's emulator at {emulator.url}", flush=True)
        ended.wait()


if __name__ == "__main__":
    main()
