"""The one way out to other machines: a pooled HTTP client.

It never retries, never follows a redirect and bounds what it reads. Whoever calls decides about retries, so a failure
says whether the request may have reached the other side.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

import orjson
import urllib3

_MOST_BYTES = 10 * 1024 * 1024
_CONNECT_SECONDS = 3.0

_lock = threading.Lock()
_pool: urllib3.PoolManager | None = None


class HttpFailed(Exception):
    """No usable answer came. ``sent``: the request may have been received, so repeating it may repeat its effect."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> object:
        """Raises HttpFailed(sent=True) when the body is not JSON: the other side did act, its answer is unreadable."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise HttpFailed(f"answer {self.status} is not JSON: {self.text[:80]!r}", sent=True) from None


def request(
    method: str,
    url: str,
    *,
    json: object = None,
    data: bytes | str | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 5.0,
    most_bytes: int = _MOST_BYTES,
) -> Response:
    """One attempt, any status is an answer. ``timeout`` is in seconds for connecting and for each read.

    Raises HttpFailed when nothing usable came back (``sent`` tells whether it may have arrived).
    """
    body, head = data, {"user-agent": "Zhike/1", "accept-encoding": "gzip", **(headers or {})}
    if json is not None:
        body = orjson.dumps(json)
        head.setdefault("content-type", "application/json; charset=utf-8")
    limits = urllib3.Timeout(connect=min(timeout, _CONNECT_SECONDS), read=timeout)
    answer = None
    try:
        answer = _manager().request(
            method, url, body=body, headers=head, timeout=limits, retries=False, redirect=False, preload_content=False
        )
        content = answer.read(most_bytes + 1, decode_content=True)
        if len(content) > most_bytes:
            answer.close()
            raise HttpFailed(f"answer {answer.status} is longer than {most_bytes} bytes", sent=True)
        # A short body must be drained to its end, or the connection cannot be used again.
        content += answer.read(decode_content=True)
    except (urllib3.exceptions.ConnectTimeoutError, urllib3.exceptions.NewConnectionError) as error:
        raise HttpFailed(f"cannot connect: {_sentence(error)}", sent=False) from error
    except (urllib3.exceptions.LocationValueError, urllib3.exceptions.ProxyError) as error:
        raise HttpFailed(f"cannot connect: {_sentence(error)}", sent=False) from error
    except urllib3.exceptions.HTTPError as error:
        raise HttpFailed(f"no answer: {_sentence(error)}", sent=True) from error
    finally:
        if answer is not None:
            answer.release_conn()
    return Response(answer.status, {name.lower(): value for name, value in answer.headers.items()}, content)


def _manager() -> urllib3.PoolManager:
    global _pool
    with _lock:
        if _pool is None:
            _pool = urllib3.PoolManager(num_pools=50, maxsize=16, block=False)
        return _pool


def _sentence(error: Exception) -> str:
    """urllib3's messages start with the object's repr, which says nothing to a reader."""
    return str(error).rpartition(">: ")[2] or type(error).__name__
