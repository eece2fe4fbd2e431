from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from meetup_engine.lru_cache import LruCache


def test_the_least_recently_used_entry_is_removed() -> None:
    cache: LruCache[str, int] = LruCache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert [cache.get(key) for key in "abc"] == [1, None, 3]


def test_a_cleared_cache_is_empty() -> None:
    cache: LruCache[str, int] = LruCache(2)
    cache.put("a", 1)
    cache.clear()
    assert cache.get("a") is None


def test_threads_can_share_a_cache() -> None:
    cache: LruCache[int, int] = LruCache(8)

    def work(start: int) -> None:
        for number in range(2000):
            key = (start + number) % 16
            cache.put(key, key)
            assert cache.get((key * 7) % 16) in (None, (key * 7) % 16)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
