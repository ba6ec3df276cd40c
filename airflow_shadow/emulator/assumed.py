"""What AWS does not document and the emulator had to assume, with the reasons.

Code that depends on an assumption names its key as `assumed: key`.
"""

ASSUMED: dict[str, str] = {
    "durations": "AWS documents no durations. They are minutes, as for any endpoint update.",
    "texts": "AWS documents no error texts of these operations; only codes can be relied on.",
    "create-shows-creating-only": (
        "An immediate start goes from Creating to Running, because AWS's own CloudFormation handler"
        " treats any other status after Creating as an error."
    ),
    "start-in-past": "A StartTime in the past means now, and Describe shows the actual start.",
    "default-end": "Without EndTime a test ends 7 days after its start, the documented default.",
    "minimum-duration": "The console's minimum of one hour applies to the API, too.",
    "busy-code": "Create on an occupied endpoint answers ResourceInUse (see Emulator.busy_code).",
    "scheduled-is-busy": "A scheduled (Created) experiment occupies its endpoint, too.",
    "one-production-variant": "Endpoints with several production variants are refused.",
    "components-refused": "Inference components have no ModelName, which shadow variants need.",
    "wrong-status": (
        "Update is documented for Created and Running. Start needs Created, Stop needs Running, and"
        " Delete needs Created, Completed or Cancelled; otherwise ConflictException."
    ),
    "endpoint-not-ready": "Update, Start and Stop conflict while the endpoint is Updating.",
    "update-shown-late": "The first read after an accepted Update shows the state before it.",
    "lag": (
        "Reads can be stale for a while after a change, even after a read that showed the change;"
        " AWS does not exclude it (faults `lag` and `old-endpoint`)."
    ),
    "values-after-update": "New values show when the update is done, not before.",
    "running-update": (
        "While Running, members that cannot change are accepted if they have their current values."
    ),
    "variant-model-fixed": "A variant of a name cannot get another model.",
    "stop-table": (
        "Production is retained and the shadow removed or retained, or production is removed and"
        " the shadow promoted. Other combinations are a ValidationException, because AWS's own"
        " handlers never send them."
    ),
    "desired-state": "Without DesiredState a stop ends in Cancelled ('concluded early').",
    "desired-variants": "DesiredModelVariants can name only variants that stay, with their models.",
    "promoted-name": "The promoted variant keeps the shadow's name and gets weight 1.",
    "revert": (
        "After an experiment whose shadow is removed the endpoint gets a new configuration equal"
        " to its former one, with the instance counts from before the experiment."
    ),
    "modified-moves": "An experiment's LastModifiedTime moves with every change that is shown.",
    "endpoint-modified": (
        "An endpoint's LastModifiedTime moves when an update begins and when it is done, by"
        " UpdateEndpoint, scaling or an experiment; AWS says only 'modified'."
    ),
    "update-under-test": (
        "UpdateEndpoint is accepted while an experiment runs, and can remove its shadow; the"
        " experiment stays Running. UpdateEndpointWeightsAndCapacities is accepted, too."
    ),
    "config-name": "The service names its endpoint configurations after the experiment.",
    "config-at-end": "A new configuration shows when the deployment is done, not before.",
    "failure": (
        "An experiment that fails is Cancelled and keeps its FailureReason; the endpoint stays as"
        " the last successful deployment left it."
    ),
    "failure-reason-stays": "FailureReason stays in the experiment's metadata once set.",
    "start-takes-over": "A scheduled start or end finishes an endpoint update in progress first.",
    "completion-time": "CompletionTime is set for Cancelled as well as for Completed.",
    "end-time-kept": "An early stop does not change Schedule.EndTime.",
    "page-size": "Lists have 10 items a page by default, as ListEndpoints has.",
    "list-order": "Lists are sorted by CreationTime, newest first, as ListEndpoints is.",
    "capture": (
        "An experiment's DataStorageConfig replaces the endpoint's DataCaptureConfig while it runs,"
        " for all requests, because a configuration has only one. The endpoint's returns after it."
    ),
    "capture-late": (
        "The captures of a minute are in S3 half to one and a half times `capture_late_seconds`"
        " later. AWS says that it takes minutes."
    ),
    "capture-files": (
        "A variant writes one file for each minute with records, named after the first of them, in"
        " the folder of its hour. AWS documents the layout of the keys, not how many files."
    ),
    "capture-loss": (
        "Records are lost, and chosen by the sampling percentage of a capture, independently of"
        " each other and of the other variant's. AWS says only that a full disk stops captures."
    ),
    "capture-without-bucket": "Captures whose bucket does not exist are lost without a message.",
    "failed-captures": (
        "Failed requests are not captured, or all of them are (see Emulator.failed_captures), with"
        " the error as output, or without an output if there was no answer."
    ),
    "event-ids": (
        "The records of one request at production and at the shadow have different eventIds (see"
        " Emulator.event_ids); only what the caller gives, the inferenceId, is equal."
    ),
    "errors-shared": (
        "Models that get the same row err together more often than by chance, because some rows"
        " are harder than others; SHADOW_ANSWER_CORRELATION says how much."
    ),
    "no-variants-yet": "DescribeEndpoint shows no variants while an endpoint is being created.",
    "endpoint-reads-count": (
        "At pace 'count' reads of its endpoint also advance an experiment's work, for clients that"
        " poll only the endpoint."
    ),
    "endpoint-deletable": "An endpoint can be deleted at any time; its experiment then fails.",
    "sampling": "Each request is copied to the shadow independently of others (Bernoulli).",
    "late-minutes": (
        "A minute shows nothing until it is over, then more and more of its samples, and all"
        " two minutes later; AWS says only that metrics are available 'within minutes'."
    ),
    "periods": (
        "Periods count from StartTime, rounded down by its age, as in the examples of"
        " GetMetricStatistics, and also for GetMetricData. This applies to long periods that divide"
        " neither hour nor day, too: 24 hours from 11:57 on are one period of 86,400 seconds. If"
        " AWS divided them otherwise, the hook would read the period with the most requests."
    ),
    "latency-percentiles": (
        "Percentiles, PR, TC and trimmed statistics exist for ModelLatency and OverheadLatency and"
        " periods of any length. CloudWatch needs raw samples for them, and SageMaker's page lists"
        " only plain statistics of these metrics."
    ),
    "own-update": (
        "An update of an experiment may deploy a configuration of another name to the endpoint,"
        " with production's variant and model from the experiment, whatever was deployed since, and"
        " moves the experiment's LastModifiedTime."
    ),
    "metric-pages": (
        "Each page of GetMetricData names all queries, with PartialData for those that are not yet"
        " complete. All pages show the metrics at the time of the first one."
    ),
    "model-errors": (
        "InvocationModelErrors counts the model's 4XX and 5XX answers and failures without answer."
        " Every request, failed or not, is a sample of ModelLatency and OverheadLatency."
    ),
    "error-zeros": (
        "Error metrics send 0 for a request that did not fail. AWS documents their Average and Sum,"
        " not SampleCount, and for some only that 1 is sent (see Emulator.error_samples)."
    ),
    "utilisation": (
        "Each instance sends one sample a minute. CPU follows from requests and latency, the number"
        " of cores from the size of the type. The model declares disk and memory."
    ),
    "scalable-target": (
        "A stop that removes a production variant which is a scalable target is refused, as AWS"
        " documents for UpdateEndpoint."
    ),
    "warm-after-update": (
        "A variant that keeps name, model and instance type in an update keeps its containers:"
        " it has no new cold start, and its drift continues."
    ),
}
