"""The authenticator app of the demo's staff: `python -m standins.authenticator` prints the code of this moment."""

import base64
import time

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

KEY = "JBSWY3DPEHPK3PXP"


def code(moment: float) -> str:
    """What an app that was given `KEY` shows at `moment`, in Unix seconds."""
    app = TOTP(base64.b32decode(KEY), 6, SHA1(), 30, enforce_key_length=False)  # noqa: S303  # nosec B303: RFC 6238
    return app.generate(moment).decode()


if __name__ == "__main__":
    print(code(time.time()))
