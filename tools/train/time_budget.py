"""A training run's share of wall-clock time, and the learning rate it implies.

Speed on a shared machine is not known beforehand, so the schedule follows the
clock: the rate falls along a cosine and reaches its floor at the deadline.
"""

import argparse
import math
import time
from datetime import datetime, timedelta

FLOOR = 0.02


def add_flags(parser: argparse.ArgumentParser) -> None:
    limit = parser.add_mutually_exclusive_group(required=True)
    limit.add_argument("--until", help="stop at this local time, HH:MM")
    limit.add_argument("--minutes", type=float, help="stop after this many minutes")


def deadline(args: argparse.Namespace) -> float:
    """The time.time() at which to stop."""
    if args.minutes is not None:
        return time.time() + 60 * args.minutes
    hour, minute = map(int, args.until.split(":"))
    now = datetime.now()
    end = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return (end if end > now else end + timedelta(days=1)).timestamp()


class TimeBudget:
    """Counts trained seconds, those of earlier runs included."""

    def __init__(self, end: float, seconds_before: float = 0.0) -> None:
        self._end, self._start, self._before = end, time.time(), seconds_before

    def seconds(self) -> float:
        return self._before + time.time() - self._start

    def progress(self) -> float:
        """0 at the start, 1 at the deadline."""
        left = self._end - time.time()
        if left <= 0.0:
            return 1.0
        seconds = self.seconds()
        return seconds / (seconds + left)

    def rate(self, step: int, warm_up_steps: int) -> float:
        """The factor on the peak learning rate."""
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, self.progress())))
        return min(1.0, (step + 1) / warm_up_steps) * (FLOOR + (1 - FLOOR) * cosine)
