"""`manage.py portal`: the whole portal as one command: web server, queue and ticker, supervised."""

from __future__ import annotations

import argparse
import socket
import sys
import time
from typing import Any  # Any: options, as Django hands them over

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command
from django.db import DatabaseError, close_old_connections

from portal import queue
from portal.management.supervisor import Child, Supervisor
from portal.usecases.heartbeat import QUEUE, TICKER, seconds_silent

WEB = "web"
PARTS = (WEB, QUEUE, TICKER)
BEAT_SECONDS, SILENT_SECONDS, CROWDED = 5.0, 20.0, 50


class Command(BaseCommand):
    help = "Run the web server, the queue and the ticker; restart what dies and replace what hangs."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--only", action="append", choices=PARTS, default=[],
                            help="one of the processes, where they run apart; repeatable")  # fmt: skip

    def handle(self, *args: object, **options: Any) -> None:
        only = frozenset(options["only"] or PARTS)
        if WEB in only:
            self._check_port()
            call_command("migrate", interactive=False, verbosity=0)
            call_command("collectstatic", interactive=False, verbosity=0)
            queue.ensure_schedules()
            self._say(f"serving {settings.CONFIG.public_url}")
        self._beat_at, self._beats = 0.0, QUEUE in only
        Supervisor([child for child in self._children() if child.name in only], self._say).run(self._each_second)
        self._say("stopped")

    def _children(self) -> tuple[Child, ...]:
        python, manage = sys.executable, [sys.executable, "manage.py"]
        web = [python, "-m", "gunicorn", "portal.wsgi", "--bind", settings.CONFIG.bind, "--worker-class", "gthread",
               "--workers", "2", "--threads", "16", "--keep-alive", "15", "--no-control-socket",
               "--log-level", "warning"]  # fmt: skip
        return (
            Child(WEB, web, grace=10),
            Child(QUEUE, [*manage, "qcluster"], 20, lambda: self._silent(QUEUE), SILENT_SECONDS),
            Child(TICKER, [*manage, "ticker"], 10, lambda: self._silent(TICKER), SILENT_SECONDS),
        )

    def _each_second(self) -> None:
        """A beat through the queue: only a cluster that works jobs is alive, whatever its processes say."""
        if not self._beats or time.monotonic() - self._beat_at < BEAT_SECONDS:
            return
        self._beat_at = time.monotonic()
        try:
            close_old_connections()
            if queue.waiting() < CROWDED:
                queue.enqueue("heartbeat", str(time.time()))
        except DatabaseError as error:
            self._say(f"the database does not answer: {error}")

    def _silent(self, name: str) -> float:
        """0 while the database is away: restarting processes would not bring it back."""
        try:
            return 0.0 if name == QUEUE and queue.waiting() >= CROWDED else seconds_silent(name)
        except DatabaseError:
            return 0.0

    def _check_port(self) -> None:
        host, _, port = settings.CONFIG.bind.rpartition(":")
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, int(port)))
            except OSError as error:
                raise CommandError(
                    f"{settings.CONFIG.bind} cannot be used ({error.strerror}). Set KNOPFDRUCK_BIND=host:port."
                ) from error

    def _say(self, text: str) -> None:
        self.stdout.write(f"[portal] {text}")
        self.stdout.flush()
