"""A cache that cannot serve what it knows to be old: memory, then Redis, then the loader; tags expire by
change feed.
"""

from pack2.cache.cache import Cache
from pack2.cache.feed import ChangeFeed
from pack2.cache.redis_tier import RedisTier

__all__ = ["Cache", "ChangeFeed", "RedisTier"]
