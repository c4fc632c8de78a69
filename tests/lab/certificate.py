"""A certificate for this host, which is its own authority."""

from __future__ import annotations

import subprocess
from pathlib import Path

from lab.need import need


def certify(directory: Path) -> tuple[Path, Path]:
    """A new certificate for 127.0.0.1 in `directory`, and its key."""
    need("openssl")
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=lab"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return certificate, key
