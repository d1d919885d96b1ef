"""What must be true at the end. A check answers problems; none is a pass. ``facts`` are the numbers it looked at."""

from dataclasses import dataclass, field

from tests.chaos.record import Database, Record

MOST_TOLD = 8


@dataclass
class Verdict:
    name: str
    problems: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)

    def expect(self, good: bool, problem: str) -> None:
        if not good:
            self.problems.append(problem)


class Check:
    name = ""

    def look(self, record: Record, base: Database, verdict: Verdict) -> None:
        raise NotImplementedError


def run(checks: list[Check], record: Record, base: Database) -> list[Verdict]:
    verdicts = []
    for check in checks:
        verdict = Verdict(check.name)
        try:
            check.look(record, base, verdict)
        except Exception as error:  # a check that cannot be made is not passed
            verdict.problems.append(f"could not be checked: {type(error).__name__}: {error}")
        verdicts.append(verdict)
    return verdicts
