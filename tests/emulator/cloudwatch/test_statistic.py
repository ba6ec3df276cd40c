"""Statistics over pooled samples, compared with the samples themselves."""

import math
from random import Random
from statistics import fmean, quantiles

import pytest

from airflow_shadow.emulator.cloudwatch import latency
from airflow_shadow.emulator.cloudwatch.samples import Samples, same
from airflow_shadow.emulator.cloudwatch.statistic import parse
from airflow_shadow.emulator.errors import Invalid
from airflow_shadow.emulator.random_draws import ShortRandom, binomial, poisson

TEN = [samples for value in range(1, 11) for samples in same(float(value), 1)]
ONES = [*same(0.0, 80), *same(1.0, 20)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SampleCount", 10),
        ("Sum", 55),
        ("Average", 5.5),
        ("Minimum", 1),
        ("Maximum", 10),
        ("p50", 5),
        ("p99.9", 10),
        ("p0", 1),
        ("PR(:3)", 30),
        ("PR(3:)", 70),
        ("PR(3:5)", 20),
        ("TC(3:)", 7),
        ("TC(:3)", 3),
        ("TM(3:5)", 4.5),
        ("TS(3:5)", 9),
        ("tm90", 5),
        ("tc90", 9),
        ("ts90", 45),
        ("TM(10%:90%)", 5.5),
    ],
)
def test_of_single_values(name, value):
    """Ranges exclude their lower end and include their upper one."""
    assert pytest.approx(parse(name)(TEN)) == value


def test_the_interquartile_mean():
    """IQM is the mean of the middle half."""
    eight = [samples for value in range(1, 9) for samples in same(float(value), 1)]
    assert pytest.approx(4.5) == parse("IQM")(eight)


@pytest.mark.parametrize(("name", "value"), [("Average", 0.2), ("PR(:0)", 80), ("p80", 0)])
def test_of_zeros_and_ones(name, value):
    """Statistics of error metrics, which send zeros and ones, are exact."""
    assert pytest.approx(parse(name)(ONES)) == value


@pytest.mark.parametrize(
    "name", ["Median", "p", "p101", "PR()", "PR(:)", "TM(a:b)", "average", "wm90", "PR(5%:6%)"]
)
def test_what_is_no_statistic_is_refused(name):
    """An unknown statistic is refused with CloudWatch's error code."""
    with pytest.raises(Invalid) as caught:
        parse(name)
    assert "ValidationError" == caught.value.code


def test_a_trimmed_mean_of_nothing_is_no_number():
    """A trimmed mean without samples is NaN, and so gives no point."""
    assert math.isnan(parse("TM(20:30)")(TEN))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_period_is_judged_by_its_pooled_distribution(share):
    """Statistics of minutes with different means agree with simulated single latencies."""
    random, means = Random(1), [50.0, 70.0, 120.0]
    pool = [
        Samples(mean, latency.classes(0.4), latency.counts(f"{mean}", 20_000)) for mean in means
    ]
    drawn = [
        mean * random.lognormvariate(-(0.4**2) / 2, 0.4) for mean in means for _ in range(20_000)
    ]
    expected = quantiles(drawn, n=1000)[round(share * 1000) - 1]
    assert pytest.approx(expected, rel=0.02) == parse(f"p{share * 100:g}")(pool)
    above = 100 * sum(value <= expected for value in drawn) / len(drawn)
    assert pytest.approx(above, abs=0.6) == parse(f"PR(:{expected:.9f})")(pool)


def test_one_part_and_its_halves_have_the_same_percentiles():
    """The algorithms for one set of classes and for several agree."""
    counts = latency.counts("key", 1000)
    whole = [Samples(50.0, latency.classes(0.4), counts)]
    doubled = whole * 2
    for name in ("p1", "p50", "p90", "p99.9", "PR(:40)"):
        assert pytest.approx(parse(name)(doubled)) == parse(name)(whole)


def test_counts_in_classes_sum_to_the_requests():
    """No request is lost, however few or many there are."""
    assert [0, 1, 7, 300, 10**6] == [sum(latency.counts("key", n)) for n in (0, 1, 7, 300, 10**6)]


@pytest.mark.parametrize(("trials", "chance"), [(20, 0.3), (1000, 0.002), (1000, 0.4), (50, 0.95)])
def test_binomial_counts(trials, chance):
    """Mean and variance are right, for exact counts and for normal approximations."""
    drawn = [binomial(ShortRandom("b", trials, chance, n), trials, chance) for n in range(4000)]
    mean = fmean(drawn)
    variance = fmean((value - mean) ** 2 for value in drawn)
    assert (
        pytest.approx(trials * chance, rel=0.04),
        pytest.approx(trials * chance * (1 - chance), rel=0.1),
    ) == (mean, variance)


@pytest.mark.parametrize("mean", [0.5, 8, 500])
def test_poisson_counts(mean):
    """Mean and variance both equal the rate."""
    drawn = [poisson(ShortRandom("p", mean, n), mean) for n in range(4000)]
    average = fmean(drawn)
    variance = fmean((value - average) ** 2 for value in drawn)
    assert (pytest.approx(mean, rel=0.06), pytest.approx(mean, rel=0.1)) == (average, variance)
