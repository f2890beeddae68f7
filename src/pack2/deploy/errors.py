"""What can go wrong in a deployment before its first step."""

from __future__ import annotations

from pack2.errors import Pack2Error


class DeploymentRunningError(Pack2Error):
    """Another deployment or rollback is at work here (lock {path}). Wait for it, then run this again."""


class DeploymentFolderError(Pack2Error):
    """The journal of deployments can not be written: {reason}. Make {path} writable or free some space,
    then run this again."""


class ListenersError(Pack2Error):
    """{count} processes still answer from the cache (PostgreSQL sessions {pids}). Without the change feed
    they would answer with old data: stop them or start them with PACK2=off, then run this again."""


class NothingToStartError(Pack2Error):
    """{path} has no [application] with a command, and no --url was given: there is nothing to ask."""
