"""What dependent periods say about their mean."""

from __future__ import annotations

import math

import numpy as np
import pytest

from airflow_shadow.analysis.serial import autoregressive, batch_means, summarise


def noise(runs: int, periods: int, phi: float, seed: int = 3) -> np.ndarray:
    """Return AR(1) noise of variance one, `runs x periods`."""
    rng = np.random.default_rng(seed)
    values = np.empty((runs, periods))
    values[:, 0] = rng.standard_normal(runs)
    for t in range(1, periods):
        fresh = math.sqrt(1 - phi * phi) * rng.standard_normal(runs)
        values[:, t] = phi * values[:, t - 1] + fresh
    return values


def test_independent_periods_are_the_textbooks():
    """Without positive dependence the error is the standard error of the mean."""
    values = [1.0, 5.0, 2.0, 6.0, 1.5, 5.5]
    serial = summarise(values)
    assert serial.inflation == 1.0
    assert pytest.approx(np.std(values, ddof=1) / math.sqrt(6)) == serial.error
    assert pytest.approx(np.mean(values)) == serial.mean


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.8])
def test_the_autocorrelations_bias_is_corrected(phi):
    """Marriott and Pope's bias added, the estimate is right on average."""
    inflations = [autoregressive(run).inflation for run in noise(1500, 200, phi).tolist()]
    estimates = [(one - 1) / (one + 1) for one in inflations]
    # Cut off at zero, independent periods lie a little above it.
    assert pytest.approx(phi, abs=0.035 if phi == 0 else 0.012) == np.mean(estimates)


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.8])
def test_the_error_is_that_of_the_mean(phi):
    """The estimated variance of the mean is its true one, on the safe side by a fifth at most."""
    runs = noise(1500, 240, phi)
    true = runs.mean(axis=1).var()
    estimated = np.median([summarise(run).error ** 2 for run in runs.tolist()])
    assert 0.95 * true < estimated < 1.4 * true


def test_slow_drift_below_quick_noise_is_seen():
    """Batches see what neighbours do not."""
    drift, quick = noise(200, 1440, 0.98, 4), noise(200, 1440, 0.0, 5)
    runs = 0.4 * drift + quick
    true = runs.mean(axis=1).var()
    with_batches = np.median([summarise(run).error ** 2 for run in runs.tolist()])
    without = np.median([autoregressive(run).error ** 2 for run in runs.tolist()])
    assert without < 0.3 * true
    assert with_batches > 0.5 * true


def test_batches_end_where_they_are_too_few():
    """Below sixty batches their spread says no more than the neighbours do."""
    assert [120, 60] == [len(means) for means in batch_means([0.0] * 241)]


def test_an_odd_last_period_belongs_to_no_batch():
    """A batch is never made of half its periods."""
    means = next(batch_means([float(value) for value in range(121)]))
    assert [0.5, 2.5, 118.5] == [means[0], means[1], means[-1]]


def test_a_constant_has_no_spread():
    """Nothing is divided by zero."""
    serial = summarise([2.0] * 50)
    assert (2.0, 0.0, 50.0) == (serial.mean, serial.error, serial.effective)


def test_one_period_has_no_spread():
    """A single point is a mean without an error, and the guards refuse it."""
    assert (1, 3.0, 0.0) == (
        summarise([3.0]).count,
        summarise([3.0]).mean,
        summarise([3.0]).deviation,
    )


@pytest.mark.parametrize("phi", [0.3, 0.6])
def test_the_degrees_of_freedom_match_the_spread_of_the_variance(phi):
    """The delta method's variance of ln s^2 is what simulations show."""
    runs = noise(3000, 400, phi)
    serials = [autoregressive(run) for run in runs.tolist()]
    spread = np.var([math.log(serial.error**2) for serial in serials])
    expected = 2 / np.mean([serial.freedom() for serial in serials])
    assert pytest.approx(spread, rel=0.15) == expected
