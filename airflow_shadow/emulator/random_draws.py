"""Random numbers that depend only on a key, not on what was drawn before."""

import math
from functools import lru_cache
from hashlib import blake2b
from random import Random
from statistics import NormalDist
from struct import Struct

# Counts of a larger variance are rounded normal deviates, which take one step instead of many.
_MANY = 30.0
_DAY = 1440  # minutes
_EIGHT = Struct("<8Q")
_STEP = 2.0**-53
# How much of the process's past the first value of a day may miss.
_FORGOTTEN = 1e-4

normal_quantile = NormalDist().inv_cdf


def long_random(*key: object) -> Random:
    """Return a generator for many numbers, the same for a key in every process."""
    return Random("|".join(map(str, key)))  # noqa: S311 - it has to be reproducible


class ShortRandom:
    """A generator for a few numbers: eight cost a tenth of seeding `Random`."""

    def __init__(self, *key: object) -> None:
        self._key = "|".join(map(str, key)).encode()
        self._left: list[int] = []
        self._blocks = 0

    def random(self) -> float:
        """Return a number from 0 to below 1."""
        if not self._left:
            self._blocks += 1
            block = blake2b(self._key, salt=self._blocks.to_bytes(8)).digest()
            self._left = list(_EIGHT.unpack(block))
        # The upper 53 bits: as many as a float holds.
        return (self._left.pop() >> 11) * _STEP


Numbers = Random | ShortRandom  # noqa: S311 - a type, no number


def uniform(random: Numbers) -> float:
    """Return a number above 0 and below 1."""
    return random.random() or 0.5


def poisson(random: Numbers, mean: float) -> int:
    """Return a Poisson count; a rounded normal one where the mean is above 30."""
    if mean <= 0:
        return 0
    if mean > _MANY:
        return max(0, round(mean + math.sqrt(mean) * normal_quantile(uniform(random))))
    left, count, weight = random.random(), 0, math.exp(-mean)
    while left > weight and weight:
        left -= weight
        count += 1
        weight *= mean / count
    return count


def binomial(
    random: Numbers, trials: int, probability: float, *, normal_from: float = _MANY
) -> int:
    """Return how many of `trials` succeed.

    normal_from: the variance above which a rounded normal count stands in for the exact one.
    """
    if trials <= 0 or probability <= 0:
        return 0
    if probability > 0.5:  # noqa: PLR2004 - the shorter walk is from the other end
        rest = binomial(random, trials, 1 - probability, normal_from=normal_from)
        return trials - rest
    mean = trials * probability
    variance = mean * (1 - probability)
    if variance > normal_from:
        count = round(mean + math.sqrt(variance) * normal_quantile(uniform(random)))
        return min(trials, max(0, count))
    return _walk(random.random(), trials, probability)


def _walk(left: float, trials: int, probability: float) -> int:
    """Return the count at which the summed probabilities pass `left`."""
    odds = probability / (1 - probability)
    count, weight = 0, (1 - probability) ** trials
    while left > weight and count < trials:
        left -= weight
        count += 1
        weight *= odds * (trials - count + 1) / count
    return count


@lru_cache(maxsize=512)
def _innovations(key: str, day: int) -> tuple[float, ...]:
    random = long_random(key, day)
    return tuple(normal_quantile(uniform(random)) for _ in range(_DAY))


@lru_cache(maxsize=512)
def _noise_of_day(key: str, memory: float, day: int) -> tuple[float, ...]:
    """Return a day of an AR(1) process of variance 1 that began on the day before."""
    warm = math.ceil(math.log(_FORGOTTEN) / math.log(memory)) if memory else 1
    before = _innovations(key, day - 1)[-min(warm, _DAY) :]
    scale, level, values = math.sqrt(1 - memory**2), before[0], []
    for innovation in (*before[1:], *_innovations(key, day)):
        level = memory * level + scale * innovation
        values.append(level)
    return tuple(values[-_DAY:])


def noise(key: str, memory: float, minute: int) -> float:
    """Return an AR(1) process of variance 1 at a minute; `memory` is its lag-one correlation."""
    day, index = divmod(minute, _DAY)
    return _noise_of_day(key, memory, day)[index]
