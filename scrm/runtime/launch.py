"""Starts one child: ``python -I -S launch.py SIGNAL PARENT_PID USER -- command...`` (no import of ours, a few milliseconds).

The kernel sends SIGNAL to the child when the supervisor dies, even by kill -9, so no process outlives it. USER is ``-`` or
``uid:gid`` or ``uid:gid:reach``: Postgres refuses to run as root, so root gives it another identity. ``reach`` keeps
CAP_DAC_OVERRIDE for it, when that identity could not enter the folders above the program or the data (a clone in /root).
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 1, 8, 47, 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522


def main(arguments: list[str]) -> None:
    signal_number, parent, user, dash, *command = arguments
    assert dash == "--" and command
    library = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    if user != "-":
        become(user, library)
    if library is not None:
        # After the change of identity, which clears it; it survives the exec.
        library.prctl(_PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0)
        if os.getppid() != int(parent):
            sys.exit("the supervisor is gone")
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.execvp(command[0], command)


def become(user: str, library: ctypes.CDLL | None) -> None:
    uid, gid, *reach = user.split(":")
    if reach and library is not None:
        library.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(int(gid))
    os.setuid(int(uid))
    if reach and library is not None:
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        bit = 1 << _CAP_DAC_OVERRIDE
        # Two blocks of effective, permitted, inheritable.
        data = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
        if library.capset(header, data) or library.prctl(
            _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0
        ):
            sys.exit("cannot keep CAP_DAC_OVERRIDE: " + os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    main(sys.argv[1:])
