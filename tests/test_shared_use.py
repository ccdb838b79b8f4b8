"""Many use a thing at once; one that would have it alone waits for them, and they for it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from qa.shared_use import SharedUse


def test_many_use_it_at_once() -> None:
    """Also one within the other's time."""
    use = SharedUse()
    both = threading.Barrier(2)

    def meet() -> None:
        with use.shared():
            both.wait(5)

    with ThreadPoolExecutor(2) as pool:
        for one in [pool.submit(meet), pool.submit(meet)]:
            one.result(10)


def test_alone_is_alone() -> None:
    """What two numbers say together never differs for those who share; each change is made by one who is alone."""
    use = SharedUse()
    numbers = [0, 0]
    done = threading.Event()

    def look() -> int:
        looks = 0
        while not done.is_set():
            with use.shared():
                assert numbers[0] == numbers[1]
                looks += 1
        return looks

    def change() -> None:
        for _ in range(200):
            with use.alone(10):
                numbers[0] += 1
                numbers[1] += 1

    with ThreadPoolExecutor(4) as pool:
        looking = [pool.submit(look) for _ in range(2)]
        changing = [pool.submit(change) for _ in range(2)]
        for one in changing:
            one.result(30)
        done.set()
        assert all(one.result(10) for one in looking)
    assert numbers == [400, 400]


def test_waiting_to_be_alone_ends() -> None:
    """And whoever comes afterwards uses it as before."""
    use = SharedUse()
    with use.shared():
        with pytest.raises(TimeoutError, match="still in use after"), use.alone(0.05):
            pytest.fail("was alone")
        with use.shared():
            pass
    with use.alone(0.05):
        pass


def test_what_fails_inside_leaves_it_free() -> None:
    """In both ways of using it."""
    use = SharedUse()
    for way in (use.shared(), use.alone(0.05)):
        with pytest.raises(KeyError), way:
            raise KeyError
    with use.alone(0.05):
        pass
