"""Application Auto Scaling: whether a variant's instance count is scaled automatically."""

from __future__ import annotations

from typing import Any

from airflow_shadow.exceptions import AwsError
from airflow_shadow.hooks.base import CallingHook


class AutoscalingHook(CallingHook):
    """Call Application Auto Scaling about variants of endpoints.

    The parameters are those of :class:`~airflow_shadow.hooks.base.CallingHook`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["client_type"] = "application-autoscaling"
        super().__init__(*args, **kwargs)

    def find_target(self, endpoint_name: str, variant_name: str) -> dict[str, Any] | None:
        """Return the scalable target of a variant (DescribeScalableTargets), `None` without one.

        Without the permission, or the service, a warning is logged: AWS itself refuses to remove a
        variant that is scaled.
        """
        request = {
            "ServiceNamespace": "sagemaker",
            "ResourceIds": [f"endpoint/{endpoint_name}/variant/{variant_name}"],
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        }
        try:
            targets = self.call("DescribeScalableTargets", request).get("ScalableTargets")
        except AwsError as error:
            self.log.warning(
                "Whether variant %r is scaled automatically is unknown. %s", variant_name, error
            )
            return None
        return targets[0] if targets else None
