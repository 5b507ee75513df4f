"""What a waiting worker holds: an agent of its own for each slot."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from portal.stores.pool import Call, Held
from runner_images.child import Agent, Assignment
from runner_images.json_log import forwarded, say


@dataclass(frozen=True, slots=True)
class Hand:
    call: Call
    agent: Agent

    def about(self) -> dict[str, object]:
        return {"run": self.call.run, "slot": self.call.slot, "epoch": self.call.epoch}


class Hands:
    def __init__(self, store_url: str, most: int, start: Callable[[Assignment], Agent]) -> None:
        self._store_url, self.most, self._start = store_url, most, start
        self._hands: list[Hand] = []

    def __len__(self) -> int:
        return len(self._hands)

    @property
    def has_room(self) -> bool:
        return len(self._hands) < self.most

    @property
    def holds(self) -> tuple[Held, ...]:
        return tuple(Held(hand.call.run, hand.call.slot, hand.call.epoch) for hand in self._hands)

    def about(self) -> dict[str, object]:
        """Of the first, for the log."""
        return self._hands[0].about() if self._hands else {}

    def take(self, call: Call) -> None:
        """In the main thread, as every agent."""
        memory = memory_of(call, self.most)
        agent = self._start(Assignment(self._store_url, call.run, call.slot, call.epoch, call.cores, memory))
        self._hands.append(Hand(call, agent))

    def let_go(self) -> bool:
        """Passes on what agents said and forgets those that ended; whether there were any."""
        over = [hand for hand in self._hands if self._has_ended(hand)]
        self._hands = [hand for hand in self._hands if hand not in over]
        return bool(over)

    def drain(self, seconds: float, tick: float, meanwhile: Callable[[], object]) -> None:
        """All at once. Whoever has not ended in `seconds` is killed."""
        for hand in self._hands:
            hand.agent.drain()
        until = time.monotonic() + seconds
        while self._hands and time.monotonic() < until:
            self._hands[0].agent.wait(tick)
            self.let_go()
            meanwhile()
        self.kill()

    def kill(self) -> None:
        for hand in self._hands:
            hand.agent.kill()
            _forward(hand)
        self._hands = []

    @staticmethod
    def _has_ended(hand: Hand) -> bool:
        code = hand.agent.exit_code()
        _forward(hand)
        if code is not None:
            say("agent_ended", **hand.about(), exit_code=code)
        return code is not None


def memory_of(call: Call, most: int) -> int:
    """Bytes for one of `most` slots on this machine, which share its cores but not its memory; 0: the agent finds out itself."""
    return call.memory or (psutil.virtual_memory().available // 2 // most if most > 1 else 0)


def _forward(hand: Hand) -> None:
    for line in hand.agent.new_lines():
        print(forwarded(line, **hand.about()), flush=True)
