"""Every kind of step, by the name it has in a definition. Adding one: a file here, a line below, a translation."""

from journeys.steps import ab, coupon, exit, goal, repeat, send, split, stage, tag, wait, wait_event
from journeys.steps.base import Kind

KINDS: dict[str, Kind] = {
    "send": send.KIND,
    "wait": wait.KIND,
    "wait_event": wait_event.KIND,
    "split": split.KIND,
    "ab": ab.KIND,
    "repeat": repeat.KIND,
    "tag": tag.KIND,
    "stage": stage.KIND,
    "coupon": coupon.KIND,
    "goal": goal.KIND,
    "exit": exit.KIND,
}
