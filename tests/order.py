"""The order of a run in several processes: the road first and all of it in one process, since it starts whole stacks and waits
much; then files with many tests before those with few, so that no process is left with a long one at the end."""

from collections import Counter

import pytest

ROAD = "tests/road/"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    sizes = Counter(item.path for item in items)
    items.sort(key=lambda item: (not item.nodeid.startswith(ROAD), -sizes[item.path]))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadFileScheduling

    class RoadTogether(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return ROAD if nodeid.startswith(ROAD) else super()._split_scope(nodeid)

    if config.getoption("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False
    return RoadTogether(config, log)
