"""What can go wrong between the generated files, Prometheus and Grafana."""

from __future__ import annotations

from pack2.errors import Pack2Error


class AddressError(Pack2Error):
    """{variable} is no address of a server: {reason}. Write it like `http://127.0.0.1:9090`."""


class AddressUnsetError(Pack2Error):
    """{variable} is not set. Set it to the server's address, such as `{example}`."""


class MonitorUnreachableError(Pack2Error):
    """{url} does not answer: {reason}. Start that server, or correct {variable}."""


class GrafanaAccessError(Pack2Error):
    """Grafana at {url} refuses: {reason}. Set GRAFANA_TOKEN to the token of a service account with the role
    {role}, or GRAFANA_USER and GRAFANA_PASSWORD.
    """


class GrafanaAnswerError(Pack2Error):
    """{url}{path} answers {status}: {reason}. Is GRAFANA_URL Grafana's own address, as its
    `root_url` has it?
    """
