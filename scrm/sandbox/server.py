"""The HTTP server: one process, a thread per connection, so that kill -9 of one pid ends the whole sandbox."""

import logging
import socket
import sys
from collections.abc import Callable, Iterable
from typing import Any

from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application

from scrm.sandbox.platform.gate import HungUp

_log = logging.getLogger(__name__)
_QUIET = (ConnectionError, TimeoutError)


class Server(ThreadedWSGIServer):
    request_queue_size = 256
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], _QUIET):
            _log.exception("request failed")


class Handler(WSGIRequestHandler):
    disable_nagle_algorithm = True  # Head and body are two writes; with Nagle each answer would wait for a delayed ACK.
    timeout = 75

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: the record says what came."""

    def get_environ(self) -> dict[str, Any]:
        return super().get_environ() | {"sandbox.socket": self.connection}

    def handle(self) -> None:
        try:
            super().handle()
        except _QUIET:
            self.close_connection = True


def bound(port: int) -> Server:
    """A server that listens on loopback. Raises OSError when the port is taken."""
    server = Server(("127.0.0.1", port), Handler)
    server.set_app(_hanging_up(get_wsgi_application()))
    return server


def _hanging_up(application: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """A fault may end the connection without an answer."""

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        try:
            return application(environ, start_response)
        except HungUp:
            environ["sandbox.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionAbortedError from None

    return app
