"""Puts Pack 2 into an application in eight steps, takes it out again, and checks that it does its work."""

from pack2.deploy.deploy import Deployment, StepResult, deploy, plan
from pack2.deploy.rollback import rollback

__all__ = ["Deployment", "StepResult", "deploy", "plan", "rollback"]
