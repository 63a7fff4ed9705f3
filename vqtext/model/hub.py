"""Models on the Hugging Face hub: from there, and to there.

Nothing here goes online but `download` and `upload`, which only `VQText.from_pretrained` with the name of a
repository and `VQText.push_to_hub` call. No message shows the token.
"""

from __future__ import annotations

import os
import re
import socket
import urllib.request
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import vqtext
from vqtext.errors import HubError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

LOG_IN = "log in with `hf auth login`, or set HF_TOKEN"


def is_repo(place: Path | str) -> bool:
    """Whether it is the name of a repository, ``owner/name``: text, while no folder ``owner`` stands here."""
    return is_name(place) and not Path(place).parent.exists()


def is_name(place: Path | str) -> bool:
    """Whether it might be the name of a repository."""
    return isinstance(place, str) and re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", place) is not None


def download(
    repo: str,
    files: Collection[str],
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: Path | str | None = None,
) -> Path:
    """The local folder with some files of a repository; files that are there already are not fetched again.

    Args:
        repo: ``owner/name``.
        files: their names.
        revision: branch, tag or commit; None takes the newest.
        token: as huggingface_hub's.
        cache_dir: where downloads are kept; None takes huggingface_hub's own place.

    Raises:
        HubError: the hub is away and the files are not on this machine, it refuses, or it has no such files.
    """
    from huggingface_hub import constants, snapshot_download

    endpoint = _endpoint()
    options: dict[str, Any] = {"revision": revision or constants.DEFAULT_REVISION, "token": token}
    source = {**options, "cache_dir": cache_dir, "endpoint": endpoint, "allow_patterns": [*files]}
    with _hub_errors(repo, endpoint, token):
        offline = f"{_host(endpoint)} does not answer"
        if constants.HF_HUB_OFFLINE:
            offline = "HF_HUB_OFFLINE is set"
        elif reachable(endpoint):
            siblings = _api(endpoint).model_info(repo, **options).siblings
            names = files if siblings is None else {file.rfilename for file in siblings}
            missing = [name for name in files if name not in names]
            if missing:  # before anything is downloaded: weights of others are large
                raise HubError(f"{repo} on {_host(endpoint)} holds no vqtext model: it lacks {missing[0]}")
            return Path(snapshot_download(repo, **source))
        try:
            folder = Path(snapshot_download(repo, **source, local_files_only=True))
        except FileNotFoundError:
            raise HubError(f"{offline}, and {repo} is not on this machine: nothing was downloaded") from None
    warnings.warn(f"{offline}: {repo} is as it was when it was downloaded", stacklevel=3)
    return folder


def upload(folder: Path, repo: str, token: str | bool | None, private: bool | None, message: str) -> str:
    """Put the files of a folder into a repository, in one commit; the repository is made where there is none.

    Returns:
        The address of the commit.

    Raises:
        HubError: the hub is away or refuses.
    """
    from huggingface_hub import constants

    endpoint = _endpoint()
    with _hub_errors(repo, endpoint, token):
        if constants.HF_HUB_OFFLINE:
            raise HubError(f"HF_HUB_OFFLINE is set: {repo} was not uploaded")
        if not reachable(endpoint):
            raise HubError(f"{_host(endpoint)} does not answer: {repo} was not uploaded")
        api = _api(endpoint, token)
        api.create_repo(repo, private=private, exist_ok=True)
        return api.upload_folder(repo_id=repo, folder_path=folder, commit_message=message).commit_url


def reachable(url: str, timeout_s: float = 3.0) -> bool:
    """Whether a server, or the proxy that stands before it, takes a connection."""
    target = urlsplit(url)
    proxy = urllib.request.getproxies().get(target.scheme)
    if proxy and not urllib.request.proxy_bypass(target.hostname or ""):
        target = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    port = target.port or {"https": 443, "http": 80}.get(target.scheme, 443)
    try:
        socket.create_connection((target.hostname or "", port), timeout_s).close()
    except OSError:
        return False
    return True


def _api(endpoint: str, token: str | bool | None = None) -> HfApi:
    from huggingface_hub import HfApi

    return HfApi(endpoint, token, library_name="vqtext", library_version=vqtext.__version__)


def _endpoint() -> str:
    """The hub's address; huggingface_hub knows HF_ENDPOINT as it was when it was imported."""
    from huggingface_hub import constants

    return (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")


def _host(endpoint: str) -> str:
    """The hub's name, without a password that may stand before it."""
    return urlsplit(endpoint).netloc.rpartition("@")[2] or endpoint


@contextmanager
def _hub_errors(repo: str, endpoint: str, token: str | bool | None) -> Iterator[None]:
    """Errors of huggingface_hub as `HubError`."""
    from huggingface_hub import errors, get_token

    host = _host(endpoint)
    secret = token if isinstance(token, str) else get_token()
    if secret and not re.fullmatch("[!-~]+", secret):
        raise HubError(f"the token holds characters that no token has: {LOG_IN}")
    try:
        yield
    except errors.HFValidationError:
        raise HubError(f"{repo!r} is no repository's name, which is owner/name") from None
    except errors.GatedRepoError:
        raise HubError(f"{repo} on {host} is gated: ask its owner for access, and {LOG_IN}") from None
    except errors.RevisionNotFoundError:
        raise HubError(f"{repo} on {host} has no such revision") from None
    except errors.HfHubHTTPError as error:
        if isinstance(error, errors.RepositoryNotFoundError) or error.response.status_code == 404:
            hidden = f"look at its name; where it is private, or to be made, {LOG_IN}"
            raise HubError(f"{host} shows no {repo}: {hidden}") from None
        raise HubError(f"{host} {_refusal(error, secret)} ({repo})") from None
    except errors.LocalTokenNotFoundError:
        raise HubError(f"{repo} needs a token, and there is none: {LOG_IN}") from None
    except errors.HTTPError as error:
        raise HubError(f"{host} broke off ({type(error).__name__}): try again later ({repo})") from None
    except errors.LocalEntryNotFoundError as error:
        cause = error.__cause__
        is_answer = isinstance(cause, errors.HfHubHTTPError)
        answer = _refusal(cause, secret) if is_answer else "broke off: try again later"
        raise HubError(f"{host} {answer} ({repo})") from None
    except OSError as error:
        if error.strerror is None:  # of what came, not of this machine
            raise HubError(f"{host} sent less than all of {repo}: try again later") from None
        raise HubError(f"{repo}: {error.filename or 'connection'}: {error.strerror}") from None
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError, RuntimeError) as error:
        raise HubError(
            f"{host} answers as no hub does ({type(error).__name__}): look at HF_ENDPOINT and at proxies"
        ) from None


def _refusal(error: Any, token: str | None) -> str:
    """The answer of a hub that refuses, in one line, without the token, which it may repeat."""
    status = error.response.status_code
    words = " ".join((error.server_message or "").split())
    words = re.sub(r"hf_\w+", "…", words.replace(token, "…") if token else words)[:200]
    answer = f"answers {status}{f', {words!r}' if words else ''}"
    if status in (401, 403):
        return f"{answer}: {LOG_IN}, with a token that is allowed to"
    return f"{answer}: try again later" if status == 429 or status >= 500 else answer
