"""The portal's settings, read once from the environment; the only reader of os.environ. Errors name the variable."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

GITHUB = "https://token.actions.githubusercontent.com"
ROOT = Path(__file__).resolve().parent.parent
LAMBDA_SECONDS = 14 * 60
"""Lambda ends a function after 15 minutes."""


class ConfigInvalid(ValueError):
    """A variable of the environment has a value the portal cannot use."""


@dataclass(frozen=True, slots=True)
class AccessConfig:
    """How callers are known and limited. `proxies` of ours stand before the portal and append to X-Forwarded-For."""

    proxies: int = 0
    calls_per_minute: int = 600
    """Per token; a tenth of it for wrong tokens of one address."""
    hsts_seconds: int = 31_536_000
    """How long browsers shall insist on https, once the portal's public address has it."""
    issuer: str = GITHUB
    """Whose id-tokens are taken from jobs that an environment trusts."""
    gateway_secret: str = field(default="", repr=False)
    """What our gateway signs the caller's name with; empty: there is none."""


@dataclass(frozen=True, slots=True)
class PortalConfig:
    """Folders are absolute; `store_url` is where runs and workers meet; empty engine paths mean: look for it."""

    data_dir: Path
    database_url: str
    store_url: str
    secret_key: str
    debug: bool
    allowed_hosts: tuple[str, ...]
    bind: str
    public_url: str
    queue_workers: int
    k6: str
    node: str
    artillery: str
    k6_measure: str
    access: AccessConfig
    static_dir: Path
    """Style sheets and scripts as they are served; an image brings them along."""
    lambda_seconds: int
    """The longest load of one worker on Lambda; a sliced one changes workers as often at least."""


def load(environ: Mapping[str, str] | None = None) -> PortalConfig:
    """Raises ConfigInvalid naming the variable. Creates the data folder and, once, the secret key in it."""
    env = os.environ if environ is None else environ
    data = Path(env.get("KNOPFDRUCK_DATA_DIR") or ROOT / "var").resolve()
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigInvalid(f"KNOPFDRUCK_DATA_DIR is {str(data)!r} and cannot be used: {error.strerror}.") from error
    bind = env.get("KNOPFDRUCK_BIND") or "127.0.0.1:8000"
    return PortalConfig(
        data_dir=data,
        database_url=env.get("DATABASE_URL") or f"sqlite:///{data / 'portal.sqlite3'}",
        store_url=_store_url(env.get("KNOPFDRUCK_STORE") or (data / "store").as_uri()),
        secret_key=_secret(env, "SECRET_KEY") or _own_secret_key(data / "secret_key"),
        debug=_flag(env, "KNOPFDRUCK_DEBUG"),
        allowed_hosts=_words(env.get("KNOPFDRUCK_ALLOWED_HOSTS") or "127.0.0.1,localhost"),
        bind=_bind(bind),
        public_url=(env.get("KNOPFDRUCK_PUBLIC_URL") or f"http://{bind}").rstrip("/"),
        queue_workers=_number(env, "KNOPFDRUCK_QUEUE_WORKERS", default=2, least=1, most=64),
        k6=env.get("K6_BIN", ""),
        node=env.get("NODE_BIN", ""),
        artillery=env.get("ARTILLERY_BIN", ""),
        k6_measure=_one_of(env, "KNOPFDRUCK_K6_MEASURE", ("cloud", "csv")),
        access=_access(env),
        static_dir=Path(env.get("KNOPFDRUCK_STATIC_DIR") or data / "static").resolve(),
        lambda_seconds=_number(env, "KNOPFDRUCK_LAMBDA_SECONDS", default=LAMBDA_SECONDS, least=10, most=LAMBDA_SECONDS),
    )


def _access(env: Mapping[str, str]) -> AccessConfig:
    return AccessConfig(
        proxies=_number(env, "KNOPFDRUCK_PROXIES", default=0, least=0, most=5),
        calls_per_minute=_number(env, "KNOPFDRUCK_API_RATE", default=600, least=1, most=10_000_000),
        hsts_seconds=_number(env, "KNOPFDRUCK_HSTS_SECONDS", default=31_536_000, least=0, most=63_072_000),
        issuer=_issuer(env.get("KNOPFDRUCK_OIDC_ISSUER") or GITHUB),
        gateway_secret=_gateway_secret(env),
    )


def _issuer(url: str) -> str:
    if not url.startswith(("https://", "http://127.0.0.1:")):
        raise ConfigInvalid(f"KNOPFDRUCK_OIDC_ISSUER is {url!r}; use https://host.")
    return url.rstrip("/")


def _gateway_secret(env: Mapping[str, str]) -> str:
    secret = _secret(env, "KNOPFDRUCK_GATEWAY_SECRET")
    if secret and len(secret) < 32:
        raise ConfigInvalid("KNOPFDRUCK_GATEWAY_SECRET is too short; use at least 32 characters.")
    return secret


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for part in text.split(",") if (word := part.strip()))


def _store_url(url: str) -> str:
    if not url.startswith(("file:///", "s3://")):
        raise ConfigInvalid(f"KNOPFDRUCK_STORE is {url!r}; use file:///absolute/folder or s3://bucket/prefix.")
    return url


def _bind(bind: str) -> str:
    host, _, port = bind.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ConfigInvalid(f"KNOPFDRUCK_BIND is {bind!r}; use host:port, such as 127.0.0.1:8000.")
    return bind


def _secret(env: Mapping[str, str], name: str) -> str:
    """The variable, or the content of the file that NAME_FILE names."""
    path = env.get(f"{name}_FILE")
    if not path:
        return env.get(name, "")
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise ConfigInvalid(f"{name}_FILE is {path!r} and cannot be read: {error.strerror}.") from error


def _own_secret_key(path: Path) -> str:
    """A key of this installation's own; the first process to come creates it, for its owner's eyes only."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    if not path.exists():
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


def _one_of(env: Mapping[str, str], name: str, words: tuple[str, ...]) -> str:
    """The first where nothing is said."""
    word = env.get(name) or words[0]
    if word not in words:
        raise ConfigInvalid(f"{name} is {word!r}; use {' or '.join(words)}.")
    return word


def _flag(env: Mapping[str, str], name: str) -> bool:
    word = env.get(name, "").lower()
    if word not in ("", "0", "1", "false", "true", "no", "yes"):
        raise ConfigInvalid(f"{name} is {word!r}; use 1 or 0.")
    return word in ("1", "true", "yes")


def _number(env: Mapping[str, str], name: str, *, default: int, least: int, most: int) -> int:
    word = env.get(name) or str(default)
    if not word.isdecimal() or not least <= int(word) <= most:
        raise ConfigInvalid(f"{name} is {word!r}; use a whole number from {least} to {most}.")
    return int(word)
