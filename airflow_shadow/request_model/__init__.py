"""Give rendered values the API's types, and find what the API would refuse.

No field, number or instance type is listed here: values are walked along botocore's shapes.

==============  =====================================================================
module          purpose
==============  =====================================================================
``walk``        the way through a request: :func:`prepare` and :func:`coerce`
``scalars``     one value to the type of one leaf
``limits``      what the model says of a value that botocore does not check
``violations``  what is wrong with a value, and the error that carries all of it
``names``       the names of the API's fields in Python
``skeleton``    an empty request, to be filled in
==============  =====================================================================
"""

from __future__ import annotations

from airflow_shadow.request_model.names import field_names
from airflow_shadow.request_model.violations import Fault, FaultKind, InvalidParametersError
from airflow_shadow.request_model.walk import Prepared, coerce, prepare

__all__ = [
    "Fault",
    "FaultKind",
    "InvalidParametersError",
    "Prepared",
    "coerce",
    "field_names",
    "prepare",
]
