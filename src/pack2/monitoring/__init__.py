"""Metrics of an application behind Pack 2, and what watches them: rules, alerts, a dashboard."""

from pack2.monitoring.configure import instrument
from pack2.monitoring.families import Family, by_name
from pack2.monitoring.probes import Probe, Reading
from pack2.monitoring.recorder import Recorder

__all__ = ["Family", "Probe", "Reading", "Recorder", "by_name", "instrument"]
