"""Serve an emulator whose clock moves when Airflow waits: `python -m demo.emulator`."""

import signal
import threading

from airflow_shadow.emulator.time_lapse import TimeLapse

#: Emulator seconds in a real one, beside the jump of five minutes at each poll.
SPEED = 10.0


def main() -> None:
    """Serve until the process is told to end."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with TimeLapse(speed=SPEED, pace="time") as emulator:
        print(f"the demo's emulator at {emulator.url}", flush=True)
        ended.wait()


if __name__ == "__main__":
    main()
