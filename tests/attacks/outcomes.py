"""What an attack tried, and what did not hold."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Attack:
    """The count of what was tried, and a line for each that failed."""

    name: str
    tried: int = 0
    failed: list[str] = field(default_factory=list)

    def holds(self, what: str, problem: str | None) -> None:
        """Count one attempt; ``problem`` says what went wrong, None if nothing."""
        self.tried += 1
        if problem:
            self.failed.append(f"{what}: {problem}")

    def row(self) -> str:
        """Return a line of the table."""
        return f"{self.name:<52}{self.tried:>8}{self.tried - len(self.failed):>8}{len(self.failed):>8}"
