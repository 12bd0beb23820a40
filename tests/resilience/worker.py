"""Processes that send mail: `flask worker` as it is run beside a fleet, and the embedded server that needs none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from flask import Flask

from tests.resilience.services import ROOT


class MailProcess:
    """A process of the installation, with the settings of production, that sends to a mail server on this machine."""

    def __init__(
        self,
        command: list[str],
        made_with: Flask,
        log: Path,
        *,
        database: str,
        redis: str,
        smtp_port: int,
        **more: str,
    ) -> None:
        self._log = log
        known = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        config = made_with.config
        settings = {
            "APP_ENV": "production",
            "SECRET_KEY": config["SECRET_KEY"],
            "ENCRYPTION_KEYS": config["ENCRYPTION_KEYS"][0],
            "BLIND_INDEX_KEY": config["BLIND_INDEX_KEY"],
            "DATABASE_URL": database,
            "REDIS_URL": redis,
            "PUBLIC_URL": "https://api.example.com",
            "FRONTEND_URL": "https://shop.example.com",
            "MAIL_FROM": "shop@example.com",
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(smtp_port),
            "SMTP_SECURITY": "none",
            **more,
        }
        words = command if command[0] == "-c" else ["-m", *command]
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, *words], cwd=ROOT, env={**known, **settings}, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT,
            )  # fmt: skip

    @property
    def said(self) -> str:
        """What the process wrote."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-4000:]

    def kill(self) -> None:
        """Kill it as the kernel does when memory is short."""
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        """Stop it as a deploy does, and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
