"""A TCP proxy of the tests' own, so that a shared service seems to die without being touched."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading

CHUNK = 65_536
POLL_SECONDS = 0.05


class Proxy:
    """Forwards 127.0.0.1:`port` to `target`, until it is told to cut, refuse or hang.

    cut: the connections there are break, new ones are served. refuse: new ones are refused too. hang: connections are taken
    and bytes swallowed, and nothing is ever answered. `serve` ends either; what hung is broken then.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self._lock = threading.Lock()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._threads: list[threading.Thread] = []
        self._hanging = False
        self._listener: socket.socket | None = None
        self.port = 0
        self._listen()

    def _listen(self) -> None:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(128)
        listener.settimeout(POLL_SECONDS)
        self.port = listener.getsockname()[1]
        self._listener = listener
        self._start(self._accept, listener)

    def _start(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads = [known for known in self._threads if known.is_alive()]
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while self._listener is listener:
            try:
                near, _ = listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            self._connect(near)

    def _connect(self, near: socket.socket) -> None:
        far = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            if not self._hanging:
                far.connect(self.target)
        except OSError:
            _break(near)
            far.close()
            return
        pair = (near, far)
        with self._lock:
            self._pairs.add(pair)
        self._start(self._pump, near, far, pair)
        if not self._hanging:
            self._start(self._pump, far, near, pair)

    def _pump(
        self, source: socket.socket, sink: socket.socket, pair: tuple[socket.socket, socket.socket]
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(CHUNK):
                if not self._hanging:
                    sink.sendall(chunk)
        if not self._hanging:
            self._drop(pair)

    def _drop(self, pair: tuple[socket.socket, socket.socket], *, abruptly: bool = False) -> None:
        with self._lock:
            known = pair in self._pairs
            self._pairs.discard(pair)
        if known:
            for end in pair:
                _break(end, abruptly=abruptly)

    def cut(self, *, abruptly: bool = True) -> None:
        """Break the connections there are: `abruptly` with a reset, else with an orderly end."""
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            self._drop(pair, abruptly=abruptly)

    def refuse(self) -> None:
        """Break the connections there are, and refuse new ones."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()
        self.cut()

    def hang(self) -> None:
        """Take connections and bytes, and answer nothing."""
        self._hanging = True

    def serve(self) -> None:
        """Forward again."""
        if self._hanging:
            self._hanging = False
            self.cut()
        if self._listener is None:
            self._listen()

    def close(self) -> None:
        """End it all."""
        self.refuse()
        for thread in self._threads:
            thread.join(5)


def _break(end: socket.socket, *, abruptly: bool = True) -> None:
    with contextlib.suppress(OSError):
        if abruptly:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.shutdown(socket.SHUT_RDWR)
    end.close()
