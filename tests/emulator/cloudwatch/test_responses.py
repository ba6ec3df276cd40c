"""CloudWatch's operations: their answers about endpoints, and what moto still answers."""

import json
from datetime import timedelta
from statistics import fmean
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore.exceptions import ClientError

from airflow_shadow.emulator import mocked
from airflow_shadow.emulator.fleet import create_endpoint, experiment_request
from airflow_shadow.emulator.traffic import Traffic
from tests.metrics import INSTANCES, INVOCATIONS, Metrics, metric, query

FLAT = Traffic(requests_per_minute=100, daily_swing=0, late_seconds=0)
DAY = timedelta(days=1)
CREDENTIAL = "AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/monitoring/aws4_request"


@pytest.fixture
def cloudwatch(connect):
    """A CloudWatch client that does not retry."""
    return connect("cloudwatch")


@pytest.fixture
def metrics(emulator, experiments, cloudwatch):
    """Return the metrics of an endpoint with traffic, from the begin of a minute on."""
    moment = emulator.clock.now()
    emulator.clock.advance(60 - moment.second - moment.microsecond / 1e6)
    emulator.traffic("ep", FLAT)
    return Metrics(cloudwatch, emulator)


def code_of(call, *arguments, **members):
    """Return the code a call is refused with."""
    with pytest.raises(ClientError) as caught:
        call(*arguments, **members)
    return caught.value.response["Error"]["Code"]


def pages(metrics, *queries, **members):
    """Read pages until the last one."""
    answers = [metrics.data(*queries, **members)]
    while token := answers[-1].get("NextToken"):
        answers.append(metrics.data(*queries, NextToken=token, **members))
    return answers


def test_dimensions_may_come_in_any_order(metrics, emulator):
    """Both orders of dimensions name the same variant."""
    emulator.clock.advance(300)
    one, other = query("Invocations", "AllTraffic", "Sum"), query("Invocations", "AllTraffic", "p1")
    other["MetricStat"]["Stat"] = "Sum"
    other["MetricStat"]["Metric"]["Dimensions"].reverse()
    first, second = metrics.data(one, other)["MetricDataResults"]
    assert first["Values"] == second["Values"]
    assert 5 == len(first["Values"])


def test_another_namespace_or_dimension_is_another_metric(metrics, emulator):
    """A metric with another namespace or dimension has no points."""
    emulator.clock.advance(300)
    queries = [query("Invocations", "AllTraffic", "Sum"), query("Invocations", "No", "Sum")]
    queries[0]["MetricStat"]["Metric"]["Namespace"] = INSTANCES
    results = metrics.data(*queries)["MetricDataResults"]
    assert [[], []] == [result["Values"] for result in results]


@pytest.mark.parametrize(
    ("scan", "newest_first"),
    [(None, True), ("TimestampDescending", True), ("TimestampAscending", False)],
)
def test_the_order_of_points(metrics, emulator, scan, newest_first):
    """Points come newest first unless the request says otherwise."""
    emulator.clock.advance(600)
    [result] = metrics.client.get_metric_data(
        MetricDataQueries=[query("Invocations", "AllTraffic", "Sum")],
        **metrics.window(),
        **({"ScanBy": scan} if scan else {}),
    )["MetricDataResults"]
    assert sorted(result["Timestamps"], reverse=newest_first) == result["Timestamps"]


def test_the_end_is_exclusive(metrics, emulator):
    """The minute at StartTime is included, the one at EndTime is not."""
    emulator.clock.advance(600)
    window = {"StartTime": metrics.start, "EndTime": metrics.start + timedelta(minutes=3)}
    points = metrics.points("Invocations", "AllTraffic", **window)
    assert [metrics.start + timedelta(minutes=number) for number in range(3)] == list(points)


def test_longer_periods_pool(metrics, emulator):
    """In a longer period sums add up, averages are weighted, and extremes stay."""
    emulator.clock.advance(3600)
    asked = ("Sum", "SampleCount", "Maximum", "Average")
    minute, hour = (
        {
            stat: metrics.data(
                query("ModelLatency", "AllTraffic", stat, period=period), StartTime=metrics.start
            )["MetricDataResults"][0]["Values"]
            for stat in asked
        }
        for period in (60, 3600)
    )
    assert {
        "Sum": [pytest.approx(sum(minute["Sum"]))],
        "SampleCount": [sum(minute["SampleCount"])],
        "Maximum": [max(minute["Maximum"])],
        "Average": [pytest.approx(sum(minute["Sum"]) / sum(minute["SampleCount"]))],
    } == hour


def test_extended_statistics_agree_with_each_other(metrics, emulator):
    """A tenth of the samples lies above p90."""
    emulator.clock.advance(3600)
    [p90] = metrics.data(
        query("ModelLatency", "AllTraffic", "p90", period=3600), StartTime=metrics.start
    )["MetricDataResults"][0]["Values"]
    names = (f"PR(:{p90:.6f})", f"TC({p90:.6f}:)", "SampleCount")
    rank, above, count = (
        metrics.data(
            query("ModelLatency", "AllTraffic", name, period=3600), StartTime=metrics.start
        )["MetricDataResults"][0]["Values"][0]
        for name in names
    )
    assert (pytest.approx(90, abs=0.01), pytest.approx(count / 10, rel=0.001)) == (rank, above)


def test_another_unit_has_no_points(metrics, emulator):
    """Latency is in microseconds; a query in another unit returns nothing."""
    emulator.clock.advance(300)
    asked = query("ModelLatency", "AllTraffic", "Average")
    counts = []
    for unit in ("Microseconds", "Seconds"):
        asked["MetricStat"]["Unit"] = unit
        counts.append(len(metrics.data(asked)["MetricDataResults"][0]["Values"]))
    assert [5, 0] == counts


def test_labels(metrics, emulator):
    """A result has the label of its query, or else metric and statistic."""
    emulator.clock.advance(300)
    queries = [
        query("Invocations", "AllTraffic", "Sum", Label="mine"),
        query("Invocations", "Shadow", "Sum"),
    ]
    labels = [result["Label"] for result in metrics.data(*queries)["MetricDataResults"]]
    assert ["mine", "Invocations Sum"] == labels


def test_pages_give_every_point_once(metrics, emulator):
    """Pages have MaxDatapoints points at most, and PartialData until a query is complete."""
    emulator.clock.advance(600)
    queries = [query("Invocations", "AllTraffic", stat) for stat in ("Sum", "SampleCount", "p50")]
    whole = metrics.data(*queries)["MetricDataResults"]
    read = pages(metrics, *queries, MaxDatapoints=7)
    sizes = [sum(len(one["Values"]) for one in page["MetricDataResults"]) for page in read]
    codes = [[one["StatusCode"] for one in page["MetricDataResults"]] for page in read]
    joined = [
        [value for page in read for value in page["MetricDataResults"][number]["Values"]]
        for number in range(3)
    ]
    assert [7, 7, 7, 7, 2] == sizes
    assert [["PartialData"] * 3, ["Complete", "PartialData", "PartialData"]] == codes[:2]
    assert ["Complete"] * 3 == codes[-1]
    assert [one["Values"] for one in whole] == joined


def test_all_pages_show_one_moment(metrics, emulator):
    """All pages show the points at the time of the first one."""
    emulator.clock.advance(600)
    asked = query("Invocations", "AllTraffic", "Sum")
    window = {"StartTime": metrics.start, "EndTime": metrics.start + DAY, "MaxDatapoints": 6}
    first = metrics.data(asked, **window)
    emulator.clock.advance(600)
    second = metrics.data(asked, NextToken=first["NextToken"], **window)
    assert 4 == len(second["MetricDataResults"][0]["Values"])


def test_a_query_can_be_kept_back(metrics, emulator):
    """With ReturnData=False a query serves an expression only."""
    emulator.clock.advance(300)
    hidden = query("Invocations", "AllTraffic", "Sum", ReturnData=False)
    results = metrics.data(hidden, {"Id": "e", "Expression": hidden["Id"]})["MetricDataResults"]
    assert [("e", 5)] == [(result["Id"], len(result["Values"])) for result in results]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"MetricDataQueries": 501}, "ValidationError"),
        ({"MaxDatapoints": 100_801}, "ValidationError"),
        ({"NextToken": "nonsense"}, "InvalidNextToken"),
        ({"EndTime": timedelta(days=-2)}, "ValidationError"),
        ({"Period": 90}, "ValidationError"),
        ({"Stat": "p101"}, "ValidationError"),
        ({"Id": "same"}, "ValidationError"),
    ],
    ids=["queries", "points", "token", "end before start", "period", "statistic", "ids"],
)
def test_wrong_requests_are_refused(metrics, emulator, change, code):
    """Wrong requests are refused with CloudWatch's error codes."""
    change = dict(change)
    number = change.pop("MetricDataQueries", 2)
    queries = [
        query("Invocations", "AllTraffic", "Sum") | {"Id": change.get("Id", f"q{one}")}
        for one in range(number)
    ]
    for name in ("Period", "Stat"):
        queries[0]["MetricStat"][name] = change.pop(name, queries[0]["MetricStat"][name])
    change.pop("Id", None)
    if "EndTime" in change:
        change["EndTime"] = emulator.clock.now() + change["EndTime"]
    assert code == code_of(metrics.data, *queries, **change)


def test_500_queries_are_answered(metrics, emulator):
    """The largest number of queries that CloudWatch allows is answered."""
    emulator.clock.advance(300)
    asked = query("Invocations", "AllTraffic", "Sum")
    queries = [asked | {"Id": f"q{number}"} for number in range(500)]
    results = metrics.data(*queries)["MetricDataResults"]
    assert [5] * 500 == [len(result["Values"]) for result in results]


@pytest.mark.parametrize(("period", "days"), [(60, 15), (300, 63), (3600, 455)])
def test_points_live_as_long_as_their_period_allows(metrics, emulator, period, days):
    """One-minute points are kept 15 days, five-minute ones 63, one-hour ones 455."""
    emulator.traffic("ep", Traffic(requests_per_minute=1, daily_swing=0, late_seconds=0))
    emulator.clock.advance(timedelta(hours=2))
    emulator.traffic("ep", Traffic(requests_per_minute=0, late_seconds=0))
    counts = []
    for age in (timedelta(days=days, hours=-3), timedelta(hours=6)):
        emulator.clock.advance(age)
        window = {"StartTime": metrics.start - DAY, "EndTime": metrics.start + DAY}
        asked = query("Invocations", "AllTraffic", "Sum", period=period)
        counts.append(len(metrics.data(asked, **window)["MetricDataResults"][0]["Values"]))
    assert (True, 0) == (counts[0] > 0, counts[1])


def test_get_metric_statistics(metrics, emulator):
    """GetMetricStatistics returns plain and extended statistics, with the unit."""
    emulator.clock.advance(600)
    points = metrics.client.get_metric_statistics(
        **metric("ModelLatency", "AllTraffic"),
        StartTime=metrics.start,
        EndTime=metrics.start + timedelta(minutes=10),
        Period=300,
        Statistics=["Average", "SampleCount"],
        ExtendedStatistics=["p99", "PR(:60000)"],
    )["Datapoints"]
    assert 2 == len(points)
    for point in points:
        assert [*("Average", "ExtendedStatistics", "SampleCount", "Timestamp", "Unit")] == sorted(
            point
        )
        assert point["Average"] < point["ExtendedStatistics"]["p99"]
        assert 0 < point["ExtendedStatistics"]["PR(:60000)"] < 100
        assert "Microseconds" == point["Unit"]


def test_get_metric_statistics_gives_1440_points_at_most(metrics, emulator):
    """Two days of minutes are more than 1,440 points, and are refused."""
    emulator.clock.advance(2 * DAY)
    refused = code_of(
        metrics.client.get_metric_statistics,
        **metric("Invocations", "AllTraffic"),
        **metrics.window(),
        Period=60,
        Statistics=["Sum"],
    )
    assert "InvalidParameterCombination" == refused


def test_list_metrics(metrics, emulator, cloudwatch):
    """ListMetrics finds an endpoint's metrics by namespace, name and dimension."""
    cloudwatch.put_metric_data(Namespace="Mine", MetricData=[{"MetricName": "m", "Value": 1}])
    wanted = [{"Name": "EndpointName", "Value": "ep"}]
    listed = cloudwatch.list_metrics(Namespace=INVOCATIONS, Dimensions=wanted)["Metrics"]
    names = [one["MetricName"] for one in cloudwatch.list_metrics()["Metrics"]]
    assert 7 == len(listed)
    assert ("m", 11) == (names[-1], len(names))


@pytest.mark.parametrize("status", ["PartialData", "Forbidden", "InternalError"])
def test_results_can_go_wrong(metrics, emulator, status):
    """The fault changes the status of the named query, or of all."""
    emulator.clock.advance(600)
    queries = [query("Invocations", "AllTraffic", stat) for stat in ("Sum", "SampleCount")]
    emulator.faults.add(
        kind="metric-status",
        operation="GetMetricData",
        status=status,
        query=queries[0]["Id"],
    )
    for codes in ([status, "Complete"], ["Complete", "Complete"]):
        results = metrics.data(*queries)["MetricDataResults"]
        assert codes == [result["StatusCode"] for result in results]


@pytest.mark.parametrize(
    ("kind", "code"),
    [("access-denied", "AccessDeniedException"), ("throttle", "ThrottlingException")],
)
def test_calls_can_be_refused(metrics, emulator, kind, code):
    """SageMaker's faults apply to CloudWatch, too."""
    emulator.faults.add(kind=kind, operation="GetMetricData")
    assert code == code_of(metrics.values, "Invocations", "AllTraffic")


def test_what_users_send_stays_as_it_is(metrics, emulator, cloudwatch):
    """Moto answers plain statistics and expressions of users' own metrics."""
    now = emulator.clock.now()
    data = [
        {"MetricName": "m", "Value": value, "Timestamp": now, "Unit": "Count"} for value in (1, 3)
    ]
    cloudwatch.put_metric_data(Namespace="Mine", MetricData=data)
    stat = {"Metric": {"Namespace": "Mine", "MetricName": "m"}, "Period": 60, "Stat": "Average"}
    emulator.clock.advance(60)
    results = metrics.data(
        {"Id": "a", "MetricStat": stat},
        {"Id": "b", "Expression": "a"},
        query("Invocations", "AllTraffic", "SampleCount"),
    )["MetricDataResults"]
    values = {result["Id"]: result["Values"] for result in results}
    assert (
        [2.0],
        [2.0],
        1,
    ) == (values["a"], values["b"], len(values["alltraffic_invocations_samplecount"]))


def test_users_metrics_get_extended_statistics_too(metrics, emulator, cloudwatch):
    """The emulator adds extended statistics, which moto lacks, to users' own metrics."""
    now = emulator.clock.now()
    data = [{"MetricName": "m", "Values": [1, 2, 3, 4], "Timestamp": now}]
    cloudwatch.put_metric_data(Namespace="Mine", MetricData=data)
    emulator.clock.advance(60)
    stat = {"Metric": {"Namespace": "Mine", "MetricName": "m"}, "Period": 60, "Stat": "p75"}
    [result] = metrics.data({"Id": "a", "MetricStat": stat})["MetricDataResults"]
    [point] = cloudwatch.get_metric_statistics(
        **stat["Metric"], **metrics.window(), Period=60, ExtendedStatistics=["TC(2:)"]
    )["Datapoints"]
    assert ([3.0], {"TC(2:)": 2.0}) == (result["Values"], point["ExtendedStatistics"])


def test_what_users_send_about_an_endpoint_without_traffic_is_kept(
    emulator, experiments, cloudwatch
):
    """Tests can send an endpoint's points themselves if it has no traffic."""
    moment = {"Timestamp": emulator.clock.now(), "Value": 7.0}
    about = metric("Invocations", "AllTraffic")
    namespace = about.pop("Namespace")
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=[about | moment])
    metrics = Metrics(cloudwatch, emulator)
    emulator.clock.advance(60)
    assert [7.0] == metrics.values("Invocations", "AllTraffic")


def test_alarms_stay_motos(cloudwatch, emulator):
    """Alarms are put, set and described by moto."""
    cloudwatch.put_metric_alarm(
        **metric("Invocation5XXErrors", "AllTraffic"),
        AlarmName="a",
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        Period=60,
        Statistic="Average",
        Threshold=0.1,
    )
    cloudwatch.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="test")
    [alarm] = cloudwatch.describe_alarms(AlarmNames=["a"])["MetricAlarms"]
    assert ("ALARM", 0.1) == (alarm["StateValue"], alarm["Threshold"])


def test_the_query_protocol_is_spoken_too(metrics, emulator):
    """Older clients, which send forms and read XML, get the same answers."""
    emulator.clock.advance(300)
    dimensions = {"EndpointName": "ep", "VariantName": "AllTraffic"}
    form = {
        "Action": "GetMetricStatistics",
        "Version": "2010-08-01",
        "Namespace": INVOCATIONS,
        "MetricName": "ModelLatency",
        "Period": "300",
        "StartTime": metrics.start.isoformat(),
        "EndTime": emulator.clock.now().isoformat(),
        "ExtendedStatistics.member.1": "p90",
        **{
            f"Dimensions.member.{number}.{part}": text
            for number, pair in enumerate(dimensions.items(), start=1)
            for part, text in zip(("Name", "Value"), pair, strict=True)
        },
    }
    request = Request(
        emulator.url, data=urlencode(form).encode(), headers={"Authorization": CREDENTIAL}
    )
    with urlopen(request, timeout=10) as answer:
        body = answer.read().decode()
    assert 1 == body.count("<key>p90</key>")


def test_in_process(emulator):
    """Metrics work without a server, and nothing is left in moto afterwards."""
    with mocked(speed=0.0) as inner:
        client, cloudwatch = (
            boto3.client(name, region_name="us-east-1") for name in ("sagemaker", "cloudwatch")
        )
        create_endpoint(client, endpoint_name="ep", model_name="m1", traffic=FLAT)
        metrics = Metrics(cloudwatch, inner)
        inner.clock.advance(timedelta(hours=1))
        assert pytest.approx(100, rel=0.1) == fmean(metrics.values("Invocations", "AllTraffic"))


def test_accounts_and_regions_are_apart(metrics, emulator, connect):
    """An endpoint has no metrics in another region."""
    emulator.clock.advance(300)
    other = Metrics(connect("cloudwatch", region="eu-west-1"), emulator)
    assert [] == other.values("Invocations", "AllTraffic")


@pytest.mark.thorough
def test_a_week_comes_in_two_pages(emulator, client, metrics):
    """A week of ten metrics of both variants has more points than a page."""
    request = experiment_request(
        name="x", endpoint_name="ep", model_name="m1", shadow_model_name="m2"
    )
    client.create_inference_experiment(**request)
    while client.describe_inference_experiment(Name="x")["Status"] != "Running":
        continue
    emulator.clock.advance(7 * DAY - timedelta(minutes=1))
    names = dict.fromkeys(one["MetricName"] for one in metrics.client.list_metrics()["Metrics"])
    variants = ("AllTraffic", "Shadow")
    queries = [query(name, variant, "Average") for name in names for variant in variants]
    read = list(raw_pages(emulator, metrics, queries))
    points = sum(len(one["Values"]) for page in read for one in page["MetricDataResults"])
    assert (2, True) == (len(read), points > 200_000)


def raw_pages(emulator, metrics, queries):
    """Read pages without botocore, which takes half of the time to parse timestamps."""
    window = {name: time.timestamp() for name, time in metrics.window().items()}
    token = None
    while True:
        body = {"MetricDataQueries": queries, **window} | ({"NextToken": token} if token else {})
        headers = {
            "Authorization": CREDENTIAL,
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": "GraniteServiceVersion20100801.GetMetricData",
        }
        request = Request(emulator.url, data=json.dumps(body).encode(), headers=headers)
        with urlopen(request, timeout=300) as answer:
            page = json.load(answer)
        yield page
        if not (token := page.get("NextToken")):
            return
