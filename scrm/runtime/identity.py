"""Who runs Postgres. It refuses root; started by root it gets a system account of its own, and reaches its files by capability."""

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from scrm.runtime.places import CannotStart

_ACCOUNT = "zhike-postgres"


@dataclass(frozen=True, slots=True)
class Identity:
    """Another account for a child of root; ``launch`` is the argument of launch.py."""

    uid: int
    gid: int
    reach: bool

    @property
    def launch(self) -> str:
        return f"{self.uid}:{self.gid}" + (":reach" if self.reach else "")


def for_postgres(*paths: Path) -> Identity | None:
    """None for an ordinary user (Postgres runs as the same); for root an account that can reach all of ``paths``."""
    if os.geteuid() != 0:
        return None
    account = _account()
    reach = not all(_can_enter(path, account.pw_uid, account.pw_gid) for path in paths)
    return Identity(account.pw_uid, account.pw_gid, reach)


def _account() -> pwd.struct_passwd:
    """Our system account, made on first use; where accounts cannot be made, ``nobody``."""
    for attempt in (1, 2):
        try:
            return pwd.getpwnam(_ACCOUNT)
        except KeyError:
            useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
            if attempt == 1 and useradd:
                options = ["--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"]
                subprocess.run([useradd, *options, _ACCOUNT], check=False, capture_output=True)
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        raise CannotStart(
            "Postgres does not run as root and there is no other account: start as an ordinary user, or set DATABASE_URL."
        ) from None


def _can_enter(path: Path, uid: int, gid: int) -> bool:
    """May that account pass through every existing folder down to ``path``?"""
    path = path.resolve()
    for folder in [*path.parents, path]:
        try:
            facts = folder.stat()
        except FileNotFoundError:
            continue
        if facts.st_uid == uid:
            allowed = facts.st_mode & stat.S_IXUSR
        elif facts.st_gid == gid:
            allowed = facts.st_mode & stat.S_IXGRP
        else:
            allowed = facts.st_mode & stat.S_IXOTH
        if not allowed:
            return False
    return True
