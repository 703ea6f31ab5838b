"""What an operator's session leaves in the audit trail: its streams, and the key that seals them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from services.audit.chain import Stream, Tail
from services.audit.signing import Signer
from services.changes.series import new_series


@dataclass(eq=False)
class Trail:
    """One login's trail. Everything it writes by hand is one stream; each lane of a run has one of its own."""

    key_file: Path | None = None
    """The key that signs checkpoints, made when it is first needed; without a file it lives as long as the session."""
    copies: Path | None = None
    """A file outside the database that gets a copy of every checkpoint."""
    session: str = field(default_factory=lambda: new_series()[:-1])
    streams: list[Stream] = field(default_factory=list)
    """Those that this session still writes to."""
    finished: dict[str, Tail] = field(default_factory=dict)
    """By id, the streams that nothing more is written to, and that no seal has ended yet."""
    _own: Stream | None = None
    _begun: int = 0
    _signer: Signer | None = None

    @property
    def own(self) -> Stream:
        """The stream of what the operator does by hand."""
        if self._own is None:
            self._own = self.beside()
        return self._own

    def beside(self) -> Stream:
        """A stream of the session for one who writes beside others: transactions of one stream take turns."""
        self._begun += 1
        return self.stream(f"{self.session}/{self._begun}")

    def stream(self, name: str) -> Stream:
        """A new stream, for one serial writer; a name is never used twice."""
        self.streams.append(Stream(name))
        return self.streams[-1]

    def end(self, streams: Iterable[Stream]) -> None:
        """Nothing more is written to these streams. One whose last transaction has not ended stays open."""
        ended = list(streams)
        self.streams = [stream for stream in self.streams if stream not in ended]
        if self._own in ended:
            self._own = None
        for stream in ended:
            if not stream.turn.locked():  # what may still land is left to a later sealer
                self.finished |= stream.written

    def tail(self, name: object) -> Tail | None:
        """What this session knows to have landed in a stream; None of one that it did not write."""
        if not isinstance(name, str):
            return None
        written = [self.finished, *(stream.written for stream in self.streams)]
        return next((tails[name] for tails in written if name in tails), None)

    @property
    def signer(self) -> Signer:
        """The key that signs checkpoints."""
        if self._signer is None:
            self._signer = Signer.of(self.key_file)
        return self._signer
