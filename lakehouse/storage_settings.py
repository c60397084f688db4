"""Settings of object storage: where a bucket answers, and who asks there."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from lakehouse.server_settings import Section
from lakehouse.setting_checks import check_endpoint


class Storage(Section):
    """How a lake in a bucket (`lake = "s3://BUCKET/PATH"`) is reached. What is not set here is
    taken from the environment as AWS's own tools take it: AWS_ENDPOINT_URL, AWS_REGION,
    AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, or the role of the machine.
    """

    endpoint: Annotated[str, AfterValidator(check_endpoint)] = ""
    """Where the store answers: https://HOST[:PORT]. Empty: Amazon's own, of the region."""
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]*$")] = ""
    """The region of the bucket. Empty: AWS_REGION, or us-east-1 where there is an endpoint."""
    access_key: SecretStr = SecretStr("")
    """Who asks. Empty: the environment's, or the role of the machine."""
    access_key_file: str = ""
    """The file that holds the access key."""
    secret_key: SecretStr = SecretStr("")
    """The secret of the access key. Better as LOGPOND_STORAGE_SECRET_KEY than in this file, and
    better still in a file of its own.
    """
    secret_key_file: str = ""
    """The file that holds the secret, as a secret of Docker: /run/secrets/bucket."""
    session_token: SecretStr = SecretStr("")
    """The token of keys that are lent for a time."""
    session_token_file: str = ""
    """The file that holds the token. It is read once, at the start."""
    ca_file: str = ""
    """The certificates (PEM) of the authority that signed the store's, where it is one of your own;
    those of this machine are trusted too.
    """
    timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 30.0
    """How long one request may take, before it is asked again."""
    connect_seconds: Annotated[float, Field(gt=0, le=3600)] = 5.0
    """How long a connection may take."""
