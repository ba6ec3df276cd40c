"""A whole rollout as one task group: create, ramp, judge, conclude."""

from airflow_shadow.rollout.group import shadow_rollout

__all__ = ["shadow_rollout"]
