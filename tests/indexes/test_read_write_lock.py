"""The read-write lock: many readers at once; a writer waits for the readers, and they wait for it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from qa.indexes.chroma_client import ReadWriteLock


def test_many_read_at_once() -> None:
    """Two readers hold the lock at the same moment."""
    lock = ReadWriteLock()
    both = threading.Barrier(2)

    def meet() -> None:
        with lock.reading():
            both.wait(5)

    with ThreadPoolExecutor(2) as pool:
        for meeting in [pool.submit(meet), pool.submit(meet)]:
            meeting.result(10)


def test_a_writer_is_alone() -> None:
    """Readers never see a partial change: two numbers that writers change one after the other are always equal."""
    lock = ReadWriteLock()
    numbers = [0, 0]
    done = threading.Event()

    def look() -> int:
        looks = 0
        while not done.is_set():
            with lock.reading():
                assert numbers[0] == numbers[1]
                looks += 1
        return looks

    def change() -> None:
        for _ in range(200):
            with lock.writing(10):
                numbers[0] += 1
                numbers[1] += 1

    with ThreadPoolExecutor(4) as pool:
        looking = [pool.submit(look) for _ in range(2)]
        changing = [pool.submit(change) for _ in range(2)]
        for change_done in changing:
            change_done.result(30)
        done.set()
        assert all(look_done.result(10) for look_done in looking)
    assert numbers == [400, 400]


def test_a_writer_does_not_wait_for_ever() -> None:
    """A writer gives up after its time, and the lock works as before."""
    lock = ReadWriteLock()
    with lock.reading():
        with pytest.raises(TimeoutError, match="still in use after"), lock.writing(0.05):
            pytest.fail("two held it")
        with lock.reading():
            pass
    with lock.writing(0.05):
        pass


def test_an_error_inside_releases_the_lock() -> None:
    """Both for readers and for writers."""
    lock = ReadWriteLock()
    for way in (lock.reading(), lock.writing(0.05)):
        with pytest.raises(KeyError), way:
            raise KeyError
    with lock.writing(0.05):
        pass
