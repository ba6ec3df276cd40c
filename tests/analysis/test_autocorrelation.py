"""What dependent periods say about their mean."""

from __future__ import annotations

import importlib
import math

import numpy as np
import pytest
import scipy  # its parts are imported where they are used: they cost seconds

from airflow_shadow.analysis.autocorrelation import BATCHES, Summary, autoregressive, summarise


def noise(runs: int, periods: int, *phis: float, seed: int = 3) -> np.ndarray:
    """Return autoregressive noise, `runs x periods`, after a burn-in."""
    fresh = np.random.default_rng(seed).standard_normal((runs, periods + 300))
    return scipy.signal.lfilter([1.0], [1.0, *(-phi for phi in phis)], fresh, axis=1)[:, 300:]


def test_independent_periods_are_the_textbooks():
    """Without positive dependence the error is the standard error of the mean."""
    values = [1.0, 5.0, 2.0, 6.0, 1.5, 5.5]
    summary = summarise(values)
    assert 1.0 == summary.inflation
    assert pytest.approx(np.std(values, ddof=1) / math.sqrt(6)) == summary.error
    assert pytest.approx(np.mean(values)) == summary.mean


def test_the_coefficients_are_yule_and_walkers():
    """The coefficients agree with statsmodels, with the published biases removed."""
    values = noise(1, 200, 0.5, 0.3)[0]
    acovf = importlib.import_module("statsmodels.tsa.stattools").acovf
    c = acovf(values, adjusted=True, nlag=2, fft=False)
    one, two = c[1] / c[0], c[2] / c[0]
    a, b = np.linalg.solve([[1, one], [one, 1]], [one, two])
    a, b = a + (1 + a + b) / 200, b + (2 + 4 * b) / 200
    rho = a / (1 - b)
    inflation = (1 - a * rho - b * (a * rho + b)) / (1 - a - b) ** 2
    assert pytest.approx(inflation, rel=1e-9) == autoregressive(values.tolist()).inflation


@pytest.mark.parametrize(
    ("phis", "bounds"), [((0.0,), (1.0, 1.25)), ((0.5,), (2.85, 3.5)), ((0.8,), (7.5, 11.0))]
)
def test_the_dependence_is_right_on_the_safe_side(phis, bounds):
    """The inflation `(1 + phi) / (1 - phi)` is the median, or a little more: two are compared."""
    runs = noise(600, 240, *phis).tolist()
    low, high = bounds
    assert low <= np.median([autoregressive(run).inflation for run in runs]) <= high


@pytest.mark.parametrize("phis", [(0.0,), (0.5,), (0.8,), (0.5, 0.3), (0.3, 0.3)])
def test_the_error_is_that_of_the_mean(phis):
    """The estimated variance of the mean is its true one, first order or second."""
    runs = noise(1000, 240, *phis)
    true = runs.mean(axis=1).var()
    estimated = np.median([summarise(run).error ** 2 for run in runs.tolist()])
    assert 0.85 * true < estimated < 1.5 * true


def test_a_second_order_is_not_taken_for_a_first():
    """With coefficients .5 and .3 a period weighs a sixteenth, more than the first order shows."""
    runs = noise(300, 500, 0.5, 0.3).tolist()
    true = (1 + 0.3) * (1 - 0.3 + 0.5) / ((1 - 0.3) * (1 - 0.5 - 0.3))
    assert pytest.approx(true, rel=0.2) == np.median(
        [autoregressive(run).inflation for run in runs]
    )


def test_slow_drift_below_quick_noise_is_seen():
    """The means of batches show a drift that neighbouring periods hide."""
    drift, quick = noise(200, 1440, 0.98, seed=4), noise(200, 1440, seed=5)
    runs = 0.4 * math.sqrt(1 - 0.98**2) * drift + quick
    true = runs.mean(axis=1).var()
    with_batches = np.median([summarise(run).error ** 2 for run in runs.tolist()])
    without = np.median([autoregressive(run).error ** 2 for run in runs.tolist()])
    assert 1.5 * without < with_batches
    assert 0.4 * true < with_batches


@pytest.mark.parametrize("count", [2 * BATCHES - 1, 2 * BATCHES, 2 * BATCHES + 1])
def test_batches_begin_where_they_are_many(count):
    """Batches need 480 periods; the periods left over belong to no batch."""
    values = noise(1, count, 0.9, seed=6)[0].tolist()
    assert summarise(values).inflation >= autoregressive(values).inflation
    if count < 2 * BATCHES:
        assert summarise(values) == autoregressive(values)


def test_skewness_is_that_of_the_innovations():
    """The skewness is measured on what the autoregression does not predict."""
    values = np.random.default_rng(8).exponential(size=500)
    summary = autoregressive(values.tolist())
    assert pytest.approx(scipy.stats.skew(values), rel=0.1) == summary.skewness
    dependent = scipy.signal.lfilter([1.0], [1.0, -0.7], values)
    assert abs(autoregressive(dependent.tolist()).skewness / scipy.stats.skew(dependent)) > 1.2


def test_mirrored_values_are_mirrored():
    """The interval of the negated values is the negated interval."""
    values = np.random.default_rng(9).exponential(size=100)
    one, other = summarise(values.tolist()), summarise((-values).tolist())
    assert pytest.approx(one.ends(1.5, 2.0)) == other.ends(2.0, 1.5)[::-1]


@pytest.mark.parametrize("skewness", [0.0, 2.0, -2.0])
def test_skewness_moves_the_end_on_its_side_only(skewness):
    """Johnson's correction moves one end outwards and never an end inwards."""
    summary = Summary(count=100, mean=0.0, deviation=1.0, inflation=1.0, skewness=skewness)
    below, above = summary.ends(2.0, 2.0)
    assert (below > 0.2, above > 0.2) == (skewness < 0, skewness > 0) or skewness == 0
    assert pytest.approx(0.2) == min(below, above)
    # 10 % of a skewness of two more, squared for what the sample does not show.
    wide = 0.2 + 0.1 * (2 * (1 + 5 * 2 / 10)) / 60 * (1 + 2 * 4) if skewness else 0.2
    assert pytest.approx(wide) == max(below, above)


@pytest.mark.parametrize("values", [[2.0] * 50, [0.0] * 5, [3.0]])
def test_a_constant_has_no_spread(values):
    """A constant series raises no division by zero."""
    summary = summarise(values)
    assert (values[0], 0.0, float(len(values))) == (summary.mean, summary.error, summary.effective)


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6])
def test_few_periods_have_a_spread_and_finite_ends(count):
    """Fewer periods than an autoregression needs raise no error."""
    summary = summarise([float(value * value) for value in range(count)])
    assert summary.deviation > 0
    assert summary.freedom > 0
    assert all(map(math.isfinite, summary.ends(2.0, 2.0)))


def test_a_trend_is_as_dependent_as_can_be():
    """A straight line leaves hardly an effective period of sixty."""
    assert summarise([float(value) for value in range(60)]).effective < 3


@pytest.mark.parametrize("phi", [0.3, 0.6])
def test_the_degrees_of_freedom_match_the_spread_of_the_variance(phi):
    """The delta method's variance of ln s^2 is about what simulations show."""
    summaries = [autoregressive(run) for run in noise(1000, 400, phi).tolist()]
    spread = np.var([math.log(summary.error**2) for summary in summaries])
    expected = 2 / np.mean([summary.freedom for summary in summaries])
    assert pytest.approx(spread, rel=0.35) == expected
