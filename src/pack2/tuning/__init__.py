"""Diagnosis and recommendations across the layers: one list, each with its evidence and its command."""

from pack2.tuning.recommend import recommend
from pack2.tuning.recommendation import Recommendation

__all__ = ["Recommendation", "recommend"]
