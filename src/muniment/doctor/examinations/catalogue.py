"""Every examination of the log, in the order in which they are made and shown."""

from collections.abc import Callable
from typing import Final, NamedTuple

from muniment.doctor.examinations.days import examine_outside, examine_period, examine_to, examine_zone
from muniment.doctor.examinations.entries import examine_ids, examine_json, examine_members, examine_values
from muniment.doctor.examinations.exam import Finding, Steps
from muniment.doctor.examinations.filters import (
    examine_refusals,
    examine_type_list,
    examine_upper_case,
    examine_user_name,
)
from muniment.doctor.examinations.lookups import examine_role, examine_unknown_user
from muniment.doctor.examinations.order import examine_order, examine_ties
from muniment.doctor.examinations.pages import (
    examine_cap,
    examine_deep_offset,
    examine_echo,
    examine_offset,
    examine_page_length,
)
from muniment.doctor.examinations.sample import Sample
from muniment.doctor.examinations.totals import examine_same_total, examine_sums, examine_total

__all__ = ["EXAMINATIONS", "Examination"]


class Examination(NamedTuple):
    """An examination.

    Args:
        name: As it is shown, and named in the documentation.
        examine: What it does.
        needs: Other examinations without which it would conclude nothing.
    """

    name: str
    examine: Callable[[Sample], Steps[Finding]]
    needs: tuple[str, ...] = ()


_TOTALS: Final = ("total", "same-total")
EXAMINATIONS: Final = (
    Examination("role", examine_role),
    Examination("period", examine_period),
    Examination("total", examine_total),
    Examination("same-total", examine_same_total),
    Examination("sums", examine_sums),
    Examination("outside", examine_outside, _TOTALS),
    Examination("to", examine_to, _TOTALS),
    Examination("zone", examine_zone),
    Examination("order", examine_order),
    Examination("ties", examine_ties),
    Examination("cap", examine_cap),
    Examination("page-length", examine_page_length),
    Examination("offset", examine_offset),
    Examination("deep-offset", examine_deep_offset),
    Examination("echo", examine_echo),
    Examination("upper-case", examine_upper_case, _TOTALS),
    Examination("user-name", examine_user_name, _TOTALS),
    Examination("type-list", examine_type_list, (*_TOTALS, "sums")),
    Examination("refusals", examine_refusals),
    Examination("unknown-user", examine_unknown_user),
    Examination("ids", examine_ids),
    Examination("members", examine_members),
    Examination("values", examine_values),
    Examination("json", examine_json),
)
