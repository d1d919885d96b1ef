"""``python -m scrm.sandbox``: the platform double on SANDBOX_PORT (HTTP) and SANDBOX_SMTP_PORT (mail), loopback only."""

import os
import signal
import sys
import threading


def main() -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "scrm.sandbox.settings"
    import django  # noqa: PLC0415 - the settings module is chosen above
    from django.conf import settings  # noqa: PLC0415

    django.setup()
    from scrm.sandbox import mail, outbox, server, store  # noqa: PLC0415 - they need the settings
    from scrm.sandbox.feed import FEED  # noqa: PLC0415
    from scrm.sandbox.shop import hooks  # noqa: PLC0415

    settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    try:
        web = server.bound(settings.PORT)
    except OSError as error:
        print(
            f"sandbox: port {settings.PORT} cannot be used ({error.strerror}); set SANDBOX_PORT to a free one.",
            file=sys.stderr,
        )
        return 1
    store.connection()
    try:
        post_office = mail.start()
    except OSError as error:
        print(
            f"sandbox: port {settings.SMTP_PORT} cannot be used ({error.strerror}); set SANDBOX_SMTP_PORT.",
            file=sys.stderr,
        )
        return 1
    outbox.Dispatcher().start()
    hooks.Dispatcher().start()
    FEED.start()
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    threading.Thread(target=web.serve_forever, name="http", daemon=True).start()
    print(f"sandbox: {settings.PUBLIC_URL}/  mail: 127.0.0.1:{settings.SMTP_PORT}", flush=True)
    stopping.wait()
    web.shutdown()
    post_office.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
