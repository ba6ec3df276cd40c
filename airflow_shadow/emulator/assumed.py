"""What AWS does not document and the emulator had to choose, each with why.

Code that rests on a choice refers to its key as `assumed: key`.
"""

ASSUMED: dict[str, str] = {
    "durations": "AWS gives no times; minutes, as for any endpoint update.",
    "texts": "AWS documents no error text of these operations; only the codes are to be relied on.",
    "create-shows-creating-only": (
        "An immediate start goes Creating -> Running: AWS's own CloudFormation handler takes any"
        " other status after Creating for an error."
    ),
    "start-in-past": "A StartTime in the past means now; Describe shows the real start.",
    "default-end": "Without EndTime a test lasts 7 days from its start, the documented default.",
    "minimum-duration": "The console's minimum of one hour holds for the API too.",
    "busy-code": "An endpoint that is not free answers ResourceInUse (see Emulator.busy_code).",
    "scheduled-is-busy": "A scheduled (Created) experiment occupies its endpoint too.",
    "one-production-variant": "Endpoints with several production variants are refused.",
    "components-refused": "Inference components have no ModelName, which shadow variants need.",
    "wrong-status": (
        "Update is documented for Created and Running. Start is taken to need Created, Stop to"
        " need Running, Delete one of Created, Completed, Cancelled; else ConflictException."
    ),
    "endpoint-not-ready": "Update, Start and Stop conflict while the endpoint is being updated.",
    "update-shown-late": "The first read after an accepted Update shows the state before it.",
    "lag": (
        "Reads may lag behind a change for a while, and show the old after the new; AWS promises"
        " nothing else (faults `lag` and `old-endpoint`)."
    ),
    "values-after-update": "New values are shown when the update is done, not while it runs.",
    "running-update": (
        "While Running, members that may not change are tolerated if they repeat what holds."
    ),
    "variant-model-fixed": "A variant's model cannot be replaced under its name.",
    "stop-table": (
        "Production is retained and the shadow removed or retained, or production is removed and"
        " the shadow promoted; all else is a ValidationException: AWS's handlers never send it."
    ),
    "desired-state": "Without DesiredState a stop ends in Cancelled ('concluded early').",
    "desired-variants": "DesiredModelVariants may name only variants that stay, with their models.",
    "promoted-name": "The promoted variant keeps the shadow's name, and gets weight 1.",
    "revert": (
        "After an experiment whose shadow is removed the endpoint gets a new configuration equal"
        " to its former one, with the instance counts it had then."
    ),
    "endpoint-modified": (
        "An endpoint's LastModifiedTime moves when an update begins and when it is done, whoever"
        " asked for it: UpdateEndpoint, scaling, or an experiment; AWS says only 'modified'."
    ),
    "update-under-test": (
        "UpdateEndpoint is accepted while an experiment runs, and may take its shadow away; the"
        " experiment stays Running. UpdateEndpointWeightsAndCapacities is accepted, too."
    ),
    "config-name": "The service names its endpoint configurations after the experiment.",
    "config-at-end": "A new configuration shows when the deployment is done, not while it runs.",
    "failure": (
        "An experiment that breaks is Cancelled, keeps its FailureReason, and leaves the endpoint"
        " as the last deployment that succeeded left it."
    ),
    "failure-reason-stays": "FailureReason stays in the experiment's metadata once set.",
    "start-takes-over": "A schedule event finishes an endpoint update that is under way first.",
    "completion-time": "CompletionTime is set on Cancelled as well as on Completed.",
    "end-time-kept": "Stopping early does not rewrite Schedule.EndTime.",
    "page-size": "Lists answer 10 a page unless asked for more, as ListEndpoints does.",
    "list-order": "Lists are sorted by CreationTime, newest first, as ListEndpoints are.",
    "capture": (
        "An experiment's DataStorageConfig replaces the endpoint's DataCaptureConfig while it runs,"
        " for all requests; a configuration has one."
    ),
    "no-variants-yet": "DescribeEndpoint shows no variants while an endpoint is being created.",
    "endpoint-reads-count": (
        "At pace 'count' work of an experiment also advances after as many reads of its endpoint,"
        " so that a client that watches only the endpoint gets an answer."
    ),
    "endpoint-deletable": "An endpoint can be deleted at any time; its experiment then breaks.",
    "sampling": "Each request is copied to the shadow or not on its own (Bernoulli).",
    "late-minutes": (
        "A minute shows nothing until it is over, then more and more of itself, and is complete two"
        " minutes later; AWS says only that metrics are there 'within minutes'."
    ),
    "periods": (
        "Periods count from StartTime, rounded down by its age, as in the examples of"
        " GetMetricStatistics; GetMetricData is taken to do the same. So it is with long ones that"
        " divide neither hour nor day: 24 hours from 11:57 on are one period of 86,400 seconds."
        " Should long ones be cut otherwise, the one with most requests is read."
    ),
    "latency-percentiles": (
        "Percentiles, PR, TC and the trimmed ones exist for ModelLatency and OverheadLatency, for"
        " periods of any length: CloudWatch needs raw points for them, and SageMaker's page lists"
        " only plain statistics of these metrics."
    ),
    "own-update": (
        "An update of an experiment may put a configuration of another name on the endpoint, with"
        " production's variant and model as the experiment has them, whatever was deployed since;"
        " it moves the experiment's LastModifiedTime."
    ),
    "metric-pages": (
        "Each page of GetMetricData names all queries; those not yet given completely are"
        " PartialData, and NextToken leads on. All pages show the state at the first one."
    ),
    "model-errors": (
        "InvocationModelErrors counts the model's 4XX and 5XX answers and what fails without one;"
        " every request, failed or not, is a sample of ModelLatency and OverheadLatency."
    ),
    "error-zeros": (
        "Error metrics send 0 for a request that did not fail: AWS documents Average and Sum of"
        " them, not SampleCount, and for some only that 1 is sent (see Emulator.error_samples)."
    ),
    "utilisation": (
        "Each instance sends one sample a minute. CPU follows from requests and latency; the number"
        " of cores from the size of the type. Disk and memory are as the model declares."
    ),
    "scalable-target": (
        "A stop that removes a production variant which is a scalable target is refused, as AWS"
        " documents it for UpdateEndpoint."
    ),
    "warm-after-update": (
        "A variant that keeps name, model and instance type through an update keeps its containers:"
        " no new cold start, and its drift goes on."
    ),
}
