"""Before and after, judged: two databases and two servers side by side, alternating slices, intervals, a
verdict."""

from pack2.proof.model import Metric, Proof, read_proof
from pack2.proof.plan import PROFILES, Profile
from pack2.proof.prove import prove
from pack2.proof.terminal import show

__all__ = ["PROFILES", "Metric", "Profile", "Proof", "prove", "read_proof", "show"]
