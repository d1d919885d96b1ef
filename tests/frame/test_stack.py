"""The plan of a start, its ports, and the embedded servers for real."""

import socket
import stat

import psycopg2
import pytest
import redis

from scrm.runtime import identity, places
from scrm.runtime.places import CannotStart
from scrm.runtime.postgres import Postgres
from scrm.runtime.redis_server import RedisServer
from scrm.runtime.stack import WORKERS, Plan, Stack
from scrm.runtime.supervisor import Child, Supervisor


def plan(tmp_path, environ=None, **more) -> Plan:
    facts = {
        "environ": environ or {}, "data_dir": tmp_path, "demo": True, "port": places.free_port(),
        "sandbox_port": places.free_port(), "smtp_port": places.free_port(), "web_url": "http://here", "sandbox_url": "http://box",
    }  # fmt: skip
    return Plan(**{**facts, **more})


@pytest.fixture
def taken():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("which", "name"), [("port", "PORT"), ("sandbox_port", "SANDBOX_PORT"), ("smtp_port", "SANDBOX_SMTP_PORT")]
)
def test_a_port_in_use_is_one_clear_line(tmp_path, taken, capsys, which, name):
    assert Stack(plan(tmp_path, **{which: taken})).run() == 1
    told = capsys.readouterr().err.strip()
    assert (
        told
        == f"Port {taken} is in use by another program. Stop it, or choose another one: make run {name}={taken + 10}"
    )


def test_a_second_start_says_who_is_there(tmp_path, capsys):
    first = Supervisor(tmp_path)
    first.claim("http://there")
    assert Stack(plan(tmp_path)).run() == 1
    assert "http://there" in capsys.readouterr().err


def test_without_demo_the_sandbox_port_does_not_matter(tmp_path, taken):
    plan(tmp_path, demo=False, sandbox_port=taken).check_ports()


def test_demo_is_for_this_machine_only(tmp_path):
    with pytest.raises(CannotStart, match="this machine only"):
        plan(tmp_path, {"HOST": "0.0.0.0"})
    assert plan(tmp_path, {"HOST": "0.0.0.0"}, demo=False).host == "0.0.0.0"


def test_children_environment(tmp_path):
    made = plan(tmp_path, {"DATABASE_URL": "", "REDIS_URL": "redis://given/0"})
    assert "DATABASE_URL" not in made.environment, "an empty one means the embedded server"
    assert made.environment["REDIS_URL"] == "redis://given/0"
    assert made.environment["WECHAT_API_URL"] == "http://box"
    assert "WECHAT_API_URL" not in plan(tmp_path, demo=False).environment


def test_every_queue_has_exactly_one_process(settings):
    assert sorted(queue for queues in WORKERS.values() for queue in queues) == sorted(settings.QUEUES)
    assert WORKERS["welcome"] == ["welcome"]


def test_ports_are_kept(tmp_path, taken):
    port = places.kept_port(tmp_path, "redis")
    assert places.kept_port(tmp_path, "redis") == port
    places.write_state(tmp_path, "ports", {"redis": taken})
    assert places.kept_port(tmp_path, "redis") != taken
    assert stat.S_IMODE((tmp_path / "run" / "ports.json").stat().st_mode) == 0o600


@pytest.fixture
def keeper(tmp_path):
    keeper = Supervisor(tmp_path)
    yield keeper
    keeper.stop_all()


def start_postgres(keeper, tmp_path, loose=True) -> tuple[Postgres, Child]:
    server = Postgres(tmp_path, fast_and_loose=loose)
    server.prepare()
    child = keeper.start(
        Child("postgres", server.command, server.environment, server.stop_signal, 30, server.user,
              before_restart=server.forget_dead_server)
    )  # fmt: skip
    server.wait(20, lambda: child.alive)
    return server, child


def test_postgres_in_a_private_folder_with_a_long_name_survives_a_crash(keeper, tmp_path):
    private = tmp_path / ("很长的名字" + "x" * 120)
    private.mkdir(mode=0o700)
    server, child = start_postgres(keeper, private, loose=False)
    with psycopg2.connect(server.url) as connection, connection.cursor() as cursor:
        cursor.execute("create table kept as select upper('é') as letter")
    connection.close()
    assert "@" in server.url and server.url.split("@")[0].split(":")[-1]
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(f"postgres://zhike:wrong@127.0.0.1:{server.port}/zhike")
    child.process.kill()
    child.process.wait(10)
    keeper.tend()
    # Another program got the dead server's process number.
    lock = server.cluster / "postmaster.pid"
    lock.write_text("1\n" + lock.read_text().partition("\n")[2])
    keeper._restart(child)
    server.wait(20, lambda: child.alive)
    with psycopg2.connect(server.url) as connection, connection.cursor() as cursor:
        cursor.execute("select letter from kept")
        assert cursor.fetchone() == ("É",)
    connection.close()


def test_an_interrupted_first_start_is_harmless(keeper, tmp_path):
    (tmp_path / "postgres.draft").mkdir()
    (tmp_path / "postgres.draft" / "half").write_text("made")
    server, child = start_postgres(keeper, tmp_path)
    assert (server.cluster / "PG_VERSION").exists() and not (tmp_path / "postgres.draft").exists()
    assert not (tmp_path / "postgres.secret").exists()


def test_files_of_another_version_are_left_alone(tmp_path):
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(CannotStart, match="made by Postgres 16"):
        Postgres(tmp_path).prepare()


def test_root_gives_postgres_another_account(tmp_path, monkeypatch):
    tmp_path.chmod(0o700)
    monkeypatch.setattr(identity.os, "geteuid", lambda: 0)
    account = identity.pwd.getpwnam("nobody")
    monkeypatch.setattr(identity, "_account", lambda: account)
    assert identity.for_postgres(tmp_path).launch == f"{account.pw_uid}:{account.pw_gid}:reach"
    assert identity.for_postgres(identity.Path("/usr/bin")).reach is False
    monkeypatch.setattr(identity.os, "geteuid", lambda: 1000)
    assert identity.for_postgres(tmp_path) is None


def test_redis_keeps_what_it_was_told_and_wants_a_password(keeper, tmp_path):
    server = RedisServer(tmp_path)
    server.prepare()
    child = keeper.start(Child("redis", server.command, server.environment, server.stop_signal, tells=server.tells))
    server.wait(20, lambda: child.alive)
    client = redis.Redis.from_url(server.url)
    client.set("kept", "yes")
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert stat.S_IMODE((server.folder / "redis.conf").stat().st_mode) == 0o600
    with pytest.raises(redis.exceptions.AuthenticationError):
        redis.Redis(port=server.port).get("kept")
    keeper._end(child)
    keeper.start(child)
    server.wait(20, lambda: child.alive)
    assert client.get("kept") == b"yes"
    client.close()
