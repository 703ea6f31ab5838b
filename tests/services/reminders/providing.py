"""A provider on loopback: a real HTTP server that accepts, throttles, errs, hangs and drops as a test asks."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    """What the server does with a request; `hang` waits for the end of the test before it says nothing."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    hang: bool = False
    drop: bool = False


@dataclass(frozen=True)
class Asked:
    """A request that came in."""

    path: str
    headers: Mapping[str, str]
    body: Any
    at: float

    @property
    def phone(self) -> str:
        return str(self.body.get("to") or f"+91{self.body['customer_number']}")


ACCEPTED = Reply(body={"messaging_product": "whatsapp", "messages": [{"id": "wamid.1"}]})
Rule = Callable[[Asked, int], Reply]
"""The reply to a request, and the how many-eth to that phone it is, from 1."""


class ProviderServer:
    """Its address, and all that it was asked."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.asked: list[Asked] = []
        self.rule: Rule = lambda asked, count: ACCEPTED
        self.ended = threading.Event()
        self._arrived = threading.Condition()

    def reply(self, asked: Asked) -> Reply:
        with self._arrived:
            self.asked.append(asked)
            count = sum(1 for each in self.asked if each.phone == asked.phone)
            self._arrived.notify_all()
        return self.rule(asked, count)

    def wait_for(self, number: int) -> None:
        """Until so many requests have arrived."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.asked) >= number, 60)

    def phones(self) -> list[str]:
        return sorted(each.phone for each in self.asked)


@contextmanager
def serving() -> Iterator[ProviderServer]:
    """The server, for as long as the body runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            reply = provider.reply(Asked(self.path, dict(self.headers), body, time.monotonic()))
            if reply.hang:
                provider.ended.wait(60)
            if reply.hang or reply.drop:
                self.close_connection = True
                self.connection.close()
                return
            words = json.dumps(reply.body).encode() if not isinstance(reply.body, bytes) else reply.body
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(words)))
            self.end_headers()
            self.wfile.write(words)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass  # a client that was killed, or a connection that the test dropped

    server = Server(("127.0.0.1", 0), Handler)
    provider = ProviderServer(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        provider.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()
