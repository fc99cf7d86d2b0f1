"""A story: two people meet, somebody acts, and the next word is a name."""

from dataclasses import dataclass

MEETINGS = (
    "Then, {first} and {second} went to the {place}. {actor}",
    "When {first} and {second} arrived at the {place}, {actor}",
    "After {first} and {second} had lunch at the {place}, {actor}",
    "Yesterday {first} met {second} at the {place}. In the evening {actor}",
    "While {first} was at the {place} with {second}, {actor}",
)
GIFTS = ("gave a {thing} to", "handed a {thing} to", "decided to give a {thing} to", "showed the {thing} to")
BELONGINGS = ("found a {thing} that belonged to", "picked up a {thing} and said that it belonged to")
PLACES = ("store", "park", "school", "office", "station", "garden", "museum", "beach", "market", "library")
THINGS = ("ring", "book", "drink", "letter", "ball", "key", "picture", "basket", "lamp", "ticket")


@dataclass(frozen=True)
class Story:
    """Who meets whom and where, who acts and with what, as one of MEETINGS and one of GIFTS or BELONGINGS tell it."""

    meeting: str
    deed: str
    first: str
    second: str
    actor: str
    place: str = PLACES[0]
    thing: str = THINGS[0]

    @property
    def prompt(self) -> str:
        """The text up to the name that it calls for."""
        return f"{self.meeting} {self.deed}".format_map(vars(self))

    @property
    def answers(self) -> tuple[str, ...]:
        """Who may come next: the actor where the thing belongs to the actor, else whoever of the two does not act."""
        if self.deed in BELONGINGS:
            return (self.actor,)
        return tuple(name for name in (self.first, self.second) if name != self.actor)
