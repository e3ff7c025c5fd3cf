"""How a run is asked to stop, and how it says that it did."""

from dataclasses import dataclass
from typing import Literal

Request = Literal["stop", "finish"]


@dataclass(slots=True)
class Interrupt:
    """A request that the process's signal handlers set and the run reads between its steps."""

    requested: Request | None = None

    @property
    def stops(self) -> bool:
        """The run is to write its checkpoint and leave."""
        return self.requested == "stop"

    @property
    def finishes(self) -> bool:
        """The search is to end with the best it has."""
        return self.requested == "finish"


class Stopped(Exception):
    """The run left at a safe point, its checkpoint written."""
