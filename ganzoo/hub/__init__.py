"""The Hugging Face Hub, through its own client: fetching and checking files, searching, committing a folder.

Nothing in here knows what a GAN is. The client's cache, token and environment variables (``HF_HOME``, ``HF_TOKEN``,
``HF_HUB_OFFLINE``, ``HF_ENDPOINT``, ...) apply; ganzoo adds none.
"""

import os

from ganzoo.errors import HubError

for _name in ("HF_HUB_DOWNLOAD_TIMEOUT", "HF_HUB_ETAG_TIMEOUT"):
    # The client parses them when it is imported, and raises a `ValueError` that does not name them.
    if not (_text := os.environ.get(_name) or "1").isdecimal():
        raise HubError(f"{_name} is a whole number of seconds, and not '{_text}'")
