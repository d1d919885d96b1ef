"""The life of a message, in one place. Every statement that changes ``state`` names its move here, and the graph is checked
when this module is imported."""

from campaigns.enums import State

S = State

MOVES: dict[str, dict[str, str]] = {
    "hold": {S.QUEUED: S.HELD, S.HELD: S.HELD, S.LEASED: S.HELD},
    "claim": {S.QUEUED: S.LEASED, S.HELD: S.LEASED},
    "give_back": {S.LEASED: S.QUEUED},
    "attempt": {S.LEASED: S.ATTEMPTING},
    "retry": {S.ATTEMPTING: S.QUEUED},
    "send": {S.ATTEMPTING: S.SENT},
    "deliver": {S.SENT: S.DELIVERED, S.UNKNOWN: S.DELIVERED},
    "bounce": {S.SENT: S.BOUNCED, S.DELIVERED: S.BOUNCED, S.UNKNOWN: S.BOUNCED},
    "suppress": {S.QUEUED: S.SUPPRESSED, S.HELD: S.SUPPRESSED, S.LEASED: S.SUPPRESSED, S.ATTEMPTING: S.SUPPRESSED},
    "fail": {S.LEASED: S.FAILED, S.ATTEMPTING: S.FAILED, S.SENT: S.FAILED, S.UNKNOWN: S.FAILED},
    "expire": {S.QUEUED: S.EXPIRED, S.HELD: S.EXPIRED, S.LEASED: S.EXPIRED, S.ATTEMPTING: S.EXPIRED},
    "lose": {S.ATTEMPTING: S.UNKNOWN},
    "settle_sent": {S.UNKNOWN: S.SENT},
    "settle_again": {S.UNKNOWN: S.QUEUED},
}
"""Move -> {state before: state after}."""

PLANNED = {S.QUEUED, S.HELD, S.SUPPRESSED, S.EXPIRED}
"""The states a message may be born in."""
FINAL = {S.SUPPRESSED, S.FAILED, S.EXPIRED, S.BOUNCED}
"""Nothing moves out of these."""
WITH_THE_PLATFORM = {S.SENT, S.UNKNOWN}
"""What a platform's later report may still move."""


class ImpossibleMove(Exception):
    """The graph does not know this move from this state."""


def after(state: str, move: str) -> str:
    """The state after the move. Raises ImpossibleMove."""
    try:
        return str(MOVES[move][State(state)])
    except (KeyError, ValueError):
        raise ImpossibleMove(f"{move} from {state}") from None


def sources(move: str) -> list[str]:
    """The states a move may start from: the WHERE of its statement."""
    return [str(state) for state in MOVES[move]]


def target(move: str) -> str:
    """The state every source of the move leads to: the SET of its statement."""
    (state,) = set(MOVES[move].values())
    return str(state)


def _check() -> None:
    reached = set(PLANNED)
    frontier = list(PLANNED)
    while frontier:
        state = frontier.pop()
        for edges in MOVES.values():
            if state in edges and edges[state] not in reached:
                reached.add(edges[state])
                frontier.append(edges[state])
    if reached != set(State):
        raise AssertionError(f"states nobody reaches: {set(State) - reached}")
    for move, edges in MOVES.items():
        if len(set(edges.values())) != 1 or FINAL & set(edges):
            raise AssertionError(f"move {move} is ambiguous or leaves a final state")


_check()
