"""Worlds of compared answers with a known truth: pairs minute by minute, as an engine sums them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Array = np.ndarray
Columns = dict[str, Array]
#: Draws the sums of a window: generator, pairs in each minute, and the true change in tolerances.
World = Callable[[np.random.Generator, Array, float], Columns]
#: Part of the pairs that have a label.
ALL = 1.0


def bursts(rng: np.random.Generator, minutes: int, sigma: float, phi: float = 0.8) -> Array:
    """Return the intensity of each minute: log-normal around 1, autoregressive."""
    if not sigma:
        return np.ones(minutes)
    noise = rng.standard_normal(minutes)
    state = np.empty(minutes)
    state[0] = noise[0]
    for minute in range(1, minutes):
        state[minute] = phi * state[minute - 1] + np.sqrt(1 - phi * phi) * noise[minute]
    return np.exp(sigma * state - sigma * sigma / 2)


def summed(values: Array, pairs: Array) -> Array:
    """Return the sum of the pairs' values in each minute."""
    minute = np.repeat(np.arange(len(pairs)), pairs)
    return np.bincount(minute, weights=values, minlength=len(pairs))


def disagreements(share_of: float, sigma: float, *, noise: float = 0.0) -> World:
    """Return a world of pairs that differ, at the tolerance in so large a share.

    :param noise: share of pairs that differ all the same, as those of answers at random do
    """

    def draw(rng: np.random.Generator, pairs: Array, at: float) -> Columns:
        rate = (noise + share_of * at) * bursts(rng, len(pairs), sigma)
        return {"disagreed": rng.binomial(pairs, np.minimum(rate, 1.0))}

    return draw


def repeating(world: World, part: float, *, noise: float, sigma: float) -> World:
    """Return a world in which the inputs of a part of the requests repeat.

    :param noise: share in which production disagrees with itself
    :param sigma: of the bursts in which it does, other ones than those of the pairs
    """

    def draw(rng: np.random.Generator, pairs: Array, at: float) -> Columns:
        own = rng.binomial(pairs, part / 2)
        rate = np.minimum(noise * bursts(rng, len(pairs), sigma), 1.0)
        columns = {"repeats": own, "repeats_disagreed": rng.binomial(own, rate)}
        return world(rng, pairs, at) | columns

    return draw


def mixed(share_of: float, noise: float, wrong: float, sigma: float) -> World:
    """Return a world of two kinds of inputs, all of which repeat, in a mix that changes.

    On one production is noisy, on the other one only the shadow differs, so production's own
    disagreement rises where that of the pairs falls.

    :param noise: share in which production disagrees with itself on the first kind
    :param wrong: share in which the pairs of the first kind differ
    """

    def draw(rng: np.random.Generator, pairs: Array, at: float) -> Columns:
        odds = bursts(rng, len(pairs), sigma) * np.exp(sigma * sigma / 2)
        first = odds / (1 + odds)
        other = 2 * (share_of * at + noise / 2) - wrong
        own = rng.binomial(pairs, 0.5)
        return {
            "repeats": own,
            "repeats_disagreed": rng.binomial(own, noise * first),
            "disagreed": rng.binomial(pairs, wrong * first + other * (1 - first)),
        }

    return draw


def changed(scores: Array, change: Array, pairs: Array) -> Columns:
    """Return the sums of production's scores and of what the shadow's differ by."""
    return {
        "production_sum": summed(scores, pairs),
        "shadow_sum": summed(scores + change, pairs),
        "difference": summed(change, pairs),
        "difference_squared": summed(change**2, pairs),
    }


def shifts(tolerance: float, noise: Callable[[np.random.Generator, int], Array]) -> World:
    """Return a world of scores that differ by noise, and at the tolerance by it in the mean."""

    def draw(rng: np.random.Generator, pairs: Array, at: float) -> Columns:
        scores = rng.beta(2, 5, pairs.sum())
        return changed(scores, tolerance * at + noise(rng, pairs.sum()), pairs)

    return draw


def spikes(tolerance: float, size: float) -> World:
    """Return a world in which a few scores change by much and the others not at all."""

    def draw(rng: np.random.Generator, pairs: Array, at: float) -> Columns:
        scores = rng.beta(2, 5, pairs.sum())
        return changed(scores, size * (rng.random(pairs.sum()) < tolerance * at / size), pairs)

    return draw


def student(scale: float, freedom: float) -> Callable[[np.random.Generator, int], Array]:
    """Return symmetric noise with heavy tails."""
    return lambda rng, size: scale * rng.standard_t(freedom, size)


def skewed(scale: float, sigma: float) -> Callable[[np.random.Generator, int], Array]:
    """Return noise with one heavy tail, downwards, and of mean zero."""

    def draw(rng: np.random.Generator, size: int) -> Array:
        return scale * (rng.lognormal(-sigma * sigma / 2, sigma, size) - 1)

    return draw


def accuracies(tolerance: float, apart: float, sigma: float, labelled: float = ALL) -> World:
    """Return a world of labels, of which only one variant has a share right in bursts.

    :param apart: share of the pairs that only one of them has right
    :param labelled: part of the pairs that have a label
    """

    def draw(rng: np.random.Generator, pairs: Array, at: float) -> Columns:
        known = rng.binomial(pairs, labelled)
        rate = np.minimum(apart * bursts(rng, len(pairs), sigma), 1.0)
        differ = rng.binomial(known, rate)
        ours = rng.binomial(differ, 0.5 + tolerance * at / apart / 2)
        both = rng.binomial(known - differ, 0.85)
        return {
            "labelled": known,
            "production_right": both + ours,
            "shadow_right": both + differ - ours,
            "production_right_only": ours,
            "shadow_right_only": differ - ours,
        }

    return draw


def errors(
    tolerance: float, noise: Callable[[np.random.Generator, int], Array], labelled: float = ALL
) -> World:
    """Return a world of squared errors, of which those of the shadow are larger by a ratio."""

    def draw(rng: np.random.Generator, pairs: Array, at: float) -> Columns:
        known = rng.binomial(pairs, labelled)
        shared = noise(rng, known.sum())
        one, other = (shared + 0.5 * noise(rng, known.sum()) for _ in range(2))
        losses = one**2, (1 + tolerance * at) * other**2
        change = losses[1] - losses[0]
        return {
            "labelled": known,
            "production_loss": summed(losses[0], known),
            "shadow_loss": summed(losses[1], known),
            "loss_difference": summed(change, known),
            "loss_difference_squared": summed(change**2, known),
        }

    return draw


def own_numbers(
    tolerance: float, judged: int, noise: Callable[[np.random.Generator, int], Array]
) -> World:
    """Return a world of numbers of the user's own, of which the shadow's are smaller.

    :param judged: pairs that have them, at random in the window
    :param noise: differences of the two numbers of a pair, of mean zero
    """

    def draw(rng: np.random.Generator, pairs: Array, at: float) -> Columns:
        known = rng.multinomial(judged, np.full(len(pairs), 1 / len(pairs)))
        change = noise(rng, judged) - tolerance * at
        columns = {
            "n": known,
            "production": summed(np.full(judged, 3.0), known),
            "shadow": summed(3.0 + change, known),
            "difference": summed(change, known),
            "difference_squared": summed(change**2, known),
        }
        return {f"value.own.{name}": values for name, values in columns.items()}

    return draw


def grades(rng: np.random.Generator, size: int) -> Array:
    """Return differences of a judge's grades: half are equal, the others one or two apart."""
    return rng.choice([-2, -1, 0, 1, 2], size, p=[0.05, 0.2, 0.5, 0.2, 0.05])
