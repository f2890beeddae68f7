"""The guide's checklists after a deployment, as questions to what is deployed: 0-2 h, 2-24 h, 1-7 days."""

from pack2.deploy.checklist.checklist import LISTS, Checklist, Line, Span, check

__all__ = ["LISTS", "Checklist", "Line", "Span", "check"]
