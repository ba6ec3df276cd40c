"""Disagreement beside that of production with itself, of an A/A test or of repeated inputs."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from airflow_shadow.analysis import judge_answers, text_table
from airflow_shadow.analysis.align import Columns
from airflow_shadow.analysis.evidence import rate_evidence
from airflow_shadow.analysis.intervals import Share, newcombe
from airflow_shadow.analysis.noise_evidence import TESTED, Noise, noise_of
from tests.analysis.answer_data import answer_finding, answer_spec, criterion, observed, sums

MINUTES = 120
BEYOND = criterion("disagreement", comparison="difference", tolerance=0.02)
AT_MOST = criterion("disagreement", comparison="absolute", tolerance=0.2)
Z = 1.96


def hits(share: float, *, pairs: int = 100, seed: int = 1) -> list[int]:
    """Return how many of each minute's pairs a share hits."""
    draw = random.Random(seed)
    return [sum(draw.random() < share for _ in range(pairs)) for _ in range(MINUTES)]


def evidence(bad: list[float], *, pairs: float = 100):
    """Return the evidence on a share of periods of so many pairs."""
    found = rate_evidence(None, periods(bad, pairs=pairs), tolerance=0.02, skewed=True)
    assert found is not None
    return found


def periods(bad: list[float], *, pairs: float = 100) -> Columns:
    """Return periods of so many pairs."""
    return Columns(
        times=[60.0 * each for each in range(len(bad))], values=bad, samples=[pairs] * len(bad)
    )


def beyond_test(pairs, share: Share):
    """Return the evidence on what goes beyond an A/A test."""
    return Noise(share=share, source=TESTED).beyond(pairs, periods([]))


@pytest.mark.parametrize(
    ("share", "outcome"), [(0.12, "PASS"), (0.14, "INCONCLUSIVE"), (0.18, "FAIL")]
)
def test_a_model_may_disagree_as_much_as_production_does_with_itself(share, outcome):
    """Twelve per cent are nothing beside twelve of an A/A test, and much beside none."""
    found = answer_finding(
        BEYOND, sums(MINUTES, disagreed=hits(share)), output={"noise": "2400/20000"}
    )
    assert (outcome, 0.12, 20_000) == (found.outcome, found.baseline, found.n_baseline)
    assert found.estimate == pytest.approx(found.candidate - 0.12)
    assert found.sentence.endswith("(production with itself: 12 % of 20,000 pairs of the A/A test)")
    silent = answer_finding(
        BEYOND, sums(MINUTES, disagreed=hits(share)), output={"noise": "0/20000"}
    )
    assert "FAIL" == silent.outcome


def test_few_pairs_of_the_test_decide_nothing():
    """Below what the window itself needs there is neither PASS nor FAIL, and it is said."""
    for share in (0.0, 0.9):
        found = answer_finding(
            BEYOND, sums(MINUTES, disagreed=hits(share)), output={"noise": "0/200"}
        )
        assert "INCONCLUSIVE" == found.outcome
        assert "200 of 250 pairs of the A/A test needed" in found.sentence
        assert found.longer is None


def test_more_time_brings_no_more_pairs_of_the_test():
    """What a longer window cannot bring is not forecast: the interval stays as wide as the test."""
    disagreed = sums(MINUTES, disagreed=hits(0.1))
    small = answer_finding(BEYOND, disagreed, output={"noise": "50/500"})
    few = hits(0.1, pairs=5)
    large = answer_finding(
        BEYOND,
        sums(MINUTES, pairs=5, disagreed=few),
        output={"noise": f"{100 * sum(few)}/{100 * 5 * MINUTES}"},
    )
    assert ("INCONCLUSIVE", None) == (small.outcome, small.longer)
    assert ("INCONCLUSIVE", True) == (large.outcome, 600 < large.longer < 24 * 3600)


def test_a_longer_window_has_the_same_test():
    """The A/A test of a window ten times as long is the same one."""
    one = beyond_test(evidence(hits(0.1)), Share(bad=100, total=1000))
    longer = one.stretched(10)
    assert longer.share_candidate.total == pytest.approx(10 * one.share_candidate.total)
    assert (one.share_baseline, 1000) == (longer.share_baseline, longer.n_baseline)
    assert (one.estimate, None) == (longer.estimate, longer.counts)
    least = newcombe(Share(bad=100, total=1000), Share(bad=1e9, total=1e10), Z)
    assert one.stretched(1e5).passing(Z) == pytest.approx(least, abs=0.002)


def test_both_shares_make_the_interval():
    """Of independent minutes it is Newcombe's, wider than that of the pairs alone."""
    pairs = evidence(hits(0.1))
    found = beyond_test(pairs, Share(bad=200, total=2000))
    low, high = found.passing(Z)
    alone = pairs.passing(Z)
    assert high - low > alone[1] - alone[0]
    assert (low, high) == pytest.approx(
        newcombe(found.share_baseline, found.share_candidate, Z), abs=0.003
    )


def test_bursts_of_the_window_deflate_the_test():
    """Where the window's disagreements come in bursts, those of the A/A test are taken to."""
    bursts = [30 if row // 6 % 2 else 2 for row in range(MINUTES)]
    found = beyond_test(evidence(bursts), Share(bad=200, total=2000))
    assert found.share_baseline.total < 500
    assert (2000, 0.1) == (found.n_baseline, pytest.approx(found.share_baseline.rate))


def test_a_limit_stays_one_and_noise_is_printed_beside_it():
    """An absolute criterion is judged as without noise, which the finding tells."""
    answers = sums(MINUTES, disagreed=hits(0.12))
    plain = answer_finding(AT_MOST, answers, output={})
    found = answer_finding(AT_MOST, answers, output={"noise": "2400/20000"})
    assert ("PASS", None, 0.12) == (plain.outcome, plain.baseline, found.baseline)
    assert "production with itself: 12 %" in found.sentence
    same = {"baseline": None, "n_baseline": 0, "sentence": ""}
    assert replace(plain, sentence="") == replace(found, **same)


def test_the_table_has_both_levels():
    """A verdict in text has production's disagreement with itself where others have its level."""
    spec = answer_spec(BEYOND, noise="2400/20000")
    verdict = judge_answers(spec, observed(sums(MINUTES, disagreed=hits(0.12))))
    [row] = [line for line in text_table(verdict).splitlines() if "disagreement" in line][:1]
    assert "20,000 / 12,000" in row


# --- production's own requests that have an equal input


def of_itself(share: float, *, pairs: int = 30, seed: int = 2) -> dict[str, list[int]]:
    """Return production's own pairs of each minute, of which a share disagrees."""
    return {"repeats": [pairs] * MINUTES, "repeats_disagreed": hits(share, pairs=pairs, seed=seed)}


@pytest.mark.parametrize(
    ("share", "outcome"), [(0.11, "PASS"), (0.14, "INCONCLUSIVE"), (0.2, "FAIL")]
)
def test_a_model_may_disagree_as_much_as_repeated_inputs_do(share, outcome):
    """Twelve per cent are nothing beside twelve of production's own requests."""
    answers = sums(MINUTES, disagreed=hits(share), **of_itself(0.12))
    found = answer_finding(BEYOND, answers, output={"noise": "repeats"})
    assert (outcome, 3600) == (found.outcome, found.n_baseline)
    assert found.baseline == pytest.approx(0.12, abs=0.01)
    assert found.estimate == pytest.approx(found.candidate - found.baseline)
    of = f"{100 * found.baseline:.3g} % of 3,600 pairs of requests with equal inputs)"
    assert found.sentence.endswith(f"(production with itself: {of}")


def test_inputs_that_never_repeat_decide_nothing():
    """It is said why, and an absolute criterion is judged as without noise."""
    for columns in ({}, {"repeats": 0, "repeats_disagreed": 0}):
        answers = sums(MINUTES, disagreed=hits(0.1), **columns)
        found = answer_finding(BEYOND, answers, output={"noise": "repeats"})
        assert "INCONCLUSIVE" == found.outcome
        assert "production has no two readable answers to equal captured inputs" in found.sentence
        plain = answer_finding(AT_MOST, answers, output={})
        assert plain == answer_finding(AT_MOST, answers, output={"noise": "repeats"})


def test_few_repeated_inputs_decide_nothing_yet():
    """Neither PASS nor FAIL; more time brings more of them."""
    some = {"repeats": [1] * MINUTES, "repeats_disagreed": hits(0.12, pairs=1)}
    answers = sums(MINUTES, disagreed=hits(0.12), **some)
    found = answer_finding(BEYOND, answers, output={"noise": "repeats"})
    assert "INCONCLUSIVE" == found.outcome
    assert "120 of 250 pairs of requests with equal inputs needed" in found.sentence
    assert found.longer is not None
    all_wrong = sums(MINUTES, disagreed=100, **some)
    assert "INCONCLUSIVE" == answer_finding(BEYOND, all_wrong, output={"noise": "repeats"}).outcome


def test_repeated_inputs_of_a_moment_are_no_window():
    """A burst of equal requests in few minutes says little about production's noise."""
    burst = [500 if row < 8 else 0 for row in range(MINUTES)]
    some = {"repeats": burst, "repeats_disagreed": [each * 0.2 for each in burst]}
    answers = sums(MINUTES, disagreed=hits(0.12), **some)
    found = answer_finding(BEYOND, answers, output={"noise": "repeats"})
    assert "INCONCLUSIVE" == found.outcome
    assert "production with itself: " in found.sentence
    assert "periods needed" in found.sentence


def beyond_repeats(bad: list[float], own: list[float]):
    """Return the evidence on what goes beyond production's own pairs of the same periods."""
    noise = noise_of("repeats", periods(own))
    assert noise is not None
    return noise.beyond(evidence(bad), periods(bad))


def test_shares_that_move_against_each_other_differ_less_surely():
    """Where the mix of inputs makes one share rise as the other falls, all intervals are wider."""
    up = [5 + (row * 7 % 11) for row in range(MINUTES)]
    down = [20 - each for each in up]
    shuffled = random.Random(3).sample(down, MINUTES)
    same, apart, against = (beyond_repeats(up, own) for own in (up, shuffled, down))
    assert 1 == same.spread <= apart.spread < against.spread < 2.1
    for ends in ("passing", "failing"):
        (low, high), (least, most) = (getattr(one, ends)(Z) for one in (apart, against))
        assert most - least > 1.1 * (high - low)
    # Periods without an equal input are no noise, and do not hide the others.
    assert 1 <= beyond_repeats(up, down[: MINUTES // 2]).spread < against.spread


def test_a_longer_window_has_more_repeated_inputs():
    """Both shares are known better in a window ten times as long."""
    one = beyond_repeats(hits(0.1), hits(0.1))
    longer = one.stretched(10)
    assert longer.share_baseline.total == pytest.approx(10 * one.share_baseline.total)
    assert (10 * 12_000, one.estimate) == (longer.n_baseline, longer.estimate)
    width, shorter = (high - low for low, high in (one.passing(Z), longer.passing(Z)))
    assert shorter == pytest.approx(width / 10**0.5, rel=0.15)
